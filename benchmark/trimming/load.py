"""Loading weights of any width: the tensors decide, the modules follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

Shapes = Mapping[str, tuple[int, ...]]
Fit = tuple[dict[str, Any], Shapes]
"""Attributes of a module, and the shapes that its tensors have when it has these attributes."""


def load(model: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
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

    Returns
    -------
    torch.nn.Module
        The model that was given.

    Raises
    ------
    ValueError
        A name is missing or unknown, a tensor has a shape that its layer cannot have, or two names of one tensor
        have different values. The model is then as it was.
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
        own = {name: f"{prefix}.{name}" if prefix else name for name in (*module._parameters, *module._buffers)}
        shapes = {name: tuple(state[full].shape) for name, full in own.items() if full in expected}
        if any(shape != tuple(expected[own[name]].shape) for name, shape in shapes.items()):
            changes.append((module, _attributes(prefix, module, shapes), shapes))
    renewed: dict[int, Tensor] = {}
    for module, attributes, shapes in changes:
        for name, shape in shapes.items():
            old = getattr(module, name)
            if tuple(old.shape) != shape:
                setattr(module, name, renewed.setdefault(id(old), _like(old, shape)))
        for name, value in attributes.items():
            setattr(module, name, value)
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()
    model.load_state_dict(dict(state))
    return model


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


def _attributes(prefix: str, module: nn.Module, shapes: Shapes) -> dict[str, Any]:
    """The attributes that fit the shapes; ValueError where the module cannot have them."""
    where = f"{prefix or 'the model'} ({type(module).__name__})"
    fit = next((fit for kind, fit in FITS if isinstance(module, kind)), None)
    try:
        if fit is None:
            raise KeyError
        attributes, wanted = fit(module, shapes)
    except (KeyError, IndexError):
        raise ValueError(f"{where}: no rule says how it takes tensors of the shapes {dict(shapes)}") from None
    for name, shape in shapes.items():
        if wanted.get(name, ()) != shape:
            raise ValueError(f"{where}: {name} has shape {shape}, which does not fit its other tensors")
    return attributes


def _conv(module: _ConvNd, shapes: Shapes) -> Fit:
    weight = shapes["weight"]
    channels = [weight[0], weight[1] * module.groups]
    reads, writes = channels if module.transposed else reversed(channels)
    attributes = {"in_channels": reads, "out_channels": writes}
    return attributes, {"weight": (*weight[:2], *module.kernel_size), "bias": (writes,)}


def _linear(module: nn.Linear, shapes: Shapes) -> Fit:
    writes, reads = shapes["weight"][:2]
    return {"in_features": reads, "out_features": writes}, {"weight": (writes, reads), "bias": (writes,)}


def _embedding(module: nn.Embedding, shapes: Shapes) -> Fit:
    words, units = module.num_embeddings, shapes["weight"][1]
    return {"embedding_dim": units}, {"weight": (words, units)}


def _batch_norm(module: _BatchNorm, shapes: Shapes) -> Fit:
    units = next(shape[0] for name, shape in shapes.items() if name != "num_batches_tracked")
    return {"num_features": units}, dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (units,))


def _layer_norm(module: nn.LayerNorm, shapes: Shapes) -> Fit:
    before = module.normalized_shape[:-1]
    shape = (*before, shapes["weight"][-1])
    return {"normalized_shape": shape}, {"weight": shape, "bias": shape}


def _recurrent(module: nn.RNNBase, shapes: Shapes) -> Fit:
    if module.proj_size:
        raise KeyError
    units, reads = shapes["weight_hh_l0"][1], shapes["weight_ih_l0"][1]
    gates = {"LSTM": 4, "GRU": 3}.get(module.mode, 1) * units
    directions = 2 if module.bidirectional else 1
    wanted: dict[str, tuple[int, ...]] = {}
    for layer in range(module.num_layers):
        below = reads if layer == 0 else units * directions
        for end in ("", "_reverse")[:directions]:
            wanted[f"weight_ih_l{layer}{end}"] = (gates, below)
            wanted[f"weight_hh_l{layer}{end}"] = (gates, units)
            wanted[f"bias_ih_l{layer}{end}"] = wanted[f"bias_hh_l{layer}{end}"] = (gates,)
    return {"hidden_size": units, "input_size": reads}, wanted


FITS: tuple[tuple[type[nn.Module], Callable[[Any, Shapes], Fit]], ...] = (
    (_ConvNd, _conv),
    (nn.Linear, _linear),
    (nn.Embedding, _embedding),
    (_BatchNorm, _batch_norm),
    (nn.LayerNorm, _layer_norm),
    (nn.RNNBase, _recurrent),
)


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
