"""The rows that evidence is gathered on: a fixed part of the validation split, the same in every round of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.errors import BenchError
from benchmark.task import Batch, Split, Task

ROWS = 1024
"""At most as many, of whatever the split has."""
BATCHES = 32
"""At most as many, each as large as in training: so no evidence costs more than as many steps and their memory."""


@dataclass(frozen=True)
class Calibration:
    """Rows of a split and how they are batched."""

    task: Task
    split: Split
    rows: Tensor
    """(n,) int64, rising."""
    size: int
    """Rows of every batch: a divisor of n, so that each batch has as many."""

    def batches(self) -> Iterator[Batch]:
        """The rows, batch by batch, without augmentation."""
        for rows in self.rows.split(self.size):
            yield self.split.batch(rows)


def calibration(task: Task, split: Split, batch: int, seed: int) -> Calibration:
    """Draw the calibration rows from those with a usable target, all equally likely.

    Parameters
    ----------
    batch
        Rows of a training batch.
    seed
        The same seed and split give the same rows.

    Raises
    ------
    BenchError
        No row has a usable target.
    """
    usable = task.rows(split)
    pool = torch.arange(len(split)) if usable is None else torch.as_tensor(usable, dtype=torch.int64)
    if not len(pool):
        raise BenchError(
            "no row of the validation split has a usable target, so there is nothing to gather evidence on"
        )
    size = min(batch, len(pool))
    count = min(ROWS, BATCHES * size, len(pool)) // size * size
    chosen = torch.randperm(len(pool), generator=torch.Generator().manual_seed(seed))[:count]
    return Calibration(task, split, pool[chosen].sort().values, size)
