"""The command line: a shell whose commands come from plugins."""
