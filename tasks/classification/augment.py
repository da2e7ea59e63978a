"""How training varies its patches: a gain and SpecAugment's masks (Park et al., Interspeech 2019)."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.task import Batch

GAIN = 0.3
"""Largest gain in units of the features: 1.5 nepers of power, 6.5 dB."""
MASKED_FRAMES, MASKED_MELS = 12, 12
"""Longest masks: 0.24 s and 12 of the 64 bands."""


def vary(batch: Batch, generator: torch.Generator) -> Batch:
    """A gain, one masked stretch of time and one of frequency for every row."""
    rows, _, mels, frames = batch.inputs.shape
    gain, *places = torch.rand((5, rows), generator=generator)
    inputs = batch.inputs + (GAIN * (2 * gain - 1)).view(rows, 1, 1, 1)
    time = _mask(places[0], places[1], frames, MASKED_FRAMES).view(rows, 1, 1, frames)
    frequency = _mask(places[2], places[3], mels, MASKED_MELS).view(rows, 1, mels, 1)
    return Batch(inputs.masked_fill(time | frequency, 0.0), batch.targets)


def _mask(length: Tensor, start: Tensor, size: int, longest: int) -> Tensor:
    """(rows, size) booleans: a stretch of 0 to `longest` cells, from two uniform numbers a row."""
    cells = (length * (longest + 1)).floor()
    first = (start * (size - cells + 1)).floor()
    at = torch.arange(size)
    return (at >= first[:, None]) & (at < (first + cells)[:, None])
