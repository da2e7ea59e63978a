"""Layers that torch does not have: three functions say what a cut does to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from benchmark.trimming.ledger import Ledger, spread

Dims = Callable[[Any], Mapping[str, int]]


@dataclass(frozen=True)
class Layer:
    """What was taught of a kind of layer."""

    reads: Dims
    writes: Dims
    resize: Callable[[Any, Mapping[str, tuple[int, ...]]], Mapping[str, Any]]
    features: int


_TAUGHT: dict[type[nn.Module], Layer] = {}


def teach(
    kind: type[nn.Module],
    reads: Dims,
    writes: Dims,
    resize: Callable[[Any, Mapping[str, tuple[int, ...]]], Mapping[str, Any]],
    features: int = -1,
) -> None:
    """Teach `couple` and `load` a kind of layer with weights of its own, for this process.

    It is needed only where the operations of the layer's forward have no rule: most layers of one's own, written with
    torch's functions, are understood without. The layer takes one tensor and gives one.

    Parameters
    ----------
    kind
        The class; subclasses are taught along.
    reads
        Given the module: its tensors (names without a dot) and the dim of each whose positions are the features of
        the input, in order. A weight that reads a feature must leave it without effect where it is zero.
    writes
        Likewise for the features of the output. Empty: the output has the units of the input, as of a norm or a gain,
        and what `reads` names goes along with them.
    resize
        Given the module and the new shapes of its tensors by name: the attributes that it must have for these. Raises
        ValueError where it cannot have such tensors.
    features
        The dim of input and output that holds the features: -1 as for `Linear`, 1 as for convolutions.
    """
    _TAUGHT[kind] = Layer(reads, writes, resize, features)


def taught(module: nn.Module) -> Layer | None:
    """What was taught of the nearest class of the module."""
    return next((_TAUGHT[kind] for kind in type(module).__mro__ if kind in _TAUGHT), None)


def follow(ledger: Ledger, layer: Layer, module: nn.Module, input: Tensor, output: Tensor) -> None:
    """Apply what was taught to a call that has run."""
    units = ledger.vector(input, layer.features)
    reads, writes = layer.reads(module), layer.writes(module)
    for name, dim in reads.items():
        ledger.join(getattr(module, name), dim, "read" if writes else "side", units)
    if writes:
        units = ledger.units.fresh(output.shape[layer.features])
        for name, dim in writes.items():
            ledger.join(getattr(module, name), dim, "write", units)
    ledger.write(output, None if units is None else spread(units, layer.features, output.dim()))
