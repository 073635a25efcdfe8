"""Utilisation: of the whole design, of instances, of super logic regions, of Vitis kernels."""
