"""Real FINN builds: FINN environments, worker, workflow engine, report parsers."""
