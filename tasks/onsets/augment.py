"""Training rows as the field varies them: in level, colour, pitch and noise."""

from __future__ import annotations

import torch

from benchmark.task import Batch

LEVEL = 0.4
"""Largest shift of a segment's features, in their standard deviations."""
TILT = 0.5
"""Largest shift of the outermost bands, growing evenly from the middle: a duller or a brighter recording."""
BANDS = 3
"""Largest move up or down in mel bands: a higher or a lower instrument."""
NOISE = 0.2


def vary(batch: Batch, generator: torch.Generator) -> Batch:
    """Every row louder or softer, duller or brighter, up to three bands higher or lower, and with noise."""
    rows, _, mels, frames = batch.inputs.shape
    move = torch.randint(-BANDS, BANDS + 1, (rows, 1), generator=generator)
    bands = (torch.arange(mels) + move).clamp(0, mels - 1)
    inputs = batch.inputs.gather(2, bands[:, None, :, None].expand(-1, 1, -1, frames))
    level, tilt = (2 * torch.rand((2, rows, 1, 1, 1), generator=generator) - 1).unbind()
    slope = torch.linspace(-1, 1, mels).view(1, 1, -1, 1)
    noise = torch.randn(inputs.shape, generator=generator)
    return Batch(noise.mul_(NOISE).add_(LEVEL * level + TILT * tilt * slope).add_(inputs), batch.targets)
