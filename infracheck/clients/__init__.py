"""The outside world: the only modules that import an SDK, and only inside functions."""
