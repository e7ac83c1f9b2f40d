"""The outside world, one module a thing."""
