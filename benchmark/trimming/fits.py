"""What a module must store for tensors of given shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from benchmark.trimming.teaching import taught

Shapes = Mapping[str, tuple[int, ...]]
Fit = tuple[dict[str, Any], Shapes]
"""Attributes of a module, and the shapes that its tensors have when it has these attributes."""


def attributes(prefix: str, module: nn.Module, shapes: Shapes) -> dict[str, Any]:
    """The attributes that fit the shapes. Modules of other kinds than torch's take any shapes.

    Raises
    ------
    ValueError
        The module cannot have tensors of these shapes.
    """
    fit = next((fit for kind, fit in FITS if isinstance(module, kind)), None)
    where = f"{prefix or 'the model'} ({type(module).__name__})"
    layer = taught(module)
    if layer is not None:
        return dict(layer.resize(module, shapes))
    if fit is None:
        return {}
    try:
        values, wanted = fit(module, shapes)
    except (KeyError, IndexError, ZeroDivisionError):
        raise ValueError(f"{where}: no rule says how it takes tensors of the shapes {dict(shapes)}") from None
    for name in wanted.keys() & shapes.keys():
        if wanted[name] != shapes[name]:
            raise ValueError(f"{where}: {name} has shape {shapes[name]}, which does not fit its other tensors")
    return values


def _conv(module: _ConvNd, shapes: Shapes) -> Fit:
    weight, groups = shapes["weight"], module.groups
    own, per_group = weight[0], weight[1]
    if groups > 1 and per_group == module.weight.shape[1]:
        groups = own * groups // module.weight.shape[0]
    channels = (own, per_group * groups)
    reads, writes = channels if module.transposed else reversed(channels)
    values = {"in_channels": reads, "out_channels": writes, "groups": groups}
    return values, {"weight": (*weight[:2], *module.kernel_size), "bias": (writes,)}


def _linear(module: nn.Linear, shapes: Shapes) -> Fit:
    writes, reads = shapes["weight"][:2]
    return {"in_features": reads, "out_features": writes}, {"weight": (writes, reads), "bias": (writes,)}


def _embedding(module: nn.Embedding, shapes: Shapes) -> Fit:
    words, units = module.num_embeddings, shapes["weight"][1]
    return {"embedding_dim": units}, {"weight": (words, units)}


def _channel_norm(module: _NormBase, shapes: Shapes) -> Fit:
    units = next(shape[0] for name, shape in shapes.items() if name != "num_batches_tracked")
    return {"num_features": units}, dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (units,))


def _group_norm(module: nn.GroupNorm, shapes: Shapes) -> Fit:
    (units,) = shapes["weight"]
    groups = 1 if module.num_groups == 1 else units * module.num_groups // module.num_channels
    return {"num_channels": units, "num_groups": groups}, {"weight": (units,), "bias": (units,)}


def _layer_norm(module: nn.LayerNorm, shapes: Shapes) -> Fit:
    shape = shapes["weight"]
    if len(shape) != len(module.normalized_shape):
        raise KeyError
    return {"normalized_shape": shape}, {"weight": shape, "bias": shape}


def _prelu(module: nn.PReLU, shapes: Shapes) -> Fit:
    (units,) = shapes["weight"]
    return {"num_parameters": units}, {"weight": (units,)}


_GATES = {"LSTM": 4, "GRU": 3, "LSTMCell": 4, "GRUCell": 3}


def _recurrent(module: nn.RNNBase, shapes: Shapes) -> Fit:
    if module.proj_size:
        raise KeyError
    units, reads = shapes["weight_hh_l0"][1], shapes["weight_ih_l0"][1]
    gates = _GATES.get(module.mode, 1) * units
    directions = 2 if module.bidirectional else 1
    wanted: dict[str, tuple[int, ...]] = {}
    for layer in range(module.num_layers):
        below = reads if layer == 0 else units * directions
        for end in ("", "_reverse")[:directions]:
            wanted[f"weight_ih_l{layer}{end}"] = (gates, below)
            wanted[f"weight_hh_l{layer}{end}"] = (gates, units)
            wanted[f"bias_ih_l{layer}{end}"] = wanted[f"bias_hh_l{layer}{end}"] = (gates,)
    return {"hidden_size": units, "input_size": reads}, wanted


def _cell(module: nn.RNNCellBase, shapes: Shapes) -> Fit:
    units, reads = shapes["weight_hh"][1], shapes["weight_ih"][1]
    gates = next((n for name, n in _GATES.items() if isinstance(module, getattr(nn, name))), 1) * units
    wanted = {"weight_ih": (gates, reads), "weight_hh": (gates, units), "bias_ih": (gates,), "bias_hh": (gates,)}
    return {"hidden_size": units, "input_size": reads}, wanted


FITS: tuple[tuple[type[nn.Module], Callable[[Any, Shapes], Fit]], ...] = (
    (_ConvNd, _conv),
    (nn.Linear, _linear),
    (nn.Embedding, _embedding),
    (_NormBase, _channel_norm),
    (nn.GroupNorm, _group_norm),
    (nn.LayerNorm, _layer_norm),
    (nn.PReLU, _prelu),
    (nn.RNNBase, _recurrent),
    (nn.RNNCellBase, _cell),
)
