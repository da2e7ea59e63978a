"""Sum of the absolute weights that write a unit (Esling et al. 2020, eq. 3)."""

from benchmark.task import Card

card = Card(
    title="Magnitude (L1)",
    source="P. Esling et al., Diet deep generative audio models with structured lottery, DAFx-20, eq. 3",
    licence="MIT",
    notes="All tensors that write the unit count: the gates, layers and directions of a recurrent unit are one unit.",
)
needs = ("weights",)


def score(group, evidence):
    """One score a unit: sum over its incoming weights of |w|, shape (units,)."""
    return sum(weights.abs().sum(1) for weights in evidence.weights)
