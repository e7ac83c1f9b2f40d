"""The ways out: one module per kind of destination, each with the model of its own settings."""
