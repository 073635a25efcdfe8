"""One model on many boards and clocks: what to build, in which order, and how the results compare."""
