"""Squared weights of a unit over those of all units of its group that are as large or larger."""

import torch

from benchmark.task import Card

card = Card(
    title="LAMP, of units",
    source="J. Lee et al., Layer-adaptive sparsity for the magnitude-based pruning, ICLR 2021, eq. 4",
    licence="MIT",
    notes="The paper's formula for single weights of a layer, applied to squared lengths of units of a group. Its "
    "scores are made to be compared across layers as they are, which is the method `lamp-unscaled`.",
)
needs = ("weights",)


def score(group, evidence):
    """One score a unit: |w|^2 over the sum of those not smaller, shape (units,)."""
    squares = sum(weights.double().square().sum(1) for weights in evidence.weights)
    ranked, order = squares.sort()
    not_smaller = ranked.flip(0).cumsum(0).flip(0)
    # A group of dead units has no sum to divide by, and no score.
    return torch.zeros_like(squares).index_copy_(0, order, ranked / not_smaller.clamp_min(1e-300))
