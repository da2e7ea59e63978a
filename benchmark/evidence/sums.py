"""What is kept of readings: running sums and a sample at fixed places, however large the activations are."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.criterion import Activations
from benchmark.evidence.reading import Reading

PLACES = 8
"""At most as many fixed places of a unit's output are sampled."""


class Moments:
    """Running sums for :class:`benchmark.criterion.Activations`, of one group."""

    def __init__(self) -> None:
        self._sums: Tensor | None = None
        self._count = 0

    def add(self, values: Tensor) -> None:
        """Take in values (units, rows, places)."""
        flat = values.flatten(1)
        sums = (flat.abs().sum(1), flat.sum(1), flat.to(torch.float64).square().sum(1), (flat == 0).sum(1))
        new = torch.stack([part.to("cpu", torch.float64) for part in sums])
        self._sums = new if self._sums is None else self._sums + new
        self._count += flat.shape[1]

    def result(self) -> Activations:
        """The moments of everything taken in."""
        assert self._sums is not None, "nothing was taken in"
        absolute, mean, square, zeros = self._sums / self._count
        return Activations(absolute, mean, (square - mean.square()).clamp_min(0), zeros)


class Sample:
    """The output of a group's units at fixed places, for every row."""

    def __init__(self) -> None:
        self._parts: list[Tensor] = []

    def add(self, readings: list[Reading], rows: int) -> None:
        """Take in all readings of one forward."""
        each = [_thinned(r.units(r.input.detach(), rows)) for r in readings]
        self._parts.append(_thinned(torch.cat(each, 2)).permute(0, 2, 1).to("cpu", torch.float32))

    def result(self) -> Tensor:
        """(units, places, rows)."""
        return torch.cat(self._parts, 2).contiguous()


def _thinned(values: Tensor) -> Tensor:
    """(units, rows, places) at no more than PLACES places, evenly spread."""
    count = values.shape[2]
    if count <= PLACES:
        return values
    return values[:, :, [(2 * i + 1) * count // (2 * PLACES) for i in range(PLACES)]]
