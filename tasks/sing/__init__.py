"""Generates single notes in frames of 64 ms: an auto-encoder of convolutions, or LSTMs that are told symbols."""

from .task import SingTask

task = SingTask()
