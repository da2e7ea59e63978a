"""The task's metric of what was executed, beside the torch model's, on the same test items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmark.hardware.exporting import Arrays
from benchmark.hardware.sampling import Sample, known
from benchmark.metrics import reduction
from benchmark.task import Split, Task


@dataclass(frozen=True)
class Scores:
    """The primary metric on so many items."""

    executed: float
    torch: float
    items: int


def score(task: Task, split: Split, reference: Tensor, chosen: Sample, outputs: list[Arrays]) -> Scores:
    """Score the outputs of a sample's rows, in order, and those of the torch model, `reference` (rows, ...)."""
    executed = torch.from_numpy(np.concatenate([out[0] for out in outputs])).reshape(-1, *reference.shape[1:])
    given = reference.clone()
    given[torch.from_numpy(chosen.rows)] = executed.to(reference.dtype)
    reduce = reduction(task.metrics[0].reduction)

    def scored(answers: Tensor) -> float:
        return float(reduce({name: array[chosen.items] for name, array in known(task, split, answers).items()}))

    return Scores(scored(given), scored(reference), len(chosen.items))
