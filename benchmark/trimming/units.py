"""Unit ids and which of them must be cut together."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

FIXED = 0
"""The id of everything that no cut removes."""


class Units:
    """Union-find over unit ids, where a class of ids may be frozen for a reason.

    A class is what is kept or cut as one. Freezing a class makes it resolve to :data:`FIXED`.
    """

    def __init__(self) -> None:
        self._parent = [FIXED]
        self._reasons: dict[int, str] = {FIXED: "it holds values of fixed width"}
        self._ties: dict[int, str] = {}

    def fresh(self, count: int) -> Tensor:
        """`count` new ids, (count,) int64, each a class of its own."""
        start = len(self._parent)
        self._parent.extend(range(start, start + count))
        return torch.arange(start, start + count)

    def root(self, unit: int) -> int:
        """The smallest id of the class."""
        parent = self._parent
        while parent[unit] != unit:
            parent[unit] = parent[parent[unit]]
            unit = parent[unit]
        return unit

    def resolve(self, ids: Tensor) -> Tensor:
        """The root of every id, or FIXED where the class is frozen; same shape."""
        roots = [FIXED if root in self._reasons else root for root in map(self.root, ids.flatten().tolist())]
        return torch.tensor(roots, dtype=torch.int64).view(ids.shape)

    def reason(self, unit: int) -> str | None:
        """Why the class of the unit is frozen; None where it is not."""
        return self._reasons.get(self.root(unit))

    def freeze(self, ids: Tensor, reason: str) -> None:
        """Freeze the classes of all ids. The first reason stays."""
        for unit in set(ids.flatten().tolist()):
            self._reasons.setdefault(self.root(unit), reason)

    def tie(self, ids: Tensor, dims: Collection[int], reason: str) -> None:
        """Put together what differs along these dims only: these units come and go as one, for the reason given."""
        first = ids
        for dim in dims:
            first = first.narrow(dim, 0, 1)
        self.unite(ids, first, reason)
        for root in set(map(self.root, first.flatten().tolist())):
            self._ties.setdefault(root, reason)

    def tied(self, unit: int) -> str:
        """Why the class is one unit; empty where nothing ties it."""
        return self._ties.get(self.root(unit), "")

    def unite(self, a: Tensor, b: Tensor, reason: str) -> None:
        """Put the classes of a[i] and b[i] together, element by element (a and b broadcast).

        What is put together with FIXED is frozen for the reason given.
        """
        a, b = torch.broadcast_tensors(a, b)
        for pair in set(zip(a.flatten().tolist(), b.flatten().tolist(), strict=True)):
            low, high = sorted(map(self.root, pair))
            if low == high:
                continue
            if low == FIXED:
                self._reasons.setdefault(high, reason)
                continue
            self._parent[high] = low
            for told in (self._reasons, self._ties):
                inherited = told.pop(high, None)
                if inherited is not None:
                    told.setdefault(low, inherited)
