"""Part of a stand-in for FINN, for tests."""
