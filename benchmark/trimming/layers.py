"""Layers with weights: which dim of which tensor has the units that the layer reads and writes.

A layer is a *call* of `linear`, `conv1d`, `gru` ... with parameters of the model, wherever it is written. So subclasses
with their own forward, and layers that are called twice, need no rule. A call that does not fit runs
unobserved here; the rules for plain operations then freeze what it touches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._pytree import tree_leaves

from benchmark.trimming.ledger import Ledger

Run = Callable[[bool], Any]
"""Runs the call. True: its inside is hidden from the rules of plain operations."""


def _spread(ids: Tensor, dim: int, ndim: int) -> Tensor:
    """A vector of ids as a pattern of `ndim` dims that varies along `dim`."""
    return ids.view([-1 if d == dim % ndim else 1 for d in range(ndim)])


def linear(ledger: Ledger, run: Run, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    """`F.linear`: weight (out, in)."""
    if not ledger.owned(weight, bias):
        return run(False)
    out = run(True)
    ledger.join(weight, 1, "read", ledger.vector(input, -1))
    units = ledger.axis(weight, 0, "write")
    ledger.join(bias, 0, "side", units)
    ledger.write(out, _spread(units, -1, out.dim()))
    return out


def _convolve(
    ledger: Ledger, run: Run, input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, transposed: bool
) -> Any:
    if groups != 1:
        ledger.freeze(input, "it is read by a grouped convolution")
        ledger.refuse((weight, bias), "it is a grouped convolution")
        return run(False)
    if not ledger.owned(weight, bias):
        return run(False)
    out = run(True)
    channels = input.dim() - weight.dim() + 1  # 0 where the input has no batch dim
    reads, writes = (0, 1) if transposed else (1, 0)
    ledger.join(weight, reads, "read", ledger.vector(input, channels))
    units = ledger.axis(weight, writes, "write")
    ledger.join(bias, 0, "side", units)
    ledger.write(out, _spread(units, channels, out.dim()))
    return out


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
    ledger.write(out, _spread(ledger.axis(weight, 1, "write"), -1, out.dim()))
    return out


def batch_norm(
    ledger: Ledger,
    run: Run,
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *options: Any,
    **named: Any,
) -> Any:
    """`F.batch_norm`: units on dim 1."""
    tensors = (weight, bias, running_mean, running_var)
    if not ledger.owned(*tensors):
        return run(False)
    out = run(True)
    units = ledger.vector(input, 1)
    for tensor in tensors:
        ledger.join(tensor, 0, "side", units)
    ledger.write(out, None if units is None else _spread(units, 1, out.dim()))
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
    """`F.layer_norm` over the last dim. Without a weight nothing would tell a loaded module its new width."""
    if len(normalized_shape) != 1 or weight is None or not ledger.owned(weight, bias):
        return run(False)
    out = run(True)
    units = ledger.vector(input, -1)
    for tensor in (weight, bias):
        ledger.join(tensor, 0, "side", units)
    ledger.norms.add(ledger.names[id(weight)])
    ledger.write(out, None if units is None else _spread(units, -1, out.dim()))
    return out


def recurrent(
    gates: int,
    ledger: Ledger,
    run: Run,
    input: Tensor,
    state: Any,
    weights: Any,
    has_biases: Any,
    num_layers: Any = 1,
    dropout: Any = 0.0,
    training: Any = False,
    bidirectional: Any = False,
    *options: Any,
    **named: Any,
) -> Any:
    """`torch.gru` and its sisters: all layers and both directions have the same units.

    `weights`: for each layer and direction weight_ih (gates * units, in), weight_hh (gates * units, units) and,
    where there are biases, two of (gates * units,). Packed sequences and projections have other arguments and are not
    taken.
    """
    each, directions = (4 if has_biases else 2), (2 if bidirectional else 1)
    flat = list(weights) if isinstance(weights, list | tuple) else []
    if len(flat) != each * num_layers * directions or not ledger.owned(*flat):
        return run(False)
    out = run(True)
    units = ledger.axis(flat[1], 1, "read")
    for index in range(num_layers * directions):
        of_input, of_state, *biases = flat[each * index : each * (index + 1)]
        below = ledger.vector(input, -1) if index < directions else units.repeat(directions)
        ledger.join(of_input, 1, "read", below)
        ledger.join(of_input, 0, "write", units.repeat(gates))
        ledger.join(of_state, 0, "write", units.repeat(gates))
        ledger.join(of_state, 1, "read", units)
        for bias in biases:
            ledger.join(bias, 0, "side", units.repeat(gates))
    made_here = {zeros.untyped_storage()._cdata for zeros in ledger.zeros}
    for given in tree_leaves(state):
        # The zeros that nn.GRU makes for itself follow its hidden_size; any other start is tied to these units.
        if given.untyped_storage()._cdata not in made_here:
            start = ledger.vector(given, -1)
            why = ledger.because("it starts from a state of fixed width")
            ledger.units.unite(units, units.new_zeros(()) if start is None else start, why)
    sequence, *final = out
    ledger.write(sequence, _spread(units.repeat(directions), -1, sequence.dim()))
    for last in final:
        ledger.write(last, _spread(units, -1, last.dim()))
    return out


LAYERS: dict[Any, Callable[..., Any]] = {
    F.linear: linear,
    F.embedding: embedding,
    F.batch_norm: batch_norm,
    F.layer_norm: layer_norm,
    **dict.fromkeys((torch.conv1d, torch.conv2d, torch.conv3d), convolution),
    **dict.fromkeys(
        (torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d),
        transposed_convolution,
    ),
    torch.rnn_tanh: partial(recurrent, 1),
    torch.rnn_relu: partial(recurrent, 1),
    torch.gru: partial(recurrent, 3),
    torch.lstm: partial(recurrent, 4),
}
