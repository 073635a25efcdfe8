"""The steps between the model that comes in and the one that the backend builds."""
