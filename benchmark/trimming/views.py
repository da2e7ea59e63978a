"""Views and reshapes: their ids are right by themselves, but is the program?

A view shares the shadow of its base. What remains to be asked: does the same program, run on the narrower tensor, give
what is left of its result? `y.chunk(2, 1)` does only if both halves lose the same units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from torch import Tensor

from benchmark.trimming.calls import Call, unknown
from benchmark.trimming.ledger import Ledger
from benchmark.trimming.shadow import compact, varying


def cuts(call: Call) -> tuple[int, list[int]]:
    """The dim that a call takes a part of, and the positions where parts begin or end; none where it is whole."""
    source, given = call.tensors[0], call.given
    dim = call.dims("dimension" if call.name == "unfold" else "dim")[0]
    size = source.shape[dim]
    if call.name == "slice":
        ends = [0 if given.get(key) is None else given[key] for key in ("start", "end")]
        if given.get("end") is None:
            ends[1] = size
        positions = [min(max(end + size if end < 0 else end, 0), size) for end in ends]
        if given.get("step", 1) != 1:
            positions.append(1)
    elif call.name in ("split", "unsafe_split"):
        positions = list(range(0, size, given["split_size"])) if given["split_size"] else []
    elif call.name in ("split_with_sizes", "unsafe_split_with_sizes"):
        positions = [sum(given["split_sizes"][:i]) for i in range(len(given["split_sizes"]))]
    else:
        positions = [1]
    return dim, [position for position in positions if position % max(size, 1)]


def part(ledger: Ledger, call: Call) -> None:
    """Slices, splits, selections. Along units only whole periods of a pattern that repeats: halves of a gate, say.

    Whether `y[:, :8]` was written as 8 or as half of the width cannot be seen; a half stays a half after a cut, if
    both halves lose the same units.
    """
    dim, positions = cuts(call)
    size = call.tensors[0].shape[dim]
    period = math.gcd(size, *positions)
    if period < size:
        holds = partial(_repeats, dim=dim, length=period)
        ledger.check(ledger.pattern(call.tensors[0]), holds, "a part of its units is sliced off")


def _repeats(pattern: Tensor, dim: int, length: int) -> bool:
    """Does the pattern along dim consist of equal blocks of this length."""
    if dim not in varying(pattern):
        return True
    tiles = pattern.unflatten(dim, (-1, length))
    return bool((tiles == tiles.narrow(dim, 0, 1)).all())


def blocks(before: Sequence[int], after: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """The smallest runs of dims of two shapes of one size that hold the same elements."""
    found: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(before) or j < len(after):
        left: list[int] = []
        right: list[int] = []
        a = b = 1
        while not left or not right or a != b:
            if i < len(before) and (a <= b or j == len(after)):
                a *= before[i]
                left.append(i)
                i += 1
            elif j < len(after):
                b *= after[j]
                right.append(j)
                j += 1
            else:
                break
        found.append((left, right))
    return found


def _unfolds_one_way(pattern: Tensor, before: Sequence[int], after: Sequence[int]) -> bool:
    """After the reshape, do units still vary along one dim only of those that came from one run of dims."""
    changed = [(left, right) for left, right in blocks(before, after) if varying(pattern) & set(left)]
    if all(len([d for d in right if after[d] > 1]) <= 1 for _, right in changed):
        return True
    active = [d for left, _ in changed for d in left]
    full = pattern.expand([size if d in active else 1 for d, size in enumerate(before)])
    kept = [d for _, right in changed for d in right]
    result = varying(compact(full.reshape([size if d in kept else 1 for d, size in enumerate(after)])))
    return all(len(result & set(right)) <= 1 for _, right in changed)


def reshape(ledger: Ledger, call: Call) -> None:
    """Merging dims is safe. Splitting a unit dim is safe where its units fill one of the new dims."""
    before, after = call.tensors[0].shape, call.outputs[0].shape
    if call.outputs[0].element_size() != call.tensors[0].element_size():
        unknown(ledger, call)
    elif before != after:
        holds = partial(_unfolds_one_way, before=before, after=after)
        ledger.check(ledger.pattern(call.tensors[0]), holds, "its units are split over two dims")


def complex_from_pairs(ledger: Ledger, call: Call) -> None:
    """`view_as_complex`: the two of a pair are one number, so one unit."""
    pattern = ledger.pattern(call.tensors[0])
    if pattern is not None:
        pairs = pattern.expand([*pattern.shape[:-1], 2])
        ledger.units.unite(pairs[..., 0], pairs[..., 1], ledger.because("it is half of a complex number"))
