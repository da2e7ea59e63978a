"""Who reads a unit? An answer by experiment, sharing no code and no idea with the engine.

Run the model once and keep what every layer with weights gives. Run it again, every layer now giving what it gave
before, except that noise is added to some units: whatever input feature of whatever layer moves reads these units.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

OUTPUT = "the output"
_LAYERS = (_ConvNd, nn.Linear, nn.RNNBase, nn.Embedding)


def affine_norms(model: nn.Module) -> nn.Module:
    """Every layer norm only scales and shifts: cutting changes mean and variance of the rest, whatever one does."""
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            module.forward = lambda x, module=module: x * module.weight + module.bias  # type: ignore[method-assign]
    return model


def _features(module: nn.Module, tensor: Tensor) -> Tensor:
    """(features, everything else)."""
    return tensor.movedim(1 if isinstance(module, _ConvNd) else -1, 0).flatten(1)


def readers(
    model: nn.Module, inputs: tuple[Tensor, ...], units: Mapping[str, list[int]], tries: int = 10
) -> dict[str, set[int]]:
    """Input features that move when output units of layers do.

    `units`: by name of a layer, its output features. The result has the features of each reading layer, and
    `OUTPUT` where the model's output moves. Several tries, since a rectifier can hide a unit.
    """
    found: dict[str, set[int]] = {}
    for seed in range(tries):
        for name, features in _readers(model, inputs, units, seed).items():
            found.setdefault(name, set()).update(features)
    return found


@torch.no_grad()
def _readers(
    model: nn.Module, inputs: tuple[Tensor, ...], units: Mapping[str, list[int]], seed: int
) -> dict[str, set[int]]:
    model = affine_norms(copy.deepcopy(model).double().eval())
    inputs = tuple(x.double() if x.is_floating_point() else x for x in inputs)
    layers = {name: module for name, module in model.named_modules() if isinstance(module, _LAYERS)}
    calls: dict[str, list[tuple[Tensor, Any]]] = {name: [] for name in layers}

    def run(hook_of: Any) -> list[Tensor]:
        handles = [module.register_forward_hook(hook_of(name)) for name, module in layers.items()]
        torch.manual_seed(1)
        out = model(*inputs)
        for handle in handles:
            handle.remove()
        return list(out) if isinstance(out, tuple) else [out]

    def record(name: str) -> Any:
        return lambda module, args, out: calls[name].append((args[0].clone(), copy.deepcopy(out)))

    noise = torch.Generator().manual_seed(5 + seed)
    moved: dict[str, set[int]] = {}

    def disturbed(tensor: Tensor, dim: int, features: list[int]) -> Tensor:
        tensor = tensor.clone()
        index = torch.tensor([f for f in features if f < tensor.shape[dim]], dtype=torch.int64)
        part = tensor.index_select(dim, index)
        return tensor.index_add_(dim, index, (2 + 3 * seed) * torch.randn(part.shape, generator=noise).to(part))

    def replay(name: str) -> Any:
        def hook(module: nn.Module, args: Any, out: Any) -> Any:
            given, gave = calls[name].pop(0)
            if not isinstance(module, nn.Embedding):
                change = (_features(module, args[0]) - _features(module, given)).abs().amax(1)
                moved.setdefault(name, set()).update((change > 1e-9).nonzero().flatten().tolist())
            if name not in units:
                return gave
            if not isinstance(gave, tuple):
                return disturbed(gave, 1 if isinstance(module, _ConvNd) else gave.dim() - 1, units[name])
            final = gave[1] if isinstance(gave[1], tuple) else (gave[1],)
            final = tuple(disturbed(state, state.dim() - 1, units[name]) for state in final)
            sequence = disturbed(gave[0], gave[0].dim() - 1, units[name])
            return sequence, final if isinstance(gave[1], tuple) else final[0]

        return hook

    before, after = run(record), run(replay)
    if any((a - b).abs().max() > 1e-9 for a, b in zip(before, after, strict=True)):
        moved[OUTPUT] = set()
    return {name: features for name, features in moved.items() if features or name == OUTPUT}


@torch.no_grad()
def ignore(model: nn.Module, features: Mapping[str, set[int]], units: Mapping[str, list[int]]) -> None:
    """Zero the weights of these input features, and what recurrent layers feed back of their own units."""
    for name, some in features.items():
        module, index = model.get_submodule(name), sorted(some)
        if isinstance(module, _ConvTransposeNd):
            module.weight[index] = 0
        elif isinstance(module, _ConvNd | nn.Linear):
            module.weight[:, index] = 0
        else:
            for weight, tensor in module.named_parameters():
                if weight.startswith("weight_ih_l0"):
                    tensor[:, index] = 0
    for name, own in units.items():
        module = model.get_submodule(name)
        if isinstance(module, nn.RNNBase):
            for weight, tensor in module.named_parameters():
                if weight.startswith("weight_hh"):
                    tensor[:, [u for u in own if u < module.hidden_size]] = 0
                elif weight.startswith("weight_ih") and "_l0" not in weight:
                    tensor[:, own] = 0
