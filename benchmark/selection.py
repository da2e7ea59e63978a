"""Which units stay: from scores of units to a model that holds a budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from benchmark.budgets import MINIMUM_UNITS
from benchmark.criterion import Criterion, Evidence
from benchmark.errors import CriterionError
from benchmark.trimming import Coupling, Group

Keep = dict[str, list[int]]
"""Group name -> units that stay, ascending, numbered as in the dense model."""

Size = Callable[[Mapping[str, int]], int]
"""What a budget counts, of a model of these widths: `Coupling.parameters`, or :func:`count_units`."""

Cut = Callable[[Coupling, Keep, Mapping[str, Tensor], int, Size], Keep]
"""(dense, keep, scores, budget, size) -> the units that stay."""

Scale = Callable[[Coupling, Group, Tensor], Tensor]
"""What the scores (units,) of a group are divided by before units of different groups are compared."""


def minimum_widths(coupling: Coupling) -> dict[str, int]:
    """The narrowest that any method may make each group."""
    return {group: min(units, MINIMUM_UNITS) for group, units in coupling.widths.items()}


def floor(coupling: Coupling) -> int:
    """Parameters of the smallest model that can be reached: every group at its minimum, protected layers whole."""
    return coupling.parameters(minimum_widths(coupling))


def count_units(widths: Mapping[str, int]) -> int:
    """How many units a model has."""
    return sum(widths.values())


def by_mean(coupling: Coupling, group: Group, scores: Tensor) -> Tensor:
    """The mean absolute score: the standard, since without it a layer's fan-in decides."""
    return scores.abs().mean().clamp_min(torch.finfo(torch.float64).tiny)


def by_maximum(coupling: Coupling, group: Group, scores: Tensor) -> Tensor:
    """The largest absolute score, which one outlier moves (Esling et al., DAFx-20, section 3.3)."""
    return scores.abs().max().clamp_min(torch.finfo(torch.float64).tiny)


def by_dimension(coupling: Coupling, group: Group, scores: Tensor) -> Tensor:
    """How many weights write a unit (ibid., "dimensionality"; their code divides by the number of units)."""
    writing = [axis for axis in group.axes if axis.writes]
    shapes = ((coupling.shapes[axis.tensor], axis) for axis in writing)
    return torch.tensor(
        float(sum(len(axis.positions[0]) * math.prod(shape) // shape[axis.dim] for shape, axis in shapes))
    )


def by_nothing(coupling: Coupling, group: Group, scores: Tensor) -> Tensor:
    """One: for criteria whose scores are on one scale in all groups."""
    return torch.tensor(1.0)


def score_units(coupling: Coupling, evidence: Mapping[str, Evidence], criterion: Criterion) -> dict[str, Tensor]:
    """Score every unit of a (trimmed) model: group name -> (units,) float64, as the criterion gives them.

    Raises
    ------
    CriterionError
        The scores are unusable.
    """
    return {group.name: criterion(group, evidence[group.name]) for group in coupling.groups}


def require_ranking(scores: Mapping[str, Tensor], criterion: Criterion) -> None:
    """Refuse scores that are the same within every group.

    Raises
    ------
    CriterionError
        They rank nothing.
    """
    if all(bool((of_group == of_group[0]).all()) for of_group in scores.values()):
        raise CriterionError(f"criterion {criterion.name!r} gave every unit of a group the same score, in every group")


def comparable(coupling: Coupling, scores: Mapping[str, Tensor], scale: Scale, seed: int) -> dict[str, Tensor]:
    """Scores divided by what makes units of all groups comparable, equal ones in an order that the seed draws."""
    ties = torch.Generator().manual_seed(seed)
    found: dict[str, Tensor] = {}
    for group in coupling.groups:
        raw = scores[group.name]
        divisor = scale(coupling, group, raw)
        # Far below any true difference of float32 scores, so it orders equal scores only.
        least = 1e-12 * (by_mean(coupling, group, raw) / divisor)
        found[group.name] = raw / divisor + least * torch.rand(len(group), generator=ties, dtype=torch.float64)
    return found


def cut_anywhere(dense: Coupling, keep: Keep, scores: Mapping[str, Tensor], budget: int, size: Size) -> Keep:
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
        At most, in what `size` counts. Not reached where minimum widths bind.
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
        if size(widths) <= budget:
            break
        if widths[name] > minimum[name]:
            widths[name] -= 1
            dropped.append((name, unit))
    gone = set(dropped)
    for name, unit in reversed(dropped):
        widths[name] += 1
        if size(widths) <= budget:
            gone.remove((name, unit))
        else:
            widths[name] -= 1
    return {name: [unit for unit in units if (name, unit) not in gone] for name, units in keep.items()}


def cut_alike(dense: Coupling, keep: Keep, scores: Mapping[str, Tensor], budget: int, size: Size) -> Keep:
    """Keep the same share of every group's units, the best of each: the papers' local scope. As `cut_anywhere`."""
    widths = _shrunk({name: len(units) for name, units in keep.items()}, minimum_widths(dense), budget, size)
    best = {name: set(scores[name].topk(width).indices.tolist()) for name, width in widths.items()}
    return {name: [unit for i, unit in enumerate(units) if i in best[name]] for name, units in keep.items()}


def uniform_widths(dense: Coupling, budget: int) -> dict[str, int]:
    """The widest model within the budget whose groups all keep the same fraction of units, minimum widths kept."""
    return _shrunk(dense.widths, minimum_widths(dense), budget, dense.parameters)


def _shrunk(widths: Mapping[str, int], minimum: Mapping[str, int], budget: int, size: Size) -> dict[str, int]:
    def scaled(fraction: float) -> dict[str, int]:
        return {name: max(minimum[name], round(fraction * units)) for name, units in widths.items()}

    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if size(scaled(middle)) <= budget else (low, middle)
    return scaled(low)
