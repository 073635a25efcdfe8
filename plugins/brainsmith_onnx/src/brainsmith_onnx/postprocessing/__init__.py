"""Steps after the backend: how fast, how large, how accurate, and whether it computes what it should."""
