"""Logs of Vivado and Vitis."""
