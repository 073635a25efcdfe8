"""The simulated FINN-Brainsmith backend: it marshals a whole build and simulates what would come of it."""
