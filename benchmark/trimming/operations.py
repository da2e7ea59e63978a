"""Operations without weights that make new memory: which units their results hold.

An operation with no rule freezes what it touches.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from benchmark.trimming import weights
from benchmark.trimming.attention import multiply
from benchmark.trimming.calls import Call, Rule, harmless, unknown
from benchmark.trimming.ledger import Ledger, spread
from benchmark.trimming.shadow import compact, varying
from benchmark.trimming.units import FIXED
from benchmark.trimming.views import complex_from_pairs, part, reshape


def pointwise(ledger: Ledger, call: Call) -> None:
    """Unite operands position by position. Broadcasting is harmless unless it is along another's units."""
    shape = call.outputs[0].shape
    why = f"it meets values of fixed width in aten.{call.name}"
    united: Tensor | None = None
    united_shape: list[int] = []
    own: list[Tensor] = []
    plain: list[list[int]] = []
    for tensor in call.tensors:
        padding = [1] * (len(shape) - tensor.dim())
        own_shape = [*padding, *tensor.shape]
        if ledger.owned(tensor):
            own.append(tensor)
            continue
        pattern = ledger.pattern(tensor)
        if pattern is None:
            if not ledger.made(tensor):
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
    for tensor in own:
        united = _joined(ledger, tensor, united, shape, plain, why)
    for own_shape in plain:
        ledger.check(united, partial(_narrow_along, shape=own_shape), why)
    for output in call.outputs:
        ledger.write(output, united)


def _narrow_along(pattern: Tensor, shape: Sequence[int]) -> bool:
    """Do units vary only along dims where an operand of this shape is broadcast."""
    return not any(shape[d] > 1 for d in varying(pattern))


def _joined(
    ledger: Ledger, tensor: Tensor, united: Tensor | None, shape: Sequence[int], plain: list[list[int]], why: str
) -> Tensor | None:
    """A tensor of the model that meets activations: its dim that lies along their units has the same units.

    Where they vary along several dims (features of heads, say), or where there are none, it is used as values.
    """
    facets = ledger.facets(tensor)
    assert facets is not None
    ahead = len(shape) - tensor.dim()
    if united is None:
        free = [d for d in range(tensor.dim()) if all(other[d + ahead] == 1 for other in plain)]
        pattern = ledger.as_pattern(tensor, facets, free)
        return None if pattern is None else pattern.view([1] * ahead + list(pattern.shape))
    along = varying(united)
    for d, facet in enumerate(facets):
        if tensor.shape[d] == 1 or facet is None:
            continue
        if along == {d + ahead}:
            ledger.units.unite(ledger.dim(tensor, d, "side"), united.flatten(), ledger.because(why))
        else:
            ledger.fix(facet, "it is used as values, and keeps its size")
    ledger.check(united, partial(_narrow_along, shape=[1] * ahead + list(tensor.shape)), why) if len(
        along
    ) > 1 else None
    return united


def _steady(ledger: Ledger, call: Call, dims: Sequence[int], doing: str) -> Tensor | None:
    """The pattern of the first argument, tied along these dims: they have length 1 in it."""
    pattern = ledger.pattern(call.tensors[0])
    if pattern is None:
        return None
    return ledger.tie(pattern, varying(pattern) & set(dims), f"aten.{call.name} {doing} them")


def reduction(ledger: Ledger, call: Call) -> None:
    """Sums, means, maxima: what is reduced together goes together."""
    dims = call.dims()
    pattern = _steady(ledger, call, dims, "reduces over")
    if pattern is not None and not call.given.get("keepdim", False):
        pattern = pattern.view([size for d, size in enumerate(pattern.shape) if d not in dims])
    for output in call.outputs:
        ledger.write(output, pattern)


def along(ledger: Ledger, call: Call, name: str = "dim") -> None:
    """Softmax, running sums, rolls, Fourier transforms: what is mixed goes together."""
    pattern = _steady(ledger, call, call.dims(name), "mixes")
    for output in call.outputs:
        ledger.write(output, pattern)


def spatial(ledger: Ledger, call: Call, dims: int) -> None:
    """Pooling, resampling and reflecting over the last `dims` dims: what is mixed goes together."""
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
    ndim = call.outputs[0].dim()
    dim = call.given["dim"] % ndim
    stacked = call.name == "stack"
    tensors = [t for t in call.tensors if t.dim() == ndim - stacked]  # cat skips empty 1-d tensors
    patterns = [None if ledger.owned(t) else ledger.pattern(t) for t in tensors]
    if stacked:
        patterns = [None if p is None else p.unsqueeze(dim) for p in patterns]
    along = set().union(*(varying(p) for p in patterns if p is not None))
    for index, tensor in enumerate(tensors):
        facets = ledger.facets(tensor)
        if facets is not None:
            dims = sorted(d - (stacked and d > dim) for d in along if not (stacked and d == dim))
            values = ledger.as_pattern(tensor, facets, dims or None)
            patterns[index] = values.unsqueeze(dim) if stacked and values is not None else values
    known = [p for p in patterns if p is not None]
    if not known:
        return
    if dim in along:
        widest = [max(p.shape[d] for p in known) for d in range(ndim)]
        parts = []
        for tensor, pattern in zip(tensors, patterns, strict=True):
            shape = [*widest]
            shape[dim] = 1 if stacked else tensor.shape[dim]
            parts.append(torch.full(shape, FIXED) if pattern is None else pattern.expand(shape))
        ledger.write(call.outputs[0], compact(torch.cat(parts, dim)))
        return
    why = "it is joined to values of fixed width"
    for pattern in known:
        ledger.units.unite(pattern, known[0], ledger.because(why))
    if any(p is None and not ledger.made(t) for t, p in zip(tensors, patterns, strict=True)):
        ledger.units.freeze(known[0], ledger.because(why))
    ledger.write(call.outputs[0], max(known, key=torch.numel))


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


def shuffle(ledger: Ledger, call: Call) -> None:
    """`pixel_shuffle`: a block of channels becomes one channel; `pixel_unshuffle`: the other way."""
    pattern = ledger.pattern(call.tensors[0])
    if pattern is not None:
        channels = pattern.dim() - 3
        pattern = ledger.tie(pattern, varying(pattern) - {channels}, "they lie in the maps that are shuffled")
        if call.name == "pixel_unshuffle":
            pattern = pattern.repeat_interleave(call.given["downscale_factor"] ** 2, channels)
        elif channels in varying(pattern):
            pattern = pattern.unflatten(channels, (-1, call.given["upscale_factor"] ** 2))
            pattern = ledger.tie(pattern, [channels + 1], "they are shuffled into one map").squeeze(channels + 1)
    ledger.write(call.outputs[0], compact(pattern) if pattern is not None else None)


def packing(ledger: Ledger, call: Call) -> None:
    """Sequences packed one step after the other, or unpacked: their features stay last."""
    units = ledger.vector(call.tensors[0], -1)
    out = call.outputs[0]
    ledger.write(out, None if units is None else spread(units, -1, out.dim()))


def product(ledger: Ledger, call: Call) -> None:
    """`mm` and `bmm`, with a weight of the model on one side or with two activations."""
    first, second = call.tensors
    ledger.write(call.outputs[0], multiply(ledger, first, second))


def _all(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


MADE_HERE = "zeros ones full empty new_empty new_zeros new_ones new_full empty_strided new_empty_strided scalar_tensor"
"""Constants: they take no more than type and device from their input, and are as wide as the code asks."""

RULES: dict[str, Rule] = {
    **_all(harmless, "permute transpose t unsqueeze squeeze expand detach alias lift_fresh"),
    **_all(harmless, "view_as_real _conj _neg_view real imag"),
    **_all(complex_from_pairs, "view_as_complex"),
    **_all(part, "slice select split split_with_sizes unsafe_split unsafe_split_with_sizes unbind unfold"),
    **_all(reshape, "view _unsafe_view _reshape_alias"),
    **_all(pointwise, "clone copy copy_ _to_copy _prelu_kernel zeros_like ones_like full_like empty_like fill_ zero_"),
    **_all(pointwise, "complex polar angle"),
    **_all(reduction, "mean sum prod amax amin max min any all var std var_mean logsumexp argmax argmin"),
    **_all(reduction, "linalg_vector_norm norm"),
    **_all(along, "cumsum cumprod cummax cummin _softmax _log_softmax _fft_r2c _fft_c2r _fft_c2c"),
    **_all(partial(along, name="dims"), "roll"),
    **_all(partial(spatial, dims=1), "reflection_pad1d replication_pad1d upsample_nearest1d upsample_linear1d"),
    **_all(partial(spatial, dims=1), "avg_pool1d adaptive_avg_pool1d max_pool1d"),
    **_all(partial(spatial, dims=2), "max_pool2d_with_indices avg_pool2d _adaptive_avg_pool2d adaptive_max_pool2d"),
    **_all(partial(spatial, dims=2), "reflection_pad2d replication_pad2d upsample_nearest2d upsample_bilinear2d"),
    **_all(partial(spatial, dims=2), "upsample_bicubic2d _upsample_nearest_exact2d"),
    **_all(partial(spatial, dims=1), "_upsample_nearest_exact1d"),
    **_all(partial(spatial, dims=3), "max_pool3d_with_indices avg_pool3d _adaptive_avg_pool3d"),
    **_all(packing, "_pack_padded_sequence _pad_packed_sequence"),
    **_all(product, "mm bmm"),
    **_all(shuffle, "pixel_shuffle pixel_unshuffle"),
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
    if call.name in MADE_HERE.split():
        for output in call.outputs:
            ledger.make(output)
        return
    own = [tensor for tensor in call.tensors if ledger.owned(tensor)]
    values = [tensor for tensor in call.tensors if not ledger.owned(tensor)]
    holding = any(ledger.pattern(tensor) is not None for tensor in values)
    rule = RULES.get(call.name)
    if rule is None:
        rule = pointwise if torch.Tag.pointwise in call.function.tags else unknown
    constant = all(tensor.numel() == 1 or ledger.made(tensor) for tensor in values)
    if own and not holding and (constant or rule not in (pointwise, joining, product)):
        (weights.combine if rule is pointwise else weights.follow)(ledger, call)
    elif own or holding:
        rule(ledger, call)
    elif not call.function.is_view:
        made = bool(call.tensors) and constant and rule in (pointwise, joining)
        for output in call.outputs:
            if made or ledger.made(output):
                ledger.make(output, made)
