"""Absolute gain of the norm behind a unit; units without a norm go at random."""

import torch

from benchmark.task import Card

card = Card(
    title="Normalization",
    source="Z. Liu et al., Learning efficient convolutional networks through network slimming, ICCV 2017; "
    "P. Esling et al., Diet deep generative audio models with structured lottery, DAFx-20, section 3.2",
    licence="MIT",
    notes="Of a unit with several norms the gains are added. A group that no norm scales is cut at random, as by the "
    "criterion `random`: equal scores would keep or cut such a group as a whole. No sparsity is trained, as in the "
    "papers on audio, so gains stay near 1.",
)
needs = ("norms", "noise")


def score(group, evidence):
    """One score a unit: sum over norms of |gain|, or uniform in [0, 1) where there is none, shape (units,)."""
    if not evidence.norms:
        return torch.rand(len(group), generator=evidence.noise)
    return sum(evidence.norms)
