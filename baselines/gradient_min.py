"""Keeps the units with the smallest gradients, as the authors' code did instead of eq. 4 of Esling et al. 2020."""

from benchmark.task import Card

card = Card(
    title="Gradient, smallest kept",
    source="P. Esling et al., code of Ultra-light deep MIR by trimming lottery tickets, ISMIR 2020 "
    "(github.com/acids-ircam/lottery_mir, pruning.py, `gradient_min`)",
    licence="MIT",
    notes="Sum of 1 / (|dL/dw| + 1e-7): a single weight without gradient outweighs all others of its unit.",
)
needs = ("gradients",)


def score(group, evidence):
    """One score a unit: sum over its incoming weights of 1 / (|dL/dw| + 1e-7), shape (units,)."""
    return sum((1 / (gradients.abs() + 1e-7)).sum(1) for gradients in evidence.gradients)
