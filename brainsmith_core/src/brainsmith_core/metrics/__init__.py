"""Reports to metrics, and metrics to one view."""
