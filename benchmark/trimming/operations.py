"""Operations without weights that make new memory: which units their results hold.

An operation with no rule freezes what it touches.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from benchmark.trimming.calls import Call, Rule, harmless, unknown
from benchmark.trimming.ledger import Ledger
from benchmark.trimming.shadow import compact, varying
from benchmark.trimming.units import FIXED
from benchmark.trimming.views import part, reshape


def pointwise(ledger: Ledger, call: Call) -> None:
    """Unite operands position by position. Broadcasting is harmless unless it is along another's units."""
    shape = call.outputs[0].shape
    why = f"it meets values of fixed width in aten.{call.name}"
    united: Tensor | None = None
    united_shape: list[int] = []
    plain: list[list[int]] = []
    for tensor in call.tensors:
        padding = [1] * (len(shape) - tensor.dim())
        own_shape = [*padding, *tensor.shape]
        pattern = ledger.pattern(tensor)
        if pattern is None:
            plain.append(own_shape)
            continue
        pattern = pattern.view([*padding, *pattern.shape])
        if united is None:
            united, united_shape = pattern, own_shape
        elif any(own_shape[d] < shape[d] for d in varying(united)):
            ledger.units.freeze(pattern, ledger.because("it scales all units of another layer"))
        elif any(united_shape[d] < shape[d] for d in varying(pattern)):
            ledger.units.freeze(united, ledger.because("it scales all units of another layer"))
            united, united_shape = pattern, own_shape
        else:
            ledger.units.unite(united, pattern, ledger.because(why))
            united = torch.maximum(*torch.broadcast_tensors(united, pattern))
            united_shape = [max(a, b) for a, b in zip(united_shape, own_shape, strict=True)]
    if united is not None:
        for own_shape in plain:
            if any(own_shape[d] > 1 for d in varying(united)):
                ledger.units.freeze(united, ledger.because(why))
    for output in call.outputs:
        ledger.write(output, united)


def _steady(ledger: Ledger, call: Call, dims: Sequence[int], doing: str) -> Tensor | None:
    """The pattern of the first argument, frozen if it varies along any of the dims; the dims have length 1 in it."""
    pattern = ledger.pattern(call.tensors[0])
    if pattern is None:
        return None
    if varying(pattern) & set(dims):
        ledger.units.freeze(pattern, ledger.because(f"aten.{call.name} {doing} its units"))
        return None
    return pattern


def reduction(ledger: Ledger, call: Call) -> None:
    """Sums, means, maxima over dims that hold no units."""
    dims = call.dims()
    pattern = _steady(ledger, call, dims, "reduces over")
    if pattern is not None and not call.given.get("keepdim", False):
        pattern = pattern.view([size for d, size in enumerate(pattern.shape) if d not in dims])
    for output in call.outputs:
        ledger.write(output, pattern)


def along(ledger: Ledger, call: Call, name: str = "dim") -> None:
    """Softmax, running sums, rolls along dims that hold no units."""
    pattern = _steady(ledger, call, call.dims(name), "mixes")
    for output in call.outputs:
        ledger.write(output, pattern)


def spatial(ledger: Ledger, call: Call, dims: int) -> None:
    """Pooling, resampling and reflecting over the last `dims` dims."""
    ndim = call.tensors[0].dim()
    ledger.write(call.outputs[0], _steady(ledger, call, range(ndim - dims, ndim), "mixes"))


def flip(ledger: Ledger, call: Call) -> None:
    """Reversing an order and leaving some out can be exchanged."""
    pattern = ledger.pattern(call.tensors[0])
    ledger.write(call.outputs[0], None if pattern is None else pattern.flip(call.dims("dims")))


def repeat(ledger: Ledger, call: Call) -> None:
    """Repeats along a unit dim give each unit several positions."""
    pattern = ledger.pattern(call.tensors[0])
    if pattern is not None:
        times = call.given["repeats"]
        pattern = pattern.view([1] * (len(times) - pattern.dim()) + list(pattern.shape))
        pattern = pattern.repeat([n if d in varying(pattern) else 1 for d, n in enumerate(times)])
    ledger.write(call.outputs[0], pattern)


def padding(ledger: Ledger, call: Call) -> None:
    """Padding belongs to the unit that it continues, or is fixed where it is put beside the units."""
    pattern = ledger.pattern(call.tensors[0])
    if pattern is None:
        return
    amounts = call.given["pad"]
    for index in range(0, len(amounts), 2):
        dim = pattern.dim() - 1 - index // 2
        before, after = amounts[index : index + 2]
        if dim not in varying(pattern) or (before, after) == (0, 0):
            continue
        if before < 0 or after < 0:
            ledger.units.freeze(pattern, ledger.because("it is cropped along its units"))
            return
        fixed = pattern.narrow(dim, 0, 1) * 0 + FIXED
        pattern = torch.cat([fixed] * before + [pattern] + [fixed] * after, dim)
    ledger.write(call.outputs[0], pattern)


def joining(ledger: Ledger, call: Call) -> None:
    """`cat` and `stack`: side by side along the units, or one after the other along another dim."""
    dim = call.given["dim"] % call.outputs[0].dim()
    stacked = call.name == "stack"
    tensors = [t for t in call.tensors if t.dim() == call.outputs[0].dim() - stacked]  # cat skips empty 1-d tensors
    patterns = [ledger.pattern(t) for t in tensors]
    if stacked:
        patterns = [None if p is None else p.unsqueeze(dim) for p in patterns]
    known = [p for p in patterns if p is not None]
    if all(varying(p) <= {dim} for p in known):
        parts = []
        for tensor, pattern in zip(tensors, patterns, strict=True):
            length = 1 if stacked else tensor.shape[dim]
            shape = [length if d == dim else 1 for d in range(call.outputs[0].dim())]
            parts.append(torch.full(shape, FIXED) if pattern is None else pattern.expand(shape))
        ledger.write(call.outputs[0], torch.cat(parts, dim))
    elif all(dim not in varying(p) for p in known):
        for pattern in known:
            ledger.units.unite(pattern, known[0], ledger.because("it is joined to values of fixed width"))
        if len(known) < len(patterns):
            ledger.units.freeze(known[0], ledger.because("it is joined to values of fixed width"))
        ledger.write(call.outputs[0], known[0])
    else:
        unknown(ledger, call)


def halves(ledger: Ledger, call: Call) -> None:
    """`glu`: the first half of a dim is gated by the second."""
    pattern = ledger.pattern(call.tensors[0])
    dim = call.given["dim"] % call.tensors[0].dim()
    if pattern is not None and dim in varying(pattern):
        pattern, gate = pattern.chunk(2, dim)
        ledger.units.unite(pattern, gate, ledger.because("it is gated by values of fixed width"))
    ledger.write(call.outputs[0], pattern)


def indexing(ledger: Ledger, call: Call) -> None:
    """Fixed positions picked along dims that hold no units."""
    source, *positions = call.tensors
    if any(ledger.pattern(p) is not None for p in positions):
        unknown(ledger, call)
        return
    if call.name == "index_select":
        dims = call.dims()
        pattern = _steady(ledger, call, dims, "picks from")
    else:
        dims, dim = [], 0
        for index in call.given["indices"]:
            covers = 1 if index is None or index.dtype not in (torch.bool, torch.uint8) else index.dim()
            dims += [] if index is None else range(dim, dim + covers)
            dim += covers
        pattern = _steady(ledger, call, dims, "picks from")
        if pattern is not None:
            indices = [None if index is None else index.cpu() for index in call.given["indices"]]
            pattern = compact(torch.ops.aten.index.Tensor(pattern.expand(source.shape), indices))
    ledger.write(call.outputs[0], pattern)


def _all(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


CONSTANTS = "new_empty new_zeros new_ones new_full"
"""They take no more than type and device from their input."""

RULES: dict[str, Rule] = {
    **_all(harmless, "permute transpose t unsqueeze squeeze expand detach alias lift_fresh"),
    **_all(harmless, CONSTANTS),
    **_all(part, "slice select split split_with_sizes unsafe_split unsafe_split_with_sizes unbind unfold"),
    **_all(reshape, "view _unsafe_view _reshape_alias"),
    **_all(pointwise, "clone copy copy_ _to_copy _prelu_kernel zeros_like ones_like full_like empty_like"),
    **_all(reduction, "mean sum prod amax amin max min any all var std var_mean logsumexp argmax argmin"),
    **_all(along, "cumsum cumprod cummax cummin _softmax _log_softmax"),
    **_all(partial(along, name="dims"), "roll"),
    **_all(partial(spatial, dims=1), "reflection_pad1d replication_pad1d upsample_nearest1d upsample_linear1d"),
    **_all(partial(spatial, dims=2), "max_pool2d_with_indices avg_pool2d _adaptive_avg_pool2d adaptive_max_pool2d"),
    **_all(partial(spatial, dims=2), "reflection_pad2d replication_pad2d upsample_nearest2d upsample_bilinear2d"),
    **_all(partial(spatial, dims=3), "max_pool3d_with_indices avg_pool3d _adaptive_avg_pool3d"),
    "flip": flip,
    "repeat": repeat,
    "constant_pad_nd": padding,
    "cat": joining,
    "stack": joining,
    "glu": halves,
    "index": indexing,
    "index_select": indexing,
}


def follow(ledger: Ledger, call: Call) -> None:
    """Apply the rule of the operation that was called."""
    if call.name not in CONSTANTS.split():
        ledger.refuse(call.tensors, f"it is used outside a layer, by aten.{call.name}, and keeps its size")
    if all(ledger.pattern(tensor) is None for tensor in call.tensors):
        return
    rule = RULES.get(call.name)
    if rule is None:
        rule = pointwise if torch.Tag.pointwise in call.function.tags else unknown
    rule(ledger, call)
