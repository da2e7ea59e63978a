"""The frames that the net sees."""

from __future__ import annotations

from benchmark.data.logmel import LogMel

RATE = 32_000
MEL = LogMel(RATE, hop=320, lowest=30.0, highest=15_000.0)
"""A frame every 10 ms."""
