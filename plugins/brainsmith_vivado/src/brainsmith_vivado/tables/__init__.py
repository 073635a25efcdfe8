"""Reports as trees of sections and tables: one engine for all kinds, read in one pass."""
