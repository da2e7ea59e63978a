"""Trimbench: any pruning criterion on the same audio tasks, the same rounds and the same scales."""

__version__ = "0.1.0"
