"""Products of two activations, and attention: units that are summed over go together, so heads are units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmark.trimming.ledger import Facets, Ledger, spread
from benchmark.trimming.shadow import compact, varying
from benchmark.trimming.units import FIXED


def multiply(ledger: Ledger, first: Tensor, second: Tensor) -> Tensor | None:
    """The pattern of `first @ second` (..., i, k) @ (..., k, j)."""
    left, right = ledger.facets(first), ledger.facets(second)
    if left is None and right is None:
        return contract(ledger, first, ledger.pattern(first), second, ledger.pattern(second))
    if right is not None and left is None:
        return _weight(ledger, first, -1, second, right, -2)
    if left is not None and right is None:
        return _weight(ledger, second, -2, first, left, -1)
    for tensor in (first, second):
        ledger.freeze(tensor, "it is multiplied with another weight")
    return None


def _weight(ledger: Ledger, input: Tensor, summed: int, weight: Tensor, facets: Facets, reads: int) -> Tensor | None:
    """A weight of the model multiplies an activation, as a linear layer does."""
    writes = -1 if reads == -2 else -2
    for d in range(weight.dim() - 2):
        ledger.fix(facets[d], "it is one of many matrices")
    ledger.join(weight, reads, "read", ledger.vector(input, summed))
    return spread(ledger.dim(weight, writes, "write"), writes, input.dim())


def contract(ledger: Ledger, a: Tensor, left: Tensor | None, b: Tensor, right: Tensor | None) -> Tensor | None:
    """The pattern of a product of activations, given theirs.

    A sum over units would change with a cut of some of them, so all that are summed together are one.
    """
    why = "it is multiplied with values of fixed width"
    left = _summed(ledger, left, -1, right is None or right.shape[-2] == 1, why)
    right = _summed(ledger, right, -2, left is None or left.shape[-1] == 1, why)
    if left is None or right is None:
        known, other = (left, b) if right is None else (right, a)
        ledger.check(known, partial(_broadcast, shape=other.shape[:-2]), why)
        return known
    rows = ledger.tie(left, [left.dim() - 1] if left.shape[-1] > 1 else [], "a product sums over them")
    columns = ledger.tie(right, [right.dim() - 2] if right.shape[-2] > 1 else [], "a product sums over them")
    if left.shape[-1] > 1:
        ledger.units.unite(rows, columns, ledger.because(why))
    rows, columns = _resolved(ledger, rows), _resolved(ledger, columns)
    if rows.shape[-2] > 1 and columns.shape[-1] > 1:
        ledger.units.freeze(columns, ledger.because("its units meet all units of another layer"))
        return rows
    ledger.units.unite(rows, columns, ledger.because(why))
    return torch.maximum(*torch.broadcast_tensors(rows, columns))


def _summed(ledger: Ledger, pattern: Tensor | None, dim: int, alone: bool, why: str) -> Tensor | None:
    """None, and the units frozen, where units are summed over with values that have none."""
    if pattern is not None and pattern.shape[dim] > 1 and alone:
        ledger.units.freeze(pattern, ledger.because(why))
        return None
    return pattern


def _resolved(ledger: Ledger, pattern: Tensor) -> Tensor:
    return compact(ledger.units.resolve(pattern))


def _broadcast(pattern: Tensor, shape: Sequence[int]) -> bool:
    """Do units vary only along dims where values of this (batch) shape are broadcast, or along none of them."""
    ahead = pattern.dim() - 2 - len(shape)
    return not any(size > 1 and d + ahead in varying(pattern) for d, size in enumerate(shape))


def scaled_dot_product(
    ledger: Ledger,
    run: Callable[[bool], Any],
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    *options: Any,
    **named: Any,
) -> Any:
    """`F.scaled_dot_product_attention` of (..., steps, features)."""
    grouped = named.get("enable_gqa", False)
    if grouped or (attn_mask is not None and (ledger.owned(attn_mask) or ledger.pattern(attn_mask) is not None)):
        return run(False)
    out = run(True)
    queries, keys, values = (ledger.pattern(tensor) for tensor in (query, key, value))
    turned = None if keys is None else keys.transpose(-1, -2)
    scores = contract(ledger, query, queries, key.transpose(-1, -2), turned)
    if attn_mask is not None:
        ledger.check(scores, partial(_broadcast, shape=attn_mask.shape[:-2]), "a mask has its width")
    if scores is not None:
        scores = _resolved(ledger, scores)
        scores = None if bool((scores == FIXED).all()) else scores
    weighted = query.new_empty((*query.shape[:-1], key.shape[-2]))
    ledger.write(out, contract(ledger, weighted, scores, value, values))
    return out
