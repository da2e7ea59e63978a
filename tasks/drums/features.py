"""The frames that the net sees, and how many of them a row has."""

from __future__ import annotations

from benchmark.data.logmel import LogMel

RATE = 44_100
MEL = LogMel(RATE, hop=512, lowest=30.0, highest=16_000.0)
PATCH = 15
"""Frames of a patch: the answer is about the middle one, 81 ms of sound on each side of it are seen."""
