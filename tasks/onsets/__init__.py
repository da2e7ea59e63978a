"""When something begins: onsets of notes and strokes in mixes or recordings, by a convolutional net on mel frames."""

from .task import Onsets

task = Onsets()
