"""What cutting a unit does to the loss, to first order: mean over rows of |output x gradient|."""

from benchmark.task import Card

card = Card(
    title="Taylor",
    source="P. Molchanov et al., Pruning convolutional neural networks for resource efficient inference, ICLR 2017",
    licence="MIT",
    notes="Output times gradient is summed over all places where the unit is read, which is the derivative by a gate "
    "on the unit. The paper scales by the L2 norm of a layer's scores; here the harness scales by their mean.",
)
needs = ("taylor",)


def score(group, evidence):
    """One score a unit: mean over rows of |sum over places of output x gradient|, shape (units,)."""
    return evidence.taylor.abs().mean(1)
