"""Evidence that lies in the model's own tensors: gradients by weights, gains of norms."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from benchmark.trimming import Coupling, Group

NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


def loss_by_weight(
    coupling: Coupling, state: Mapping[str, Tensor], gradients: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Gradients in the form of a state, for `Group.weights` to take apart as it does weights.

    Of a weight with weight norm, w = g v / |v|, the gradient by w is put together from those by g and v:
    dL/dw = (|v| / g) dL/dv + (dL/dg) v / |v|. The first is at right angles to v, the second along it.

    Parameters
    ----------
    state
        Of the model.
    gradients
        By parameter; a parameter that is absent has none, which counts as zero.
    """
    found = {name: gradients.get(name, torch.zeros_like(state[name])) for name in coupling.learnable}
    for name, gain in ((axis.tensor, axis.gain) for group in coupling.groups for axis in group.axes):
        if gain is None or not (name in coupling.learnable and gain.name in coupling.learnable):
            continue
        direction = state[name].detach()
        lengths = gain.lengths(direction)
        size = state[gain.name].detach().reshape(lengths.shape)
        along = gradients.get(gain.name, torch.zeros_like(state[gain.name])).reshape(lengths.shape)
        across = gradients.get(name, torch.zeros_like(direction))
        safe = torch.where(size == 0, torch.ones_like(size), size)
        found[name] = across * lengths / safe + along * direction / lengths
        # `Group.weights` multiplies a direction by its gain over its length: nothing happens to this one.
        found[gain.name] = gain.lengths(found[name]).reshape(state[gain.name].shape)
    return found


def gains(group: Group, modules: Mapping[str, nn.Module]) -> list[Tensor]:
    """Of each norm that scales the group's units the absolute gain of each unit (units,), averaged over positions."""
    found = []
    for axis in group.axes:
        module = modules.get(axis.module)
        if isinstance(module, NORMS) and axis.tensor.rpartition(".")[2] == "weight":
            gain = module.weight.detach().abs().movedim(axis.dim, 0).reshape(module.weight.shape[axis.dim], -1)
            found.append(gain[torch.tensor(axis.positions)].mean((1, 2)).cpu())
    return found
