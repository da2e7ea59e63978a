"""Which drum is struck when: kick, snare and hi-hat in loops or recordings, by a convolutional net on mel patches."""

from .task import Drums

task = Drums()
