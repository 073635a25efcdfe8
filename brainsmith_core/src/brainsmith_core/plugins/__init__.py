"""Plugins: found, checked, contained, asked for what they offer."""
