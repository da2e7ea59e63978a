"""The task's metric of what was executed, beside the torch model's, on the same test items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.errors import UsageError
from benchmark.hardware.exporting import Arrays
from benchmark.hardware.rows import spread
from benchmark.metrics import reduction
from benchmark.task import Split, Task
from benchmark.training import predict


@dataclass(frozen=True)
class Sample:
    """Items of a split and all their rows."""

    items: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True)
class Scores:
    """The primary metric on so many items."""

    executed: float
    torch: float
    items: int


def sample(split: Split, count: int | None) -> Sample:
    """So many items, evenly spread; None: all of them.

    Raises
    ------
    UsageError
        Some are asked for, and items have not all the same number of rows.
    """
    items, rows = len(split.sources), len(split)
    if count is None or count >= items:
        return Sample(np.arange(items), np.arange(rows))
    if rows % items:
        raise UsageError(f"{items} test items have {rows} rows, not the same number each: use --items all")
    chosen = spread(items, count)
    each = rows // items
    return Sample(chosen, (chosen[:, None] * each + np.arange(each)).ravel())


def score(task: Task, split: Split, model: nn.Module, chosen: Sample, outputs: list[Arrays]) -> Scores:
    """Score the outputs of a sample's rows, in order, and those of the torch model.

    Raises
    ------
    UsageError
        The rows of the sample are not those of its items.
    """
    reference = predict(model, split)
    executed = torch.from_numpy(np.concatenate([out[0] for out in outputs])).reshape(-1, *reference.shape[1:])
    places = torch.from_numpy(chosen.rows)
    metric = task.metrics[0]

    def arrays(values: Tensor) -> dict[str, np.ndarray]:
        found = task.evaluate(values, split).items[metric.id]
        return {name: array[chosen.items] for name, array in found.items()}

    expected = arrays(reference)
    if len(chosen.items) < len(split.sources):
        # With other rows turned about, what is known of these items must not change.
        others = reference.flip(0)
        others[places] = reference[places]
        turned = arrays(others)
        if any(not np.array_equal(turned[name], expected[name]) for name in expected):
            raise UsageError("test items share rows, or their rows do not lie in order: use --items all")
    given = reference.clone()
    given[places] = executed.to(reference.dtype)
    reduce = reduction(metric.reduction)
    return Scores(float(reduce(arrays(given))), float(reduce(expected)), len(chosen.items))
