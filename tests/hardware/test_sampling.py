"""Which items are scored, of splits that say nothing about their rows: whole ones, spread, as many as are wanted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmark.hardware import sampling
from benchmark.task import Evaluation, Split
from tests.toy_task import Chirps, Toy


class Clips(Chirps):
    """Clips of so many rows each, of which so many items are scored together."""

    def __init__(self, lengths: Sequence[int], together: int = 1) -> None:
        super().__init__(sum(lengths), 0)
        self.lengths, self.together = lengths, together
        self.sources = np.repeat(np.arange(len(lengths)), together)

    def rows_of(self, item: int) -> list[int]:
        clip = item // self.together
        first = sum(self.lengths[:clip])
        return list(range(first, first + self.lengths[clip]))


class Scored(Toy):
    """An item is a column of the mean over a clip."""

    def evaluate(self, outputs: Tensor, split: Split) -> Evaluation:
        assert isinstance(split, Clips)
        means = [outputs[split.rows_of(item)].mean(0)[item % split.together] for item in range(len(split.sources))]
        part = torch.stack(means).double().numpy()
        return Evaluation({}, {self.metrics[0].id: {"part": part, "whole": np.ones(len(part))}})


def chosen(split: Clips, count: int | None) -> sampling.Sample:
    reference = torch.randn(len(split), 4, generator=torch.Generator().manual_seed(0))
    return sampling.sample(Scored(), split, reference, count)


def test_rows_that_are_items_are_spread() -> None:
    found = chosen(Clips([1] * 61), 4)
    assert found.items.tolist() == found.rows.tolist() == [0, 20, 40, 60]


@pytest.mark.parametrize("count", [None, 61, 62])
def test_all_are_taken_where_no_more_are_there(count: int | None) -> None:
    found = chosen(Clips([1] * 61), count)
    assert len(found.items) == len(found.rows) == 61


def test_the_rows_of_an_item_come_with_it() -> None:
    found = chosen(Clips([2] * 30), 2)
    assert found.items.tolist() == [0, 29]
    assert found.rows.tolist() == [0, 1, 58, 59]


def test_items_that_share_a_clip_come_together_and_may_be_more_than_were_asked_for() -> None:
    found = chosen(Clips([6] * 20, together=3), 7)
    assert found.items.tolist() == [0, 1, 2, 30, 31, 32, 57, 58, 59]
    assert found.rows.tolist() == [*range(6), *range(60, 66), *range(114, 120)]


def test_of_clips_of_different_lengths_those_are_taken_that_are_whole() -> None:
    split = Clips([3, 1, 4, 1, 5, 9, 2, 6, 5, 3] * 30)
    found = chosen(split, 50)
    assert 50 <= len(found.items) < 150 and len(found.rows) < len(split) / 2
    assert {row for item in found.items for row in split.rows_of(item)} <= set(found.rows.tolist())
    # Not those of one end.
    assert found.items[0] < 30 and found.items[-1] >= 270


class Compared(Scored):
    """An item is beside the mean of all."""

    def evaluate(self, outputs: Tensor, split: Split) -> Evaluation:
        return super().evaluate(outputs - outputs.mean(0), split)


class Backwards(Scored):
    """Items are in the order opposite to that of rows."""

    def evaluate(self, outputs: Tensor, split: Split) -> Evaluation:
        return super().evaluate(outputs.flip(0), split)


def test_items_that_need_rows_from_elsewhere_are_found_with_them() -> None:
    split, reference = Clips([2] * 40), torch.randn(80, 4, generator=torch.Generator().manual_seed(0))
    found = sampling.sample(Backwards(), split, reference, 8)
    assert len(found.items) >= 8
    assert {79 - row for item in found.items for row in split.rows_of(item)} <= set(found.rows.tolist())


def test_where_every_item_needs_every_row_all_are_taken() -> None:
    split, reference = Clips([2] * 40), torch.randn(80, 4, generator=torch.Generator().manual_seed(0))
    found = sampling.sample(Compared(), split, reference, 8)
    assert len(found.items) == 40 and len(found.rows) == 80
