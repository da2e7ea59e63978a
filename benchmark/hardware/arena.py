"""Where activations lie: one block of memory in which buffers share bytes whenever they are not needed together.

The order in which buffers are placed decides how tight the block gets. Greedy by size (Y. Pisarchyk, J. Lee, Efficient
memory management for deep neural net inference, MLSys workshop 2020) is within a few percent of the lower bound on most
nets; two further orders are tried, and placing from both ends in turn, which suits a chain of layers. The smallest
block wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from benchmark.hardware.boards import Format
from benchmark.hardware.graph import Graph

ALIGNMENT = 8
"""Every buffer begins at a multiple of so many bytes."""


@dataclass(frozen=True)
class Life:
    """A buffer of so many bytes that is needed from step `first` to step `last`, both included."""

    size: int
    first: int
    last: int

    def meets(self, other: Life) -> bool:
        """Whether both are needed at one time."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Arena:
    """A plan: the offset of every buffer, in the order given."""

    lives: tuple[Life, ...]
    offsets: tuple[int, ...]
    bound: int
    """The most bytes that are needed at one time: no plan is smaller."""

    @property
    def size(self) -> int:
        """Bytes of the whole block."""
        return max((o + life.size for o, life in zip(self.offsets, self.lives, strict=True)), default=0)


def pack(lives: Sequence[Life]) -> Arena:
    """Place buffers so that those which are needed at one time never share a byte."""
    rounded = [Life(-(-life.size // ALIGNMENT) * ALIGNMENT, life.first, life.last) for life in lives]
    bound = _bound(rounded)
    best: list[int] | None = None
    for order in _ORDERS:
        offsets = _place(rounded, sorted(range(len(rounded)), key=lambda i: order(rounded[i])))
        if best is None or _size(rounded, offsets) < _size(rounded, best):
            best = offsets
        if _size(rounded, best) == bound:
            break
    else:
        offsets = _from_both_ends(rounded, bound)
        best = offsets if best is None or _size(rounded, offsets) < _size(rounded, best) else best
    return Arena(tuple(rounded), tuple(best or ()), bound)


def lives(graph: Graph, number_format: Format, carried: Sequence[tuple[int, int]] = ()) -> list[Life]:
    """The buffers that a board has to hold, after results have been put over operands that are no longer needed.

    Inputs are there before the first step and outputs until after the last; both lie in the block.

    Parameters
    ----------
    carried
        Pairs of an input and the output that is that input of the next call: one buffer, never free.
    """
    ends = _ends(graph)
    roots = _in_place(graph, ends, number_format)
    spans: dict[int, Life] = {}
    for buffer, (first, last) in ends.items():
        root = roots.get(buffer, buffer)
        size = graph.buffers[buffer].bytes(number_format)
        known = spans.get(root, Life(size, first, last))
        spans[root] = Life(max(known.size, size), min(known.first, first), max(known.last, last))
    for before, after in carried:
        old, new = roots.get(before, before), roots.get(after, after)
        size = max(life.size for life in (spans.pop(old), spans.pop(new, None)) if life)
        spans[old] = Life(size, -1, len(graph.steps))
    return list(spans.values())


def plan(graph: Graph, number_format: Format, carried: Sequence[tuple[int, int]] = ()) -> Arena:
    """The block for one forward; `carried` as in :func:`lives`."""
    return pack(lives(graph, number_format, carried))


def _ends(graph: Graph) -> dict[int, tuple[int, int]]:
    """First and last step at which each buffer is needed."""
    ends = dict.fromkeys(graph.inputs, (-1, -1))
    for number, step in enumerate(graph.steps):
        for buffer in (*step.writes, *step.reads):
            ends[buffer] = (ends.get(buffer, (number, number))[0], number)
    for buffer in graph.outputs:
        ends[buffer] = (ends[buffer][0], len(graph.steps))
    return ends


def _in_place(graph: Graph, ends: dict[int, tuple[int, int]], number_format: Format) -> dict[int, int]:
    """Buffer -> the buffer that it lies over."""
    roots: dict[int, int] = {}
    for number, step in enumerate(graph.steps):
        if not step.in_place or len(step.writes) != 1:
            continue
        (result,) = step.writes
        for operand in step.reads:
            same = graph.buffers[operand].bytes(number_format) == graph.buffers[result].bytes(number_format)
            if same and ends[operand][1] == number and ends[result][0] == number:
                roots[result] = roots.get(operand, operand)
                break
    return roots


def _place(lives: Sequence[Life], order: Sequence[int]) -> list[int]:
    """Each buffer at the lowest gap that is wide enough for as long as it is needed."""
    offsets = [0] * len(lives)
    placed: list[int] = []
    for i in order:
        taken = sorted((offsets[j], offsets[j] + lives[j].size) for j in placed if lives[i].meets(lives[j]))
        offsets[i] = _place_one(lives[i].size, taken)
        placed.append(i)
    return offsets


def _place_one(size: int, taken: Sequence[tuple[int, int]]) -> int:
    """The lowest gap between bytes that are taken, in order of where they begin."""
    offset = 0
    for begin, end in taken:
        if offset + size <= begin:
            break
        offset = max(offset, end)
    return offset


def _from_both_ends(lives: Sequence[Life], bound: int) -> list[int]:
    """In order of time, in turn at the lowest gap and at the highest below the bound: neighbours keep apart."""
    offsets = [0] * len(lives)
    placed: list[int] = []
    for turn, i in enumerate(sorted(range(len(lives)), key=lambda i: lives[i].first)):
        taken = sorted((offsets[j], offsets[j] + lives[j].size) for j in placed if lives[i].meets(lives[j]))
        begins = accumulate((end for _, end in taken), max, initial=0)
        gaps = zip(begins, [*(begin for begin, _ in taken), bound], strict=True)
        high = [end - lives[i].size for begin, end in gaps if end - begin >= lives[i].size]
        offsets[i] = high[-1] if turn % 2 and high else _place_one(lives[i].size, taken)
        placed.append(i)
    return offsets


_ORDERS: tuple[Callable[[Life], tuple[int, ...]], ...] = (
    lambda life: (-life.size, life.first),
    lambda life: (life.first, -life.size),
    lambda life: (-life.size * (life.last - life.first + 1), life.first),
)


def _size(lives: Sequence[Life], offsets: Sequence[int]) -> int:
    return max((o + life.size for o, life in zip(offsets, lives, strict=True)), default=0)


def _bound(lives: Sequence[Life]) -> int:
    # What is needed at one time changes only where a life begins.
    starts = {life.first for life in lives}
    return max((sum(life.size for life in lives if life.first <= at <= life.last) for at in starts), default=0)
