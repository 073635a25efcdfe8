"""Power: totals, what each kind of resource and each instance takes, supplies, and how far it can be trusted."""
