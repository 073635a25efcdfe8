"""One build from a configuration to its result."""
