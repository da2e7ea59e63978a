"""Which pitch sounds: the fundamental frequency of one voice, frame by frame, by CREPE on raw audio."""

from .task import Pitch

task = Pitch()
"""The pitch task: what the harness asks of it."""
