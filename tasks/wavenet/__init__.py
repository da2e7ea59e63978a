"""Generates single notes sample by sample: a WaveNet that is told the mel spectrogram of the note."""

from .task import WavenetTask

task = WavenetTask()
