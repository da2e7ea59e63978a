"""Mutual information of a unit's output with the input of its layer, as the authors' code has it for eq. 7."""

from benchmark.evidence.information import noisy_entropy
from benchmark.task import Card

NOISE = 0.1
"""Standard deviation of the added noise, as a share of the root mean variance of the group's outputs."""

card = Card(
    title="Information on the input",
    source="P. Esling et al., code of Diet deep generative audio models with structured lottery, DAFx-20 "
    "(github.com/acids-ircam/lottery_generative, pruning.py, `information`)",
    licence="MIT",
    notes="The output is a function of the input, so with noise e added to it (as the paper has it) the information is "
    "h(output + e) - h(e), estimated for single places and averaged over at most 8. Their estimate in the space "
    "of the input is at its ceiling.",
)
needs = ("outputs", "noise")


def score(group, evidence):
    """One score a unit: mean over places of I(output + noise; input), in nats, shape (units,)."""
    noise = NOISE * evidence.outputs.double().var(2).mean().sqrt()
    return noisy_entropy(evidence.outputs, evidence.noise, noise).mean(1)
