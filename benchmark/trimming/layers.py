"""Layers with weights: which dim of which tensor has the units that the layer reads and writes.

A layer is a *call* of `linear`, `conv1d`, `gru` ... with parameters of the model, wherever it is written. So subclasses
with their own forward, and layers that are called twice, need no rule. A call that does not fit runs
unobserved here; the rules for plain operations then freeze what it touches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.trimming.attention import scaled_dot_product
from benchmark.trimming.ledger import Ledger, spread
from benchmark.trimming.recurrent import RECURRENT
from benchmark.trimming.units import FIXED
from benchmark.trimming.weights import fixed_along, weight_norm

Run = Callable[[bool], Any]
"""Runs the call. True: its inside is hidden from the rules of plain operations."""


def linear(ledger: Ledger, run: Run, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    """`F.linear`: weight (out, in)."""
    if not ledger.owned(weight, bias):
        return run(False)
    out = run(True)
    ledger.join(weight, 1, "read", ledger.vector(input, -1))
    units = ledger.dim(weight, 0, "write")
    ledger.join(bias, 0, "side", units)
    ledger.write(out, spread(units, -1, out.dim()))
    return out


def _convolve(
    ledger: Ledger, run: Run, input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, transposed: bool
) -> Any:
    expanded = groups > 1 and fixed_along(weight, 0)
    if not ledger.owned(weight, bias) and not (expanded and ledger.owned(bias)):
        return run(False)
    out = run(True)
    channels = input.dim() - weight.dim() + 1  # 0 where the input has no batch dim
    reads, writes = (0, 1) if transposed else (1, 0)
    below = ledger.vector(input, channels)
    if groups == 1:
        ledger.join(weight, reads, "read", below)
        units = ledger.dim(weight, writes, "write")
    else:
        units = _grouped(ledger, weight, below, groups, out.shape[channels])
    ledger.join(bias, 0, "side", units)
    ledger.write(out, spread(units, channels, out.dim()))
    return out


def _grouped(ledger: Ledger, weight: Tensor, below: Tensor | None, groups: int, channels: int) -> Tensor:
    """A group of a convolution goes with its channels as a whole; weight (out or in, the rest of the group, kernel)."""
    why = ledger.because("its layer is fed values of fixed width")
    blocks = ledger.units.fresh(groups)
    for facet in (ledger.facets(weight) or ())[1:]:
        ledger.fix(facet, "it is inside a group of a convolution")
    if not fixed_along(weight, 0):
        rows = ledger.dim(weight, 0, "write").view(groups, -1)
        ledger.units.unite(rows, blocks[:, None], why)
    below = torch.full((groups,), FIXED) if below is None else below
    ledger.units.unite(below.view(groups, -1), blocks[:, None], why)
    return blocks.repeat_interleave(channels // groups)


def convolution(
    ledger: Ledger,
    run: Run,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """`F.conv1d` and its sisters: weight (out, in, kernel...)."""
    return _convolve(ledger, run, input, weight, bias, groups, transposed=False)


def transposed_convolution(
    ledger: Ledger,
    run: Run,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """`F.conv_transpose1d` and its sisters: weight (in, out, kernel...)."""
    return _convolve(ledger, run, input, weight, bias, groups, transposed=True)


def embedding(
    ledger: Ledger,
    run: Run,
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    *options: Any,
    **named: Any,
) -> Any:
    """`F.embedding`: weight (words, units). `max_norm` rescales by the norm over units, so it is not taken."""
    if not ledger.owned(weight) or max_norm is not None:
        return run(False)
    out = run(True)
    ledger.freeze(input, "it chooses the row of an embedding")
    for facet in (ledger.facets(weight) or ())[:1]:
        ledger.fix(facet, "it has a row for every word")
    ledger.write(out, spread(ledger.dim(weight, 1, "write"), -1, out.dim()))
    return out


def channel_norm(
    ledger: Ledger,
    run: Run,
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *options: Any,
    **named: Any,
) -> Any:
    """`F.batch_norm` and `F.instance_norm`: units on dim 1, each for itself."""
    tensors = (weight, bias, running_mean, running_var)
    if not ledger.owned(*tensors):
        return run(False)
    out = run(True)
    units = ledger.vector(input, 1)
    for tensor in tensors:
        ledger.join(tensor, 0, "side", units)
    ledger.write(out, None if units is None else spread(units, 1, out.dim()))
    return out


def group_norm(
    ledger: Ledger,
    run: Run,
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Any:
    """`F.group_norm`: a group of channels goes as a whole; one group of all is like a layer norm."""
    if not ledger.owned(weight, bias):
        return run(False)
    out = run(True)
    units = ledger.vector(input, 1)
    if units is not None:
        groups = units.view(num_groups, -1)
        if num_groups > 1:
            ledger.tie(groups, [1], "they are normed together")
        else:
            ledger.norm(units)
    for tensor in (weight, bias):
        ledger.join(tensor, 0, "side", units)
    ledger.write(out, None if units is None else spread(units, 1, out.dim()))
    return out


def layer_norm(
    ledger: Ledger,
    run: Run,
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *options: Any,
    **named: Any,
) -> Any:
    """`F.layer_norm` over the last dims, units on one of them."""
    if not ledger.owned(weight, bias):
        return run(False)
    out = run(True)
    pattern = ledger.pattern(input)
    over = range(input.dim() - len(normalized_shape), input.dim())
    dims = [d for d in over if pattern is not None and pattern.shape[d] > 1]
    units = ledger.vector(input, dims[0]) if dims else None
    for tensor in (weight, bias):
        for index, d in enumerate(over):
            ledger.join(tensor, index, "side", units if dims and d == dims[0] else None)
    if units is not None:
        ledger.norm(units)
        pattern = spread(units, dims[0], out.dim())
    elif dims:
        pattern = None
    ledger.write(out, pattern)
    return out


def normed_weight(ledger: Ledger, run: Run, v: Tensor, g: Tensor, dim: int = 0) -> Any:
    """`torch._weight_norm`, which both forms of weight norm call."""
    if not ledger.owned(v, g):
        return run(False)
    out = run(True)
    weight_norm(ledger, out, v, g, dim)
    return out


LAYERS: dict[Any, Callable[..., Any]] = {
    F.linear: linear,
    F.embedding: embedding,
    F.batch_norm: channel_norm,
    F.instance_norm: channel_norm,
    F.group_norm: group_norm,
    F.layer_norm: layer_norm,
    F.rms_norm: layer_norm,
    F.scaled_dot_product_attention: scaled_dot_product,
    torch._weight_norm: normed_weight,
    **dict.fromkeys((torch.conv1d, torch.conv2d, torch.conv3d), convolution),
    **dict.fromkeys(
        (torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d),
        transposed_convolution,
    ),
    **RECURRENT,
}
