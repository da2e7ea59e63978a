"""Which instrument plays, or how a voice is used: clips of one second, by a convolutional net on log-mel patches."""

from .task import task

__all__ = ["task"]
