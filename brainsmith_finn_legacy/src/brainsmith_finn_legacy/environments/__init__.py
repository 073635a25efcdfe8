"""FINN environments: find, install, check and remove them; know what each can do."""
