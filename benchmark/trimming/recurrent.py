"""Recurrent layers and cells: all layers, gates and directions of one call have the same units."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from benchmark.trimming.ledger import Ledger, spread
from benchmark.trimming.units import FIXED

Run = Callable[[bool], Any]


def sequence(
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
    """`torch.gru` and its sisters.

    `weights`: for each layer and direction weight_ih (gates * units, in), weight_hh (gates * units, units) and,
    where there are biases, two of (gates * units,). Packed sequences come as (data, lengths, state, weights, ...).
    Projections have other weights and are not taken.
    """
    if isinstance(weights, Tensor | tuple) and isinstance(has_biases, list):
        state, weights, has_biases = weights, has_biases, num_layers
        num_layers, bidirectional = dropout, options[0] if options else named.get("bidirectional", False)
    each, directions = (4 if has_biases else 2), (2 if bidirectional else 1)
    flat = list(weights) if isinstance(weights, list | tuple) else []
    if len(flat) != each * num_layers * directions or not ledger.owned(*flat):
        return run(False)
    out = run(True)
    units = ledger.dim(flat[1], 1, "read")
    for index in range(num_layers * directions):
        of_input, of_state, *biases = flat[each * index : each * (index + 1)]
        below = ledger.vector(input, -1) if index < directions else units.repeat(directions)
        ledger.join(of_input, 1, "read", below)
        _join_gates(ledger, units.repeat(gates), of_input, of_state, biases)
        ledger.join(of_state, 1, "read", units)
    _start(ledger, units, state)
    steps, *final = out
    ledger.write(steps, spread(units.repeat(directions), -1, steps.dim()))
    for last in final:
        ledger.write(last, spread(units, -1, last.dim()))
    return out


def cell(
    gates: int,
    ledger: Ledger,
    run: Run,
    input: Tensor,
    state: Any,
    of_input: Tensor,
    of_state: Tensor,
    *biases: Tensor | None,
    **named: Any,
) -> Any:
    """`torch.gru_cell` and its sisters: one step."""
    if named or not ledger.owned(of_input, of_state, *biases):
        return run(False)
    out = run(True)
    units = ledger.dim(of_state, 1, "read")
    ledger.join(of_input, 1, "read", ledger.vector(input, -1))
    _join_gates(ledger, units.repeat(gates), of_input, of_state, biases)
    _start(ledger, units, state)
    for last in tree_leaves(out):
        ledger.write(last, spread(units, -1, last.dim()))
    return out


def _join_gates(ledger: Ledger, units: Tensor, of_input: Tensor, of_state: Tensor, biases: Any) -> None:
    ledger.join(of_input, 0, "write", units)
    ledger.join(of_state, 0, "write", units)
    for bias in biases:
        ledger.join(bias, 0, "side", units)


def _start(ledger: Ledger, units: Tensor, state: Any) -> None:
    """A state that is given is tied to the units; constants that the forward makes follow them."""
    for given in tree_leaves(state):
        if isinstance(given, Tensor) and not ledger.made(given):
            start = ledger.vector(given, -1)
            why = ledger.because("it starts from a state of fixed width")
            ledger.units.unite(units, torch.tensor(FIXED) if start is None else start, why)


RECURRENT: dict[Any, Callable[..., Any]] = {
    torch.rnn_tanh: partial(sequence, 1),
    torch.rnn_relu: partial(sequence, 1),
    torch.gru: partial(sequence, 3),
    torch.lstm: partial(sequence, 4),
    torch.rnn_tanh_cell: partial(cell, 1),
    torch.rnn_relu_cell: partial(cell, 1),
    torch.gru_cell: partial(cell, 3),
    torch.lstm_cell: partial(cell, 4),
}
