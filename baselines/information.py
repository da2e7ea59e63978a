"""Mutual information of a unit's output with the target (Esling et al. 2020, eq. 7)."""

from benchmark.evidence.information import mutual_information
from benchmark.task import Card

card = Card(
    title="Information on the target",
    source="P. Esling et al., Diet deep generative audio models with structured lottery, DAFx-20, eq. 7",
    licence="MIT",
    notes="Of single places of the output, averaged over at most 8 of them, in nats. Each is one number against one "
    "target, for which estimates are sound; the authors' estimate of whole maps is at its ceiling, log2 of the rows.",
)
needs = ("outputs", "targets")


def score(group, evidence):
    """One score a unit: mean over places of I(output; target), shape (units,)."""
    return mutual_information(evidence.outputs, evidence.targets).mean(1)
