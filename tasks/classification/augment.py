"""How training varies its patches: in colour and in pitch, and by SpecAugment's masks (Park et al., Interspeech 2019).

A sample of a sound font, or a player in one room, is one instrument before one microphone. What changes between
recordings of an instrument is the gain and the colour of the whole way from the sound to the file, and how large the
instrument is, which moves its formants; a net that hears each patch in many of them has less to learn by heart.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from benchmark.task import Batch

COLOUR, KNOTS = 0.25, 7
"""Standard deviation of the response at each of the knots, which lie evenly over the bands with straight lines between
them, in units of the features: 1.25 nepers of power, 5.4 dB."""
MOVED = 2
"""Bands that a patch is moved up or down at most: about two semitones above 1 kHz."""
MASKED_FRAMES, MASKED_MELS = 12, 12
"""Longest masks: 0.24 s and 12 of the 64 bands."""


def vary(batch: Batch, generator: torch.Generator) -> Batch:
    """A colour, a move, one masked stretch of time and one of frequency for every row; all from the generator."""
    rows, _, mels, frames = batch.inputs.shape
    moves = torch.randint(-MOVED, MOVED + 1, (rows, 1), generator=generator)
    response = COLOUR * torch.randn((rows, 1, KNOTS), generator=generator)
    places = torch.rand((4, rows), generator=generator)
    bands = (torch.arange(mels) + moves).clamp(0, mels - 1)
    inputs = batch.inputs.gather(2, bands[:, None, :, None].expand(rows, 1, mels, frames))
    inputs += interpolate(response, mels, mode="linear", align_corners=True)[..., None]
    time = _mask(places[0], places[1], frames, MASKED_FRAMES).view(rows, 1, 1, frames)
    frequency = _mask(places[2], places[3], mels, MASKED_MELS).view(rows, 1, mels, 1)
    return Batch(inputs.masked_fill_(time | frequency, 0.0), batch.targets)


def _mask(length: Tensor, start: Tensor, size: int, longest: int) -> Tensor:
    """(rows, size) booleans: a stretch of 0 to `longest` cells, from two uniform numbers a row."""
    cells = (length * (longest + 1)).floor()
    first = (start * (size - cells + 1)).floor()
    at = torch.arange(size)
    return (at >= first[:, None]) & (at < (first + cells)[:, None])
