"""Training rows as the field varies them: transposed with their labels, in level, colour and noise."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.task import Batch

from .harmony import NO_CHORD, OUT
from .model import BINS
from .patches import WideBatch
from .recordings import BINS_PER_SEMITONE, MARGIN, MOST_SEMITONES

LEVEL = 0.3
"""Largest shift of a patch's features, in their standard deviations."""
TILT = 0.5
"""Largest shift of the outermost bins, growing evenly from the middle: a duller or a brighter instrument."""
NOISE = 0.2


def vary(batch: Batch, generator: torch.Generator) -> Batch:
    """Every row transposed by -4 to 4 semitones, louder or softer, brighter or duller, and with noise.

    A plain batch has no margin of bins and keeps its pitch.
    """
    rows = len(batch.targets)
    inputs, targets = batch.inputs, batch.targets
    if isinstance(batch, WideBatch):
        semitones = torch.randint(-MOST_SEMITONES, MOST_SEMITONES + 1, (rows,), generator=generator)
        inputs, targets = transpose(batch.wide, targets, semitones)
    level, tilt = (2 * torch.rand((2, rows, 1, 1, 1), generator=generator) - 1).unbind()
    slope = torch.linspace(-1, 1, inputs.shape[2]).view(1, 1, -1, 1)
    noise = torch.randn(inputs.shape, generator=generator)
    return Batch(noise.mul_(NOISE).add_(LEVEL * level + TILT * tilt * slope).add_(inputs), targets)


def transpose(wide: Tensor, targets: Tensor, semitones: Tensor) -> tuple[Tensor, Tensor]:
    """Rows moved up by `semitones` each.

    Parameters
    ----------
    wide
        (rows, 1, BINS + 2 MARGIN, frames).
    targets
        (rows,) classes.
    semitones
        (rows,) integers from -4 to 4.

    Returns
    -------
    tuple of Tensor
        (rows, 1, BINS, frames) and (rows,).
    """
    first = MARGIN - BINS_PER_SEMITONE * semitones
    bins = first[:, None] + torch.arange(BINS)
    inputs = wide.gather(2, bins[:, None, :, None].expand(-1, 1, -1, wide.shape[3]))
    moved = targets // 12 * 12 + (targets + semitones) % 12
    return inputs, torch.where((targets == NO_CHORD) | (targets == OUT), targets, moved)
