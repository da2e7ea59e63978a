"""Proof on a given model that cutting units is the same as zeroing what reads them."""

from __future__ import annotations

import random

from torch import Tensor, nn

from benchmark.trimming.comparison import Comparison, StoppedError
from benchmark.trimming.couple import couple
from benchmark.trimming.coupling import Coupling


def verify(
    model: nn.Module,
    inputs: tuple[Tensor, ...],
    coupling: Coupling | None = None,
    fraction: float = 0.5,
    seed: int = 0,
) -> float:
    """Cut randomly chosen units of every group at once and compare with a model whose readers ignore them.

    One copy of the model keeps its shape and has zeros in all weights that read the chosen units; another is cut. Both
    run in float64 and evaluation mode on the same inputs and random state, with weights disturbed a little, so that a
    last layer that starts from zeros hides nothing. A sound coupling gives less than 1e-12 for
    outputs of about 1. A model whose code computes with a width, such as a division by its square root, shows here as
    a difference. Norms over units are the exception (layer norms, group norms with one group: what is left has another
    mean and variance after a cut): in both copies they only scale and shift.

    Parameters
    ----------
    model
        It is not changed, but must allow `copy.deepcopy`.
    inputs
        What the model is called with.
    coupling
        Of this model; by default `couple(model, inputs)`.
    fraction
        Of each group's units that are cut; one unit always stays.
    seed
        Chooses the units.

    Returns
    -------
    float
        The largest absolute difference of any output element.

    Raises
    ------
    RuntimeError
        The model does not run in float64; the cut model does not run, with the module where it stopped; its outputs
        have other shapes, or are not finite.
    """
    coupling = couple(model, inputs) if coupling is None else coupling
    choose = random.Random(seed)
    keep = {}
    for group in coupling.groups:
        drop = min(round(fraction * len(group)), len(group) - 1)
        keep[group.name] = sorted(choose.sample(range(len(group)), len(group) - drop))
    comparison = Comparison(model, inputs, seed)
    if not comparison.double:
        raise RuntimeError("the model does not run in float64")
    try:
        return comparison.of(coupling, keep)[0]
    except StoppedError as stops:
        module = f"{stops.modules[-1] if stops.modules and stops.modules[-1] else 'the model'} ({stops.kind})"
        raise RuntimeError(
            f"the cut model stops in {module}: {stops.error}. Does its forward, or that of a module around it, have a "
            "width written down as a number? Read it from a tensor, or protect what feeds it"
        ) from stops.error
