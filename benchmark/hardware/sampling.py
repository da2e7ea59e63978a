"""Which test items are scored where not all are, and which rows they need.

A split does not say which rows an item is made of, and a task is not asked: what it scores is. Items are whole where
answers to other rows, exchanged or all made one, leave what is known of them as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from benchmark.hardware.rows import spread
from benchmark.task import Split, Task

TOGETHER = 8
"""Items that share the rows of a clip, as the drums in it, at most."""

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Sample:
    """Items of a split and all their rows."""

    items: np.ndarray
    rows: np.ndarray


def everything(split: Split) -> Sample:
    """All items."""
    return Sample(np.arange(len(split.sources)), np.arange(len(split)))


def sample(task: Task, split: Split, reference: Tensor, count: int | None) -> Sample:
    """Whole items, evenly spread: so many, or more where items come in clips; all where there are fewer.

    Parameters
    ----------
    reference
        (rows, ...) answers of a net.
    count
        None: all.
    """
    if count is None or count >= len(split.sources):
        return everything(split)
    expected = known(task, split, reference)
    for chosen in _alike(len(split.sources), len(split), count):
        if np.isin(chosen.items, _whole(task, split, reference, expected, chosen.rows)).all():
            return chosen
    for rows in _pieces(len(split.sources), len(split), count):
        items = _whole(task, split, reference, expected, rows)
        if len(items) >= count:
            return Sample(items, rows)
    return everything(split)


def known(task: Task, split: Split, outputs: Tensor) -> Arrays:
    """Of every item what the primary metric is made of."""
    return dict(task.evaluate(outputs, split).items[task.metrics[0].id])


def _alike(items: int, rows: int, count: int) -> Iterator[Sample]:
    """Samples of clips of so many items each that all have as many rows."""
    for together in range(1, TOGETHER + 1):
        clips, left = divmod(items, together)
        if left or rows % clips:
            continue
        chosen = spread(clips, -(-count // together))[:, None]
        yield Sample(
            (chosen * together + np.arange(together)).ravel(),
            (chosen * (rows // clips) + np.arange(rows // clips)).ravel(),
        )


def _pieces(items: int, rows: int, count: int) -> Iterator[np.ndarray]:
    """Rows of longer and longer pieces, one for each item that is wanted: some hold whole ones."""
    length = 2 * -(-rows // items)
    while length * count < rows:
        starts = np.linspace(0, rows - length, count).round().astype(np.int64)
        yield np.unique(starts[:, None] + np.arange(length))
        length *= 2


def _whole(task: Task, split: Split, reference: Tensor, expected: Arrays, rows: np.ndarray) -> np.ndarray:
    """The items that no other rows are part of."""
    same = np.ones(len(split.sources), bool)
    others = (reference.flip(0), reference.roll(1 + len(reference) // 3, 0), reference[:1].expand_as(reference).clone())
    for other in others:
        other[rows] = reference[rows]
        found = known(task, split, other)
        for name, array in expected.items():
            equal = (array == found[name]) | (np.isnan(array) & np.isnan(found[name]))
            same &= equal.reshape(len(same), -1).all(1)
    return np.flatnonzero(same)
