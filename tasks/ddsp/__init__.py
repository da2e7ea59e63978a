"""Generates single notes: pitch, loudness and timbre to the controls of a differentiable synthesizer, by GRUs."""

from .task import DdspTask

task = DdspTask()
