"""A net's notes beside those that it was to make, where outputs are sound."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmark.audio import scores
from benchmark.task import Evaluation, Examples, Task

EXAMPLES = 6
"""Notes of a split that can be listened to."""


def judge(
    task: Task, outputs: Tensor, wanted: Tensor, rate: int, loss: Callable[[Tensor, Tensor], Tensor]
) -> Evaluation:
    """The common metrics and the net's own loss; an item is a note, and some, evenly spread, are there to be heard.

    Parameters
    ----------
    task
        Its metrics are those of :mod:`benchmark.audio.scores` and `loss`.
    outputs, wanted
        (rows, samples) in -1 to 1.
    rate
        Samples a second.
    loss
        From a part of the outputs and of what is wanted to (rows,).
    """
    found = scores.compare(outputs, wanted, rate)
    with torch.no_grad():
        pairs = zip(outputs.split(scores.ROWS_AT_ONCE), wanted.split(scores.ROWS_AT_ONCE), strict=True)
        own = torch.cat([loss(*pair) for pair in pairs]).double().numpy()
    found["loss"] = {"part": own, "whole": np.ones(len(own))}
    items = {metric.id: found[metric.id.split(".")[1]] for metric in task.metrics}
    rows = range(0, len(wanted), max(1, len(wanted) // EXAMPLES))[:EXAMPLES]
    made, meant = ({f"{row:04d}": sounds[row] for row in rows} for sounds in (outputs, wanted))
    return Evaluation(task.scored(items), items, Examples(rate, made, meant))
