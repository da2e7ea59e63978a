"""From a model to its coupling."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from benchmark.trimming.coupling import Axis, Coupling, Frozen, Group
from benchmark.trimming.ledger import Ledger
from benchmark.trimming.plan import Gain
from benchmark.trimming.trace import trace
from benchmark.trimming.trial import tried
from benchmark.trimming.units import FIXED
from benchmark.trimming.words import did_you_mean, group_name, module_of, unique


def couple(model: nn.Module, inputs: tuple[Tensor, ...], protect: Sequence[str] = ()) -> Coupling:
    """Find which units of a model must be cut together, by running it once; then try a cut on a copy.

    The run is in evaluation mode and leaves the model, its gradients, the inputs and the random state as they were.
    Units that reach an output of the model, a protected module's output, an operation without a rule or values of
    fixed width are frozen, with the reason. Widths that the model's own code stores or computes with cannot be seen in
    a run; the trial sees them: integers that modules store follow the cut where that is right (`Coupling.stored`), and
    what still does not compute the same without its units is frozen.

    Parameters
    ----------
    model
        Any module whose outputs are tensors in tuples, lists or dicts.
    inputs
        What the model is called with, as short as it allows: memory is up to three times that of a forward and eleven
        times that of the weights.
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
    refused, aliases = _shared(model)
    ledger = trace(model, inputs, protected, refused)
    learnable = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    _need_writers(ledger, learnable)
    groups = _groups(ledger)
    cut = {axis.tensor for group in groups for axis in group.axes}
    buffers = {name: tuple(buffer.shape) for name, buffer in model.named_buffers() if name in cut}
    gains = {name: Gain(*gain) for name, gain in ledger.gains.items() if name in cut}
    coupling = Coupling(
        groups,
        _frozen(model, ledger),
        learnable | buffers,
        frozenset(learnable),
        _norms(ledger, groups),
        gains,
        {name: others for name, others in aliases.items() if name in cut},
    )
    return tried(model, inputs, coupling)


def _norms(ledger: Ledger, groups: Sequence[Group]) -> dict[str, frozenset[str]]:
    """Modules that normalise over units of groups, with the names of the groups."""
    of_unit: dict[int, str] = {}
    for group in groups:
        first = group.axes[0]
        ids = ledger.units.resolve(ledger.axes[first.tensor, first.dim].ids)
        of_unit |= {int(ids[positions[0]]): group.name for positions in first.positions}
    norms = {}
    for name, over in ledger.norms.items():
        units = {unit for ids in over for unit in ledger.units.resolve(ids).tolist()}
        norms[name] = frozenset(of_unit[unit] for unit in units if unit in of_unit)
    return {name: names for name, names in norms.items() if names}


def _shared(model: nn.Module) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Tensors that lie in another's memory, with the reason to keep their size; further names of one tensor."""
    tensors = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    memory: dict[int, dict[int, list[str]]] = {}
    for name, tensor in tensors:
        if tensor.numel():
            memory.setdefault(tensor.untyped_storage()._cdata, {}).setdefault(id(tensor), []).append(name)
    refused: dict[str, str] = {}
    aliases: dict[str, tuple[str, ...]] = {}
    for tensors_there in memory.values():
        names = [name for sharing in tensors_there.values() for name in sharing]
        if len(tensors_there) > 1:
            refused |= dict.fromkeys(names, f"one memory is shared by {', '.join(names)}")
        elif len(names) > 1:
            aliases[names[0]] = tuple(names[1:])
    return refused, aliases


def _need_writers(ledger: Ledger, learnable: Collection[str]) -> None:
    """Units that no weight writes: a learned table or gain does, else (a buffer, say) they are fixed."""
    roots: dict[int, list[tuple[str, int]]] = {}
    for key, axis in ledger.axes.items():
        if axis.roles:
            for unit in set(ledger.units.resolve(axis.ids).tolist()) - {FIXED}:
                roots.setdefault(unit, []).append(key)
    for unit, keys in roots.items():
        own = [key for key in keys if key[0] in learnable]
        if any("write" in ledger.axes[key].roles for key in own):
            continue
        for key in own:
            if "side" in ledger.axes[key].roles:
                ledger.axes[key].roles.add("write")
        if not any("write" in ledger.axes[key].roles for key in own):
            ledger.units.freeze(torch.tensor([unit]), "no learned weight computes its units")


def _groups(ledger: Ledger) -> tuple[Group, ...]:
    """Units with the same number of positions in the same axes are one group; order of first use."""
    axes = [(key, axis) for key, axis in ledger.axes.items() if axis.roles]
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
        if len(units) == 1:
            ((index, (first, *_)), *_) = units[0].items()
            unit = axes[index][1].ids[first]
            tied = ledger.units.tied(int(unit))
            ledger.units.freeze(unit, "its units can only go all at once" + (f": {tied}" if tied else ""))
            continue
        found = []
        for index, _ in signature:
            (tensor, dim), axis = axes[index]
            gain = Gain(*ledger.gains[tensor]) if tensor in ledger.gains else None
            positions = tuple(tuple(unit[index]) for unit in units)
            found.append(Axis(tensor, dim, "write" in axis.roles, "read" in axis.roles, positions, gain))
        members.append(tuple(found))
    names = unique([group_name(Group("", found).writers) for found in members])
    return tuple(Group(name, found) for name, found in zip(names, members, strict=True))


def _frozen(model: nn.Module, ledger: Ledger) -> tuple[Frozen, ...]:
    """Modules with weights whose units, or some of them, are not in any group."""
    written = {
        ledger.units.root(unit) for axis in ledger.axes.values() if "write" in axis.roles for unit in axis.ids.tolist()
    }
    result: dict[str, str] = {}
    for name, module in model.named_modules():
        shown = module_of(f"{name}.")
        own = [ledger.names[id(parameter)] for parameter in module.parameters(recurse=False)]
        axes = [axis for key, axis in ledger.axes.items() if key[0] in own]
        writing = [unit for axis in axes if "write" in axis.roles for unit in axis.ids.tolist()]
        wide = [unit for axis in axes if len(axis.ids) > 1 for unit in axis.ids.tolist()]
        alone = [unit for unit in wide if ledger.units.root(unit) not in written]
        given = [reason for reason in map(ledger.units.reason, writing or alone) if reason is not None]
        if given:
            some = f"{len(given)} of its units: " if len(given) < len(writing) else ""
            result.setdefault(shown, some + given[0])
        elif own and not axes:
            result.setdefault(shown, ledger.refused.get(own[0], "no layer uses its weights in this forward"))
    return tuple(Frozen(name, reason) for name, reason in result.items())
