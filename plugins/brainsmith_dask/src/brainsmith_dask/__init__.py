"""Builds on many machines with Dask."""
