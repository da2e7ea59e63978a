"""How training varies its patches: by SpecAugment's masks (Park et al., Interspeech 2019), and in level or colour."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from benchmark.task import Batch

GAIN = 0.3
"""Largest gain in units of the features: 1.5 nepers of power, 6.5 dB."""
COLOUR, KNOTS = 0.25, 7
"""Standard deviation of the response at each of the knots, which lie evenly over the bands with straight lines between
them, in units of the features: 1.25 nepers of power, 5.4 dB."""
MOVED = 2
"""Bands that a patch is moved up or down at most: about two semitones above 1 kHz."""
MASKED_FRAMES, MASKED_MELS = 12, 12
"""Longest masks: 0.24 s and 12 of the 64 bands."""


def in_level(batch: Batch, generator: torch.Generator) -> Batch:
    """A gain and masks for every row: enough for recordings, of which there are many."""
    gain, *places = torch.rand((5, len(batch.inputs)), generator=generator)
    return Batch(_masked(batch.inputs + (GAIN * (2 * gain - 1)).view(-1, 1, 1, 1), places), batch.targets)


def in_colour(batch: Batch, generator: torch.Generator) -> Batch:
    """A colour, a move and masks for every row: for sounds that are made from few samples or voices.

    What changes between recordings of an instrument is the gain and the colour of the whole way from the sound to the
    file, and how large the instrument is, which moves its formants; a net that hears each patch in many of them has
    less to learn by heart.
    """
    rows, _, mels, frames = batch.inputs.shape
    moves = torch.randint(-MOVED, MOVED + 1, (rows, 1), generator=generator)
    response = COLOUR * torch.randn((rows, 1, KNOTS), generator=generator)
    places = torch.rand((4, rows), generator=generator)
    bands = (torch.arange(mels) + moves).clamp(0, mels - 1)
    inputs = batch.inputs.gather(2, bands[:, None, :, None].expand(rows, 1, mels, frames))
    inputs += interpolate(response, mels, mode="linear", align_corners=True)[..., None]
    return Batch(_masked(inputs, places), batch.targets)


def _masked(inputs: Tensor, places: Sequence[Tensor] | Tensor) -> Tensor:
    """One stretch of time and one of frequency at zero in every row; changes `inputs`."""
    rows, _, mels, frames = inputs.shape
    time = _mask(places[0], places[1], frames, MASKED_FRAMES).view(rows, 1, 1, frames)
    frequency = _mask(places[2], places[3], mels, MASKED_MELS).view(rows, 1, mels, 1)
    return inputs.masked_fill_(time | frequency, 0.0)


def _mask(length: Tensor, start: Tensor, size: int, longest: int) -> Tensor:
    """(rows, size) booleans: a stretch of 0 to `longest` cells, from two uniform numbers a row."""
    cells = (length * (longest + 1)).floor()
    first = (start * (size - cells + 1)).floor()
    at = torch.arange(size)
    return (at >= first[:, None]) & (at < (first + cells)[:, None])
