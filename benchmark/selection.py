"""Which units stay: from scores of units to a model that holds a parameter budget."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from benchmark.budgets import MINIMUM_UNITS
from benchmark.criterion import Criterion, Evidence
from benchmark.errors import CriterionError
from benchmark.trimming import Coupling

Keep = dict[str, list[int]]
"""Group name -> units that stay, ascending, numbered as in the dense model."""


def minimum_widths(coupling: Coupling) -> dict[str, int]:
    """The narrowest that any method may make each group."""
    return {group: min(units, MINIMUM_UNITS) for group, units in coupling.widths.items()}


def floor(coupling: Coupling) -> int:
    """Parameters of the smallest model that can be reached: every group at its minimum, protected layers whole."""
    return coupling.parameters(minimum_widths(coupling))


def score_units(coupling: Coupling, state: Mapping[str, Tensor], criterion: Criterion, seed: int) -> dict[str, Tensor]:
    """Score every unit of a (trimmed) model, group by group, scaled by the group's mean absolute score.

    Scaling makes scores of different groups comparable for the one global ranking; without it a layer's fan-in decides
    (Esling et al., DAFx-20, section 3.3 divides by the layer's maximum instead, which one outlier moves).

    Parameters
    ----------
    coupling
        The coupling of the model that `state` belongs to.
    seed
        For the criterion's noise and for breaking ties.

    Returns
    -------
    dict
        Group name -> (units,) float64.

    Raises
    ------
    CriterionError
        The scores are unusable, or the same within every group, so that they rank nothing.
    """
    noise = torch.Generator().manual_seed(seed)
    ties = torch.Generator().manual_seed(seed + 1)
    scores: dict[str, Tensor] = {}
    ranks = False
    for group in coupling.groups:
        evidence = Evidence(
            weights=group.weights(state) if "weights" in criterion.needs else None,
            noise=noise if "noise" in criterion.needs else None,
        )
        raw = criterion(group, evidence)
        ranks |= bool((raw != raw[0]).any())
        scaled = raw / raw.abs().mean().clamp_min(torch.finfo(torch.float64).tiny)
        # Far below any true difference of float32 scores, so it orders equal scores only.
        scores[group.name] = scaled + 1e-12 * torch.rand(len(group), generator=ties, dtype=torch.float64)
    if not ranks:
        raise CriterionError(f"criterion {criterion.name!r} gave every unit of a group the same score, in every group")
    return scores


def cut(dense: Coupling, keep: Keep, scores: Mapping[str, Tensor], budget: int) -> Keep:
    """Drop the lowest-scored units until the model holds the budget; then give back, best first, what still fits.

    Giving back matters where units are coarse: one unit of a convolution can be a sixth of a late budget.

    Parameters
    ----------
    dense
        Coupling of the dense model, in whose numbers `keep` and the result are.
    keep
        The units that the scored model has.
    scores
        Group name -> (units of `keep`,).
    budget
        Parameters, at most. Not reached where minimum widths bind.
    """
    minimum = minimum_widths(dense)
    order = sorted(
        (float(score), name, unit)
        for name, units in keep.items()
        for unit, score in zip(units, scores[name].tolist(), strict=True)
    )
    widths = {name: len(units) for name, units in keep.items()}
    dropped: list[tuple[str, int]] = []
    for _, name, unit in order:
        if dense.parameters(widths) <= budget:
            break
        if widths[name] > minimum[name]:
            widths[name] -= 1
            dropped.append((name, unit))
    gone = set(dropped)
    for name, unit in reversed(dropped):
        widths[name] += 1
        if dense.parameters(widths) <= budget:
            gone.remove((name, unit))
        else:
            widths[name] -= 1
    return {name: [unit for unit in units if (name, unit) not in gone] for name, units in keep.items()}


def uniform_widths(dense: Coupling, budget: int) -> dict[str, int]:
    """The widest model within the budget whose groups all keep the same fraction of units, minimum widths kept."""
    minimum = minimum_widths(dense)

    def scaled(fraction: float) -> dict[str, int]:
        return {name: max(minimum[name], round(fraction * units)) for name, units in dense.widths.items()}

    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if dense.parameters(scaled(middle)) <= budget else (low, middle)
    return scaled(low)
