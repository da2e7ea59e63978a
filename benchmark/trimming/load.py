"""Loading weights of any width: the tensors decide, the modules follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.trimming.coupling import Stored
from benchmark.trimming.fits import Shapes, attributes


def load(model: nn.Module, state: Mapping[str, Tensor], stored: Iterable[Stored] = ()) -> nn.Module:
    """Load a state dict of the same architecture and any width into a model, in place.

    Parameters that change their shape are new objects, with `requires_grad` as before and no gradient: build the
    optimizer afterwards. Each layer is checked for itself; that two layers fit each other only shows when the model
    runs.

    Parameters
    ----------
    model
        The model, of any width.
    state
        A tensor for each name in the model's state dict.
    stored
        Integers in modules that follow the tensors: `Coupling.stored`.

    Returns
    -------
    torch.nn.Module
        The model that was given.

    Raises
    ------
    ValueError
        A name is missing or unknown, a tensor has a shape that its layer cannot have, two names of one tensor have
        different values, or the model has no such integer. The model is then as it was.
    """
    expected = model.state_dict(keep_vars=True)
    missing = [name for name in expected if name not in state]
    unexpected = [name for name in state if name not in expected]
    if missing or unexpected:
        said = [f"{what} {_some(names)}" for what, names in (("lacks", missing), ("has unknown", unexpected)) if names]
        raise ValueError(f"the state does not fit the model: it {' and '.join(said)}")
    _check_shared(expected, state)
    changes = []
    for prefix, module in model.named_modules(remove_duplicate=False):
        shapes = _shapes(prefix, module, state)
        before = _shapes(prefix, module, expected)
        if shapes != before:
            changes.append((prefix, module, attributes(prefix, module, shapes), shapes))
    for entry in stored:
        entry.value(model, state)
    renewed: dict[int, Tensor] = {}
    for prefix, module, values, _ in changes:
        for name in (*module._parameters, *module._buffers):
            full = f"{prefix}.{name}" if prefix else name
            old = getattr(module, name)
            if full in expected and old.shape != state[full].shape:
                setattr(module, name, renewed.setdefault(id(old), _like(old, tuple(state[full].shape))))
        for name, value in values.items():
            setattr(module, name, value)
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()
    for entry in stored:
        setattr(model.get_submodule(entry.module), entry.attribute, entry.value(model, state))
    model.load_state_dict(dict(state))
    return model


def _shapes(prefix: str, module: nn.Module, state: Mapping[str, Tensor]) -> Shapes:
    """The shapes of a module's own tensors; a weight with weight norm has that of its direction."""
    start = f"{prefix}." if prefix else ""
    names = {name: name for name in (*module._parameters, *module._buffers)}
    for name in getattr(module, "parametrizations", ()):
        names[name] = next((n for n in _UNDER if f"{start}parametrizations.{name}.{n}" in state), name)
        names[name] = f"parametrizations.{name}.{names[name]}"
    names |= {name.removesuffix("_v"): name for name in module._parameters if name.endswith("_v")}
    found = {name: state.get(f"{start}{place}") for name, place in names.items()}
    return {name: tuple(tensor.shape) for name, tensor in found.items() if tensor is not None}


_UNDER = ("original1", "original")
"""Where a parametrization keeps what has the shape of the weight."""


def _like(old: Tensor, shape: tuple[int, ...]) -> Tensor:
    new = torch.empty(shape, dtype=old.dtype, device=old.device)
    return nn.Parameter(new, old.requires_grad) if isinstance(old, nn.Parameter) else new


def _check_shared(expected: Mapping[str, Any], state: Mapping[str, Tensor]) -> None:
    """Two names of one parameter must have one value."""
    first: dict[int, str] = {}
    for name, value in expected.items():
        other = first.setdefault(id(value), name)
        if other != name and isinstance(value, Tensor) and not torch.equal(state[other], state[name]):
            raise ValueError(f"{other} and {name} are one tensor in the model, but differ in the state")


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
