"""Which units stay in the next round: a criterion, how its scores are compared, and how much goes at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from benchmark.budgets import BUDGETS
from benchmark.criterion import Criterion
from benchmark.evidence import gather
from benchmark.selection import (
    Cut,
    Keep,
    Scale,
    by_mean,
    comparable,
    count_units,
    cut_anywhere,
    require_ranking,
    score_units,
)
from benchmark.setting import Net, Setting, built, stream


@dataclass(frozen=True)
class Choice:
    """The units that stay in a round, and the net that they were chosen from."""

    round: int
    keep: Keep
    of: Net


Schedule = Callable[[Setting, "Selection", Net], Choice | None]
"""(setting, selection, trained net of the round before) -> what stays; None where no more can go."""


def geometric(setting: Setting, selection: Selection, net: Net) -> Choice | None:
    """Round after round to 0.7 of the parameters: the standard."""
    return _to_budget(setting, selection, net, net.round + 1, setting.budget)


def half_way(setting: Setting, selection: Selection, net: Net) -> Choice | None:
    """The same, but units go until the root of the budget only; what is left to go is left to others."""

    def budget(k: int) -> int:
        return int(BUDGETS[k] ** 0.5 * setting.parameters)

    return _to_budget(setting, selection, net, net.round + 1, budget)


def one_shot(setting: Setting, selection: Selection, net: Net) -> Choice | None:
    """Every round cuts the dense net, to the budget of the round, by the scores of the dense net."""
    return _to_budget(setting, selection, setting.whole, net.round + 1, setting.budget)


def of_units(share: float) -> Schedule:
    """A schedule that takes this share of all units a round, as the papers did, whatever that is in parameters.

    Where a layer's inputs and outputs both go, about twice the share of its parameters does. A round is numbered by
    the smallest budget in parameters that its net holds, so numbers are left out; and where the net does not get below
    the next budget, as much goes again before it is trained.
    """

    def schedule(setting: Setting, selection: Selection, net: Net) -> Choice | None:
        dense = setting.coupling
        scores = selection.scores(setting, net, net.round + 1)
        left = net.keep
        while True:
            budget = int((1 - share) * count_units(_widths(left)))
            before, left = left, selection.cut(dense, net.keep, scores, budget, count_units)
            k = _smallest_budget(setting, left)
            if k > net.round:
                return Choice(k, left, net)
            if left == before:
                return None

    return schedule


def _to_budget(setting: Setting, selection: Selection, net: Net, k: int, budget: Callable[[int], int]) -> Choice | None:
    if k >= len(BUDGETS) or not setting.reachable(k):
        return None
    scores = selection.scores(setting, net, k)
    keep = selection.cut(setting.coupling, net.keep, scores, budget(k), setting.coupling.parameters)
    return Choice(k, keep, net)


def _widths(keep: Keep) -> dict[str, int]:
    return {name: len(units) for name, units in keep.items()}


def _smallest_budget(setting: Setting, keep: Keep) -> int:
    parameters = setting.coupling.parameters(_widths(keep))
    return max(k for k in range(len(BUDGETS)) if parameters <= setting.budget(k))


@dataclass(frozen=True)
class Selection:
    """What units go, and how many at a time."""

    criterion: Criterion
    scale: Scale = by_mean
    cut: Cut = cut_anywhere
    schedule: Schedule = geometric

    def next(self, setting: Setting, net: Net) -> Choice | None:
        """The round after that of `net`; None where no more can go."""
        return self.schedule(setting, self, net)

    def scores(self, setting: Setting, net: Net, k: int) -> Mapping[str, Tensor]:
        """Scores of the units of a trained net, for the choice of round k."""
        coupling, seed = setting.coupling.trimmed(net.keep), stream(setting.seed, "score", k)
        evidence = gather(
            self.criterion.needs,
            coupling,
            net.state,
            lambda: built(setting, net.state),
            setting.calibration,
            seed,
        )
        scores = score_units(coupling, evidence, self.criterion)
        # Later a net can be dead, so that nothing is to be said of its units.
        if net.round == 0:
            require_ranking(scores, self.criterion)
        return comparable(coupling, scores, self.scale, seed + 1)
