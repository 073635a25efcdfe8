"""Work in child processes: workers, commands, signals."""
