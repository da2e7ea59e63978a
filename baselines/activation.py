"""Mean absolute output of a unit on validation rows (Esling et al. 2020, eq. 5)."""

from benchmark.task import Card

card = Card(
    title="Activation",
    source="P. Esling et al., Diet deep generative audio models with structured lottery, DAFx-20, eq. 5",
    licence="MIT",
    notes="The output is what the layers that read the unit are given, after norm, activation and pooling. "
    "A mean in place of the paper's sum: it ranks the same.",
)
needs = ("activations",)


def score(group, evidence):
    """One score a unit: mean over rows and places of |output|, shape (units,)."""
    return evidence.activations.absolute
