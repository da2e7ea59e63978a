"""Operations on the model's own tensors before a layer uses them: transposed, scaled, masked, weight-normed.

A weight has units along several dims, so it has a facet for each dim where an activation has one pattern. What is not
listed here freezes the weight.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from benchmark.trimming.calls import Call
from benchmark.trimming.ledger import Facet, Facets, Ledger
from benchmark.trimming.views import blocks, cuts

Derive = Callable[[Ledger, Call, Tensor, Facets], list[Facet | None]]


def _same(ledger: Ledger, call: Call, tensor: Tensor, facets: Facets) -> list[Facet | None]:
    return list(facets)


def _permuted(ledger: Ledger, call: Call, tensor: Tensor, facets: Facets) -> list[Facet | None]:
    if call.name == "permute":
        return [facets[d] for d in call.dims("dims")]
    first, second = (0, tensor.dim() - 1) if call.name == "t" else (call.dims("dim0")[0], call.dims("dim1")[0])
    order = list(range(tensor.dim()))
    order[first], order[second] = order[second], order[first]
    return [facets[d] for d in order]


def _reshaped(ledger: Ledger, call: Call, tensor: Tensor, facets: Facets) -> list[Facet | None]:
    """A dim that is merged or split keeps its size."""
    shape = call.outputs[0].shape
    result: list[Facet | None] = [None] * len(shape)
    for left, right in blocks(tensor.shape, shape):
        wide = [d for d in left if tensor.shape[d] > 1] or left[:1]
        into = [d for d in right if shape[d] > 1] or right[:1]
        if len(wide) == len(into) == 1:
            result[into[0]] = facets[wide[0]]
        else:
            for d in wide:
                ledger.fix(facets[d], f"aten.{call.name} takes it apart, and keeps its size")
    return result


def _expanded(ledger: Ledger, call: Call, tensor: Tensor, facets: Facets) -> list[Facet | None]:
    shape = call.outputs[0].shape
    padded = [None] * (len(shape) - tensor.dim()) + list(facets)
    sizes = [1] * (len(shape) - tensor.dim()) + list(tensor.shape)
    return [facet if size == new else None for facet, size, new in zip(padded, sizes, shape, strict=True)]


def _part(ledger: Ledger, call: Call, tensor: Tensor, facets: Facets) -> list[Facet | None]:
    dim, positions = cuts(call)
    result = list(facets)
    if positions:
        ledger.fix(facets[dim], "a part of it is sliced off")
        result[dim] = None
    if call.name in ("select", "unbind"):
        del result[dim]
    return result


def _reduced(ledger: Ledger, call: Call, tensor: Tensor, facets: Facets) -> list[Facet | None]:
    """What remains depends on everything along the dims that are reduced."""
    dims = call.dims()
    for d in dims:
        ledger.fix(facets[d], f"it is used outside a layer, by aten.{call.name}, and keeps its size")
    if call.given.get("keepdim", False):
        return [None if d in dims else facet for d, facet in enumerate(facets)]
    return [facet for d, facet in enumerate(facets) if d not in dims]


def _mixed(ledger: Ledger, call: Call, tensor: Tensor, facets: Facets) -> list[Facet | None]:
    for d in call.dims():
        ledger.fix(facets[d], f"aten.{call.name} mixes it, and it keeps its size")
    return list(facets)


def _all(rule: Derive, names: str) -> dict[str, Derive]:
    return dict.fromkeys(names.split(), rule)


_RULES: dict[str, Derive] = {
    **_all(_same, "clone detach alias _to_copy lift_fresh"),
    **_all(_permuted, "permute transpose t"),
    **_all(_reshaped, "view _unsafe_view _reshape_alias unsqueeze squeeze"),
    **_all(_expanded, "expand"),
    **_all(_part, "slice select split split_with_sizes unbind"),
    **_all(_mixed, "_softmax _log_softmax cumsum cumprod flip roll"),
    **_all(_reduced, "mean sum prod amax amin std var linalg_vector_norm norm"),
}


def follow(ledger: Ledger, call: Call) -> None:
    """Apply the rule of an operation on the model's own tensors and no activation that holds units."""
    rule = _RULES.get(call.name)
    tensor = call.tensors[0]
    facets = ledger.facets(tensor)
    if rule is None or facets is None or len(call.tensors) > 1:
        for other in call.tensors:
            ledger.freeze(other, f"it is used outside a layer, by aten.{call.name}, and keeps its size")
        for output in call.outputs:
            ledger.derive(output, [None] * output.dim())
        return
    derived = rule(ledger, call, tensor, facets)
    for output in call.outputs:
        ledger.derive(output, derived)


def combine(ledger: Ledger, call: Call) -> None:
    """A pointwise operation on the model's own tensors alone: dim by dim the operands have the same units."""
    shape = call.outputs[0].shape
    facets: list[Facet | None] = [None] * len(shape)
    for tensor in sorted(call.tensors, key=lambda t: -t.numel()):
        own = ledger.facets(tensor)
        for d in range(tensor.dim()):
            at, size = d + len(shape) - tensor.dim(), tensor.shape[d]
            if size != shape[at]:
                continue
            before, facet = facets[at], None if own is None else own[d]
            if own is None and size > 1:
                ledger.fix(before, f"it meets values of fixed width in aten.{call.name}")
            elif before is None:
                facets[at] = facet
            elif facet is not None:
                ledger.units.unite(before.ids, facet.ids, ledger.because("it scales a weight of fixed width"))
                extra = tuple(source for source in facet.sources if source not in before.sources)
                facets[at] = Facet(before.ids, before.sources + extra)
    for output in call.outputs:
        ledger.derive(output, facets)


def weight_norm(ledger: Ledger, weight: Tensor, direction: Tensor, gain: Tensor, dim: int) -> None:
    """`torch._weight_norm`: rows of the direction at length 1, times the gain.

    A cut along other dims changes the lengths; :meth:`.Plan.apply` makes up for it in the gain.
    """
    facets = ledger.facets(direction)
    gains = ledger.facets(gain)
    name = ledger.names.get(id(direction))
    if facets is None or gains is None or name is None or id(gain) not in ledger.names:
        for tensor in (direction, gain):
            ledger.freeze(tensor, "it is weight-normed with something computed")
        return
    derived: list[Facet | None] = list(facets)
    if dim >= 0:
        row, scale = facets[dim], gains[dim]
        assert row is not None and scale is not None
        ledger.units.unite(row.ids, scale.ids, "")
        derived[dim] = Facet(row.ids, (*row.sources, *scale.sources))
    ledger.gains[name] = (ledger.names[id(gain)], dim)
    ledger.derive(weight, derived)


def fixed_along(weight: Tensor, dim: int) -> bool:
    """Is the weight one row, expanded: whatever the width of its layer, the code makes as many rows."""
    return weight.shape[dim] > 1 and weight.stride(dim) == 0
