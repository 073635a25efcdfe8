"""One folder for each family of reports: what it is called, and how its tables become figures."""
