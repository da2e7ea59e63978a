"""Which note of the Philharmonia Orchestra goes where."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from benchmark.data.philharmonia import Note

from .clips import Side

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
