"""Units at random: what any criterion has to beat."""

import torch

from benchmark.task import Card

card = Card(
    title="Random units",
    source="D. Blalock et al., What is the state of neural network pruning?, MLSys 2020 (random pruning as a control)",
    licence="MIT",
)
needs = ("noise",)


def score(group, evidence):
    """One score a unit, uniform in [0, 1), shape (units,)."""
    return torch.rand(len(group), generator=evidence.noise)
