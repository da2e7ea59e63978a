"""Sum of the absolute gradients of the validation loss by the weights that write a unit (Esling et al. 2020, eq. 4)."""

from benchmark.task import Card

card = Card(
    title="Gradient",
    source="P. Esling et al., Diet deep generative audio models with structured lottery, DAFx-20, eq. 4",
    licence="MIT",
    notes="The gradient is that of the loss over all calibration rows together; signs cancel before |.| is taken.",
)
needs = ("gradients",)


def score(group, evidence):
    """One score a unit: sum over its incoming weights of |dL/dw|, shape (units,)."""
    return sum(gradients.abs().sum(1) for gradients in evidence.gradients)
