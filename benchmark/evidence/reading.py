"""What the layers that read a group's units are given: the output of the units.

A unit can be written by several layers (a residual stream), by parts of one (gates), and is often normed, squashed and
pooled before anything depends on it. So its output is taken where it is used: at the input of every layer that reads
it, which is also where a cut takes it away. Positions of the units there are those of the reading weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.errors import BenchError
from benchmark.trimming import Axis, Coupling, Group
from benchmark.trimming.teaching import taught
from benchmark.trimming.words import module_of

_CONVOLUTIONS = nn.modules.conv._ConvNd
_CELL = nn.modules.rnn.RNNCellBase


@dataclass(frozen=True)
class Place:
    """Where a layer is given the units of a group."""

    group: str
    module: nn.Module
    dim: int
    """Of its input: the features."""
    positions: Tensor
    """(units, positions a unit) int64, on that dim."""
    rows: int
    """Of its input: the dim with the rows of the batch, unless the sizes say otherwise."""


@dataclass(frozen=True)
class Reading:
    """What one call of a layer was given."""

    place: Place
    input: Tensor

    def units(self, values: Tensor, rows: int) -> Tensor:
        """Values of the shape of the input as (units, rows, places).

        Raises
        ------
        BenchError
            The input has no dim with that many rows.
        """
        place = self.place
        dim = place.dim % values.dim()
        at = _row_dim(values, dim, place.rows, rows, place.group)
        moved = values.movedim(dim, -1)
        moved = moved.movedim(at if at < dim else at - 1, 0)
        # Where a forward folds time into the batch, the rows are outermost.
        folded = moved.reshape(rows, -1, moved.shape[-1])
        picked = folded[:, :, place.positions.flatten()].view(rows, folded.shape[1], *place.positions.shape)
        return picked.permute(2, 0, 1, 3).flatten(2)


def places(model: nn.Module, coupling: Coupling) -> list[Place]:
    """Where the outputs of all groups are observed.

    Not observed are the state that a recurrent layer passes to itself and to its own further layers, and what layers
    are given that only pass units on (norms, depthwise convolutions) or that are of no kind known here.

    Raises
    ------
    BenchError
        A group whose output cannot be observed anywhere.
    """
    modules = dict(model.named_modules(remove_duplicate=False))
    found: list[Place] = []
    for group in coupling.groups:
        readers = {
            (id(module), axis): module
            for axis in group.axes
            if axis.reads
            for name in (axis.tensor, *coupling.aliases.get(axis.tensor, ()))
            if (module := modules.get(module_of(name))) is not None
        }
        mine = [p for (_, axis), module in readers.items() if (p := _place(group, axis, module)) is not None]
        if not mine:
            names = ", ".join(name or "the model itself" for name in group.readers)
            raise BenchError(
                f"the output of group {group.name!r} cannot be observed: it is read by {names}, and only inputs of "
                "linear, convolutional, recurrent and taught layers are; use a criterion that needs weights alone"
            )
        found += mine
    return found


@contextmanager
def observed(model: nn.Module, where: list[Place], apart: bool) -> Iterator[list[Reading]]:
    """A list that every reading of a forward is added to, in the order of the calls; empty it after each forward.

    Parameters
    ----------
    apart
        Each reading is a tensor of its own in the graph, so that a gradient by it is the effect through this reader.
    """
    readings: list[Reading] = []
    by_module: dict[nn.Module, list[Place]] = {}
    for place in where:
        by_module.setdefault(place.module, []).append(place)

    def hook(mine: list[Place]) -> Callable[[nn.Module, Any], Any]:
        def before(module: nn.Module, inputs: Any) -> Any:
            value = inputs[0]
            if not isinstance(value, Tensor):
                kind, given = type(module).__name__, type(value).__name__
                raise BenchError(f"the output of units cannot be observed where a {kind} is given a {given}, no tensor")
            if apart:
                value = value.view_as(value) if value.requires_grad else value.detach().requires_grad_()
            readings.extend(Reading(place, value) for place in mine)
            return (value, *inputs[1:])

        return before

    handles = [module.register_forward_pre_hook(hook(mine)) for module, mine in by_module.items()]
    try:
        yield readings
    finally:
        for handle in handles:
            handle.remove()


def _place(group: Group, axis: Axis, module: nn.Module) -> Place | None:
    local = axis.tensor.rpartition(".")[2]
    layer = taught(module)
    if layer is not None:
        dim, rows = layer.features, 0
    elif isinstance(module, nn.Linear):
        dim, rows = -1, 0
    elif isinstance(module, _CONVOLUTIONS):
        dim, rows = -len(module.kernel_size) - 1, 0
    elif isinstance(module, nn.RNNBase) and local == "weight_ih_l0":
        dim, rows = -1, 0 if module.batch_first else 1
    elif isinstance(module, _CELL) and local == "weight_ih":
        dim, rows = -1, 0
    else:
        return None
    return Place(group.name, module, dim, torch.tensor(axis.positions), rows)


def _row_dim(values: Tensor, features: int, usual: int, rows: int, group: str) -> int:
    others: list[int] = [usual, *range(values.dim())]
    for dim in others:
        if dim != features and dim < values.dim() and values.shape[dim] == rows:
            return dim
    if features != 0 and values.shape[0] % rows == 0:
        return 0
    shape = tuple(values.shape)
    raise BenchError(f"group {group!r} is read from a tensor of shape {shape}, and no dim of it has the {rows} rows")
