"""Masks: units that a cut would take away, or single weights, held at zero in a net that keeps its shape.

A masked net costs what the whole net costs: dense kernels multiply by zeros as by any other number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

from benchmark.trimming.coupling import Coupling

Masks = dict[str, Tensor]
"""Parameter name -> booleans of its shape, False where it is held at zero. A parameter without a mask is free."""


def unit_mask(coupling: Coupling, keep: Mapping[str, Sequence[int]]) -> Masks:
    """What of each parameter `coupling.plan(keep)` leaves: False in every row, gain, shift or column that it cuts.

    The masked net computes what the cut one does, but for layer norms, which still see the units that are zero.

    Parameters
    ----------
    coupling
        Of the net that is masked.
    keep
        Unit indices, increasing, by group name; a group that is not named is kept whole.

    Raises
    ------
    ValueError
        An unknown group, indices that are none, not increasing or out of range, or a cut through a weight norm, which
        has no value where its direction is zero.
    """
    masks: Masks = {}
    for name, cuts in coupling.plan(keep).cuts.items():
        if name in coupling.gains:
            raise ValueError(f"{name} is divided by its length (weight norm), so its units cannot be held at zero")
        if name in coupling.learnable:
            masks[name] = torch.ones(coupling.shapes[name], dtype=torch.bool)
            for dim, cut in cuts.items():
                gone = sorted(set(range(cut.size)).difference(cut.keep))
                masks[name].index_fill_(dim, torch.tensor(gone), False)
    return masks


def weight_mask(state: Mapping[str, Tensor], learnable: Collection[str], budget: int) -> Masks:
    """The largest weights of the whole net: as many as leave it `budget` parameters that are not zero.

    Weights are the entries of parameters of more than one dim; biases and norms stay, and count. Each tensor keeps at
    least its largest weight. What an earlier mask holds at zero in `state` is smallest, so it stays out.
    (J. Frankle & M. Carbin, The Lottery Ticket Hypothesis, ICLR 2019; one ranking for all layers: J. Frankle et al.,
    Linear Mode Connectivity and the Lottery Ticket Hypothesis, ICML 2020.)

    Parameters
    ----------
    state
        Trained weights.
    learnable
        Names of the parameters, a shared one under one name.

    Raises
    ------
    ValueError
        The budget is below :func:`weight_floor`.
    """
    least = weight_floor(state, learnable)
    if budget < least:
        raise ValueError(f"a budget of {budget} is below {least}: biases, norms and one weight a tensor")
    names = sorted(name for name in learnable if state[name].dim() > 1)
    sizes = [state[name].detach().abs().flatten() for name in names]
    room = budget - least + len(names)
    for size in sizes:
        size[size.argmax()] = torch.inf
    # Stable, so that equal weights are chosen alike everywhere.
    ranked = torch.cat(sizes).argsort(descending=True, stable=True)
    kept = torch.zeros(len(ranked), dtype=torch.bool, device=ranked.device)
    kept[ranked[:room]] = True
    parts = kept.split([len(size) for size in sizes])
    return {name: part.view(state[name].shape) for name, part in zip(names, parts, strict=True)}


def weight_floor(state: Mapping[str, Tensor], learnable: Collection[str]) -> int:
    """The smallest budget of `weight_mask`: all biases and norms, and one weight of every other tensor."""
    return sum(1 if state[name].dim() > 1 else state[name].numel() for name in learnable)


@torch.no_grad()
def hold(model: nn.Module, masks: Masks) -> None:
    """Set to zero, in place, what is masked; to be called before training and after every step."""
    parameters = dict(model.named_parameters())
    for name, mask in masks.items():
        parameters[name].masked_fill_(~mask, 0.0)
