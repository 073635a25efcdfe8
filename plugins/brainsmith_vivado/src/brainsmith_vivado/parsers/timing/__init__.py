"""Timing: the whole design, each clock, pairs of clocks, checks of the constraints, and the worst paths."""
