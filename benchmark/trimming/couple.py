"""From a model to its coupling."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from benchmark.trimming.coupling import Axis, Coupling, Frozen, Group
from benchmark.trimming.ledger import Ledger
from benchmark.trimming.trace import trace
from benchmark.trimming.units import FIXED
from benchmark.trimming.words import did_you_mean, group_name, unique


def couple(model: nn.Module, inputs: tuple[Tensor, ...], protect: Sequence[str] = ()) -> Coupling:
    """Find which units of a model must be cut together, by running it once.

    The run is in evaluation mode and leaves the model, its gradients, the inputs and the random state as they were.
    Units that reach an output of the model, a protected module's output, a tensor with two names, an operation without
    a rule or values of fixed width are frozen, with the reason. Widths that the model's own code writes down or
    computes with cannot be seen here; :func:`verify` sees them.

    Parameters
    ----------
    model
        Any module whose outputs are tensors in tuples, lists or dicts.
    inputs
        What the model is called with, as short as it allows: memory is about twice that of a forward.
    protect
        Names of modules whose output units are kept.

    Raises
    ------
    ValueError
        No module has a protected name, or the model is scripted or has parameters without a shape yet.
    TypeError
        The model returns objects that tensors could hide in.
    """
    names = dict(model.named_modules(remove_duplicate=False))
    for name in protect:
        if name not in names:
            raise ValueError(f"no module {name!r} to protect: {did_you_mean(name, names)}")
    for name, module in names.items():
        if isinstance(module, torch.jit.ScriptModule):
            raise ValueError(f"{name or 'the model'} is scripted: couple the model before scripting it")
    for name, parameter in model.named_parameters():
        if is_lazy(parameter):
            raise ValueError(f"{name} has no shape yet: run the model once before coupling it")
    first_names = {module: name for name, module in model.named_modules()}
    protected = {first_names[names[name]] for name in protect}
    ledger = trace(model, inputs, protected, _shared(model))
    groups = _groups(ledger)
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    learnable = frozenset(shapes)
    cut = {axis.tensor for group in groups for axis in group.axes}
    shapes |= {name: tuple(buffer.shape) for name, buffer in model.named_buffers() if name in cut}
    return Coupling(groups, _frozen(model, ledger), shapes, learnable, frozenset(ledger.norms & cut))


def _shared(model: nn.Module) -> dict[str, str]:
    """Tensors that have a second name or another tensor's memory, with the reason to keep their size."""
    tensors = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    names: dict[int, list[str]] = {}
    for name, tensor in tensors:
        if tensor.numel():
            names.setdefault(tensor.data_ptr(), []).append(name)
    together = (sharing for sharing in names.values() if len(sharing) > 1)
    return {name: f"one tensor is shared by {', '.join(sharing)}" for sharing in together for name in sharing}


def _groups(ledger: Ledger) -> tuple[Group, ...]:
    """Units with the same number of positions in the same axes are one group; order of first use."""
    axes = list(ledger.axes.items())
    where: dict[int, dict[int, list[int]]] = {}
    for index, (_, axis) in enumerate(axes):
        for position, unit in enumerate(ledger.units.resolve(axis.ids).tolist()):
            if unit != FIXED:
                where.setdefault(unit, {}).setdefault(index, []).append(position)
    alike: dict[tuple[tuple[int, int], ...], list[dict[int, list[int]]]] = {}
    for unit in sorted(where):
        signature = tuple((index, len(positions)) for index, positions in where[unit].items())
        alike.setdefault(signature, []).append(where[unit])
    members = []
    for signature, units in alike.items():
        found = []
        for index, _ in signature:
            (tensor, dim), axis = axes[index]
            found.append(Axis(tensor, dim, axis.role, tuple(tuple(unit[index]) for unit in units)))
        members.append(tuple(found))
    names = unique([group_name(Group("", found).writers) for found in members])
    return tuple(Group(name, found) for name, found in zip(names, members, strict=True))


def _frozen(model: nn.Module, ledger: Ledger) -> tuple[Frozen, ...]:
    """Modules with weights whose units, or some of them, are not in any group."""
    result = []
    for name, module in model.named_modules():
        own = [ledger.names[id(parameter)] for parameter in module.parameters(recurse=False)]
        own_axes = {key: axis for key, axis in ledger.axes.items() if key[0] in own}
        reasons = [
            reason
            for axis in own_axes.values()
            if axis.role == "write"
            for reason in map(ledger.units.reason, axis.ids.tolist())
        ]
        given = [reason for reason in reasons if reason is not None]
        if given:
            some = f"{len(given)} of its units: " if len(given) < len(reasons) else ""
            result.append(Frozen(name, some + given[0]))
        elif own and not own_axes:
            result.append(Frozen(name, ledger.refused.get(own[0], "no layer uses its weights in this forward")))
    return tuple(result)
