"""What can be said without a net of what prediction leaves: nothing, how often each level is, what follows which."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .data import IGNORED, Notes
from .mulaw import LEVELS, SILENCE

PRIORS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""How many samples after a level the marginal histogram counts for, of which validation chooses."""


def guesses(train: Notes, validation: Notes, test: Notes) -> dict[str, float]:
    """Nats a sample on the test split of each guess, counted on all of the training notes.

    `uniform`; `marginal`, a histogram; `previous`, a histogram for each level before, mixed with the marginal one.
    """
    lead = train.shape.lead * train.shape.hop
    levels = train.asked.long()
    pairs = LEVELS * levels[:, lead - 1 : -1] + levels[:, lead:]
    counts = torch.bincount(pairs.flatten(), minlength=LEVELS**2).view(LEVELS, LEVELS).double()
    marginal = (counts.sum(0) + 1) / (counts.sum() + LEVELS)

    def after(prior: float) -> Tensor:
        return (counts + prior * marginal) / (counts.sum(1, keepdim=True) + prior)

    best = min(PRIORS, key=lambda prior: nats(after(prior), validation))
    return {
        "uniform": math.log(LEVELS),
        "marginal": nats(marginal.expand(LEVELS, -1), test),
        "previous": nats(after(best), test),
    }


def nats(after: Tensor, split: Notes) -> float:
    """Mean nats of the samples that a net is scored on, of probabilities (level before, level)."""
    batch = split.batch(torch.arange(len(split)))
    before = torch.nn.functional.pad(batch.targets[:, :-1].clamp_min(0), (1, 0), value=SILENCE)
    asked = batch.targets != IGNORED
    return -after[before[asked], batch.targets[asked]].log().mean().item()
