"""Which chord sounds: major, minor or none in rendered progressions, by a convolutional net on constant-Q patches."""

from .task import Chords

task = Chords()
