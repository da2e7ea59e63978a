"""Distance of a unit's weights to those of all other units: what lies in the middle can be replaced by others."""

import torch

from benchmark.task import Card

card = Card(
    title="Geometric median (FPGM)",
    source="Y. He et al., Filter pruning via geometric median for deep convolutional neural networks acceleration, "
    "CVPR 2019",
    licence="MIT",
    notes="Of a unit that several layers write, the weights are one vector.",
)
needs = ("weights",)


def score(group, evidence):
    """One score a unit: sum over all other units of the Euclidean distance of their weights, shape (units,)."""
    weights = torch.cat(evidence.weights, 1).double()
    return torch.cdist(weights, weights, compute_mode="donot_use_mm_for_euclid_dist").sum(1)
