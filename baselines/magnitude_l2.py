"""Length of the vector of weights that write a unit."""

from benchmark.task import Card

card = Card(
    title="Magnitude (L2)",
    source="H. Li et al., Pruning filters for efficient convnets, ICLR 2017 (section 4.4, compared with L1)",
    licence="MIT",
)
needs = ("weights",)


def score(group, evidence):
    """One score a unit: root of the sum over its incoming weights of w^2, shape (units,)."""
    return sum(weights.square().sum(1) for weights in evidence.weights).sqrt()
