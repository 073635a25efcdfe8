"""Builds and steps that were done before aren't done again: what decides them, their files, how they come back."""
