"""Files and values: YAML, JSON, conversion."""
