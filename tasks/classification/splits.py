"""Which note goes where, and the rows of a side."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from benchmark.task import Batch, Split

from .philharmonia import CLASSES, Note

Side = Literal["train", "validation", "test"]
SIDES: tuple[Side, ...] = ("train", "validation", "test")

QUARTERS = 4
VALIDATION = 0.6
"""Of the last quarter; the rest of it is trained on."""


def order(notes: Iterable[Note]) -> dict[str, list[Note]]:
    """Every instrument's notes in a fixed shuffled order.

    The order is by hash, so that one note more or less in a folder leaves the order of the others alone.
    """
    shuffled: dict[str, list[Note]] = defaultdict(list)
    for note in sorted(set(notes), key=lambda n: hashlib.sha256(f"{n.instrument} {n.midi}".encode()).digest()):
        shuffled[note.instrument].append(note)
    return dict(shuffled)


def assign(notes: Iterable[Note], seed: int) -> dict[Note, Side]:
    """The side of every note.

    Each instrument's notes are dealt into four quarters. Test is quarter `seed mod 3`, so three seeds in a row have
    disjoint test notes; validation is 60 % of the last quarter for all seeds; train is the rest.
    """
    sides: dict[Note, Side] = {}
    for shuffled in order(notes).values():
        last = shuffled[QUARTERS - 1 :: QUARTERS]
        held_out = set(last[: round(VALIDATION * len(last))])
        test = set(shuffled[seed % (QUARTERS - 1) :: QUARTERS])
        for note in shuffled:
            sides[note] = "validation" if note in held_out else "test" if note in test else "train"
    return sides


@dataclass(frozen=True)
class NoteSplit(Split):
    """One side: a clip is a row is an item."""

    features: np.ndarray
    """(recordings, 64, 50) float16, of all sides."""
    index: np.ndarray
    """(items,) int64: which of them are on this side."""
    labels: np.ndarray
    """(items,) int64 class numbers."""
    sources: np.ndarray
    """(items,) int64: the (instrument, note) of every item."""

    def __len__(self) -> int:
        return len(self.index)

    def batch(self, rows: Tensor) -> Batch:
        """Inputs (rows, 1, 64, 50) float32, targets (rows,) int64."""
        chosen = rows.numpy()
        inputs = torch.from_numpy(self.features[self.index[chosen]].astype(np.float32))
        return Batch(inputs[:, None], torch.from_numpy(self.labels[chosen]))


def split(features: np.ndarray, notes: Mapping[int, Note], sides: Mapping[Note, Side], side: Side) -> NoteSplit:
    """The recordings of one side; `notes` maps the number of every usable recording to its note."""
    index = [i for i, note in notes.items() if sides[note] == side]
    labels = [CLASSES.index(notes[i].instrument) for i in index]
    sources = [notes[i].source for i in index]
    return NoteSplit(features, np.array(index, np.int64), np.array(labels, np.int64), np.array(sources, np.int64))
