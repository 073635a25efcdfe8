"""Many builds: what runs when, what needn't run again, and how all of it is stopped."""
