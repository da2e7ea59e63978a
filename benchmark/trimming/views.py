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


def _repeats(pattern: Tensor, dim: int, length: int) -> bool:
    """Does the pattern along dim consist of equal blocks of this length."""
    if dim not in varying(pattern):
        return True
    blocks = pattern.unflatten(dim, (-1, length))
    return bool((blocks == blocks.narrow(dim, 0, 1)).all())


def part(ledger: Ledger, call: Call) -> None:
    """Slices, splits, selections. Along units only whole periods of a pattern that repeats: halves of a gate, say.

    Whether `y[:, :8]` was written as 8 or as half of the width cannot be seen; a half stays a half after a cut, if
    both halves lose the same units.
    """
    source, given = call.tensors[0], call.given
    dim = call.dims("dimension" if call.name == "unfold" else "dim")[0]
    size = source.shape[dim]
    if call.name == "slice":
        ends = [0 if given.get(key) is None else given[key] for key in ("start", "end")]
        if given.get("end") is None:
            ends[1] = size
        cuts = [min(max(end + size if end < 0 else end, 0), size) for end in ends]
        if given.get("step", 1) != 1:
            cuts.append(1)
    elif call.name in ("split", "unsafe_split"):
        cuts = [given["split_size"]] if given["split_size"] < size else []
    elif call.name in ("split_with_sizes", "unsafe_split_with_sizes"):
        cuts = [sum(given["split_sizes"][:i]) for i in range(len(given["split_sizes"]))]
    else:
        cuts = [1]
    period = math.gcd(size, *cuts)
    if period < size:
        holds = partial(_repeats, dim=dim, length=period)
        ledger.check(source, holds, "a part of its units is sliced off")


def _blocks(before: Sequence[int], after: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """The smallest runs of dims of two shapes of one size that hold the same elements."""
    blocks: list[tuple[list[int], list[int]]] = []
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
        blocks.append((left, right))
    return blocks


def _unfolds_one_way(pattern: Tensor, before: Sequence[int], after: Sequence[int]) -> bool:
    """After the reshape, do units still vary along one dim only of those that came from one run of dims."""
    blocks = [(left, right) for left, right in _blocks(before, after) if varying(pattern) & set(left)]
    if all(len([d for d in right if after[d] > 1]) <= 1 for _, right in blocks):
        return True
    active = [d for left, _ in blocks for d in left]
    full = pattern.expand([size if d in active else 1 for d, size in enumerate(before)])
    kept = [d for _, right in blocks for d in right]
    result = varying(compact(full.reshape([size if d in kept else 1 for d, size in enumerate(after)])))
    return all(len(result & set(right)) <= 1 for _, right in blocks)


def reshape(ledger: Ledger, call: Call) -> None:
    """Merging dims is safe. Splitting a unit dim is safe where its units fill one of the new dims."""
    before, after = call.tensors[0].shape, call.outputs[0].shape
    if call.outputs[0].dtype != call.tensors[0].dtype:
        unknown(ledger, call)
    elif before != after:
        holds = partial(_unfolds_one_way, before=before, after=after)
        ledger.check(call.tensors[0], holds, "its units are split over two dims")
