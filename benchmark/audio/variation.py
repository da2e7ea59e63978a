"""Training rows of log-frequency frames as the field varies them: in level, colour, pitch and noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from benchmark.task import Batch


@dataclass(frozen=True)
class Variation:
    """How far rows are taken from what was heard; numbers are in standard deviations of the features."""

    level: float
    """Largest shift of a row."""
    tilt: float
    """Largest shift of the outermost bands, growing evenly from the middle: a duller or a brighter recording."""
    bands: int
    """Largest move up or down, in bands: a higher or a lower instrument."""
    noise: float

    def of(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Every row louder or softer, duller or brighter, higher or lower, and with noise.

        Parameters
        ----------
        batch
            Inputs (rows, 1, bands, frames); they and the targets are left as they are.
        generator
            Where every choice comes from.
        """
        rows, _, bands, frames = batch.inputs.shape
        move = torch.randint(-self.bands, self.bands + 1, (rows, 1), generator=generator)
        moved = (torch.arange(bands) + move).clamp(0, bands - 1)
        inputs = batch.inputs.gather(2, moved[:, None, :, None].expand(-1, 1, -1, frames))
        level, tilt = (2 * torch.rand((2, rows, 1, 1, 1), generator=generator) - 1).unbind()
        slope = torch.linspace(-1, 1, bands).view(1, 1, -1, 1)
        noise = torch.randn(inputs.shape, generator=generator)
        shift = self.level * level + self.tilt * tilt * slope
        return Batch(noise.mul_(self.noise).add_(shift).add_(inputs), batch.targets)
