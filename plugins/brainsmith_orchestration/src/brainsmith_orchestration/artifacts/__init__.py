"""Products of builds: kept by content, found by what is known of them, let go by rule."""
