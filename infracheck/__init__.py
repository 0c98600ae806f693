"""infracheck: the deploy gate that asks reality whether the infrastructure is there."""

__version__ = "0.1.0"
