"""Parsers of the reports that Vivado and Vitis write, recognised by what they hold and not by their names."""
