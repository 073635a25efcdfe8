"""Broken rules: design rule check and methodology."""
