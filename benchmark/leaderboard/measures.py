"""How a claim is measured: each measure gives, of one bench, the difference that the claim is about.

It is turned so that above zero speaks for the claim; the rules of the verdict are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchmark.errors import RecordError
from benchmark.hardware import paper
from benchmark.hardware.footprint import Footprint
from benchmark.leaderboard import statistics
from benchmark.leaderboard.runs import Bench, Rules, Run
from benchmark.leaderboard.statistics import Interval, Scores, interval

if TYPE_CHECKING:
    from benchmark.leaderboard.claims import Claim

Verdict = Literal["held", "contradicted", "cannot be told"]
SLACK = 1e-9
"""Budgets are powers, so a share of them is never exact."""


@dataclass(frozen=True, eq=False)
class Measured:
    """A claim on one bench."""

    claim: Claim
    shown: Scores
    """The difference that the claim is about; above `-margin` it speaks for the claim."""
    against: Scores
    """What speaks against the claim where it is below `-margin`: of budgets, the net that is short of the claimed."""
    margin: float
    sources: tuple[int, ...]
    held: bool | None = None
    """As another rule of the page has it; None: the difference decides."""
    budget: float | None = None
    """What is removed of the net that `shown` is of, where it is one net."""
    impossible: bool = False
    """What is claimed of some net is so of none."""

    def verdict(self, family: int) -> Verdict:
        """The verdict, as one of so many that are read together."""
        if len(self.shown.seeds) < 2:
            return "cannot be told"
        if self.impossible:
            return "contradicted"
        if self.held or (self.held is None and _side(self.shown, self.margin, family) > 0):
            return "held"
        return "contradicted" if _side(self.against, self.margin, family) < 0 else "cannot be told"

    @property
    def interval(self) -> Interval:
        """Of `shown`."""
        return interval(self.shown)


def lossless(bench: Bench, rules: Rules, claim: Claim) -> Measured | None:
    """The first net that has at least the claimed share removed, within the tolerance with all larger ones.

    What speaks against is the last net with less than that removed: a claim is not held to more than it says.
    """
    k = _at_least(bench, claim)
    scores = _rounds(bench, claim.method)
    if k is None or 0 not in scores:
        return None
    sign = _sign(rules)
    depth = statistics.lossless(scores, rules.tolerance, rules.higher_is_better).round
    shown = (scores[k] - scores[0]) * sign if k in scores else None
    short = (scores[k - 1] - scores[0]) * sign if k - 1 in scores else None
    if shown is None or short is None:
        return None
    return _measured(bench, claim, shown, short, rules.tolerance, held=depth >= k, k=k)


def multiplier(bench: Bench, rules: Rules, claim: Claim) -> Measured | None:
    """`factor` times the error of dense, less the error of the first net with the claimed share removed.

    The error of a score is what it lacks of 1; of a metric where lower is better, its value.
    """
    k = _at_least(bench, claim)
    scores = _rounds(bench, claim.method)
    if k is None or k not in scores or k - 1 not in scores or 0 not in scores:
        return None
    one = Scores(np.ones_like(scores[0].seeds), np.ones_like(scores[0].draws))
    errors = {j: one - scores[j] if rules.higher_is_better else scores[j] for j in (0, k - 1, k)}
    if any((error.seeds < 0).any() for error in errors.values()):
        return None
    allowed = errors[0] * claim.factor
    return _measured(bench, claim, allowed - errors[k], allowed - errors[k - 1], 0.0, k=k)


def gain(bench: Bench, rules: Rules, claim: Claim) -> Measured | None:
    """Mean over the smaller nets, up to the claimed share removed, less dense."""
    scores = _rounds(bench, claim.method)
    rounds = [k for k, removed in _removed(bench, claim.method).items() if 0 < removed <= claim.removed + SLACK]
    if not rounds or 0 not in scores or any(k not in scores for k in rounds):
        return None
    difference = (statistics.mean([scores[k] for k in rounds]) - scores[0]) * _sign(rules)
    return _measured(bench, claim, difference, difference)


def chosen(bench: Bench, rules: Rules, claim: Claim) -> Measured | None:
    """The smaller net that is best on validation, less dense, both on test: the best on test would flatter itself."""
    scores = _rounds(bench, claim.method)
    smaller = [k for k in scores if k]
    if 0 not in scores or not smaller:
        return None
    runs = bench.methods[claim.method].values()
    sign = _sign(rules)

    def validation(k: int) -> float:
        entries = [r for run in runs for r in run.record.rounds if r.round == k]
        return sign * float(np.mean([r.validation[rules.metric] for r in entries]))

    best = max(smaller, key=lambda k: (validation(k), k))
    difference = (scores[best] - scores[0]) * sign
    return _measured(bench, claim, difference, difference, k=best)


def embedded(bench: Bench, rules: Rules, claim: Claim) -> Measured | None:
    """The largest trimmed net that the platform holds and runs in time, by the second paper's limits, less dense.

    Nothing is measured where dense itself fits. Where no net does the difference is that of the smallest.
    """
    runs = list(bench.methods[claim.method].values())
    scores = _rounds(bench, claim.method)
    if 0 not in scores or len(scores) < 2 or any(not r.memory for run in runs for r in run.record.rounds):
        return None
    able = [k for k in sorted(scores) if all(_fits(run, k, claim.platform) for run in runs)]
    if 0 in able:
        return None
    k = able[0] if able else max(scores)
    shown = (scores[k] - scores[0]) * _sign(rules)
    held = statistics.lossless(scores, rules.tolerance, rules.higher_is_better).round >= k
    measured = _measured(bench, claim, shown, shown, rules.tolerance, held=held, k=k)
    return measured if able else replace(measured, impossible=True)


def difference(bench: Bench, rules: Rules, claim: Claim) -> Measured | None:
    """Mean over the rounds that all methods have, in the range, of the method less the mean of the others."""
    removed = _removed(bench, claim.method)
    common = set.intersection(*(set(_rounds(bench, method)) for method in claim.needs)) - {0}
    rounds = sorted(k for k in common if claim.start + SLACK < removed[k] <= claim.to + SLACK)
    if not rounds:
        return None
    seeds = bench.seeds(claim.method)
    mine, others = [], []
    for k in rounds:
        found = [bench.scores(method, k, seeds) for method in claim.needs]
        present = [s for s in found if s is not None]
        if len(present) < len(found):
            return None
        mine.append(present[0])
        others.append(statistics.mean(present[1:]))
    shown = (statistics.mean(mine) - statistics.mean(others)) * (_sign(rules) * (-1 if claim.less else 1))
    return _measured(bench, claim, shown, shown, rules.tolerance if claim.within_tolerance else 0.0)


MEASURES: dict[str, Callable[[Bench, Rules, Claim], Measured | None]] = {
    "lossless": lossless,
    "multiplier": multiplier,
    "gain": gain,
    "chosen": chosen,
    "embedded": embedded,
    "difference": difference,
}


def _measured(
    bench: Bench,
    claim: Claim,
    shown: Scores,
    against: Scores,
    margin: float = 0.0,
    *,
    held: bool | None = None,
    k: int | None = None,
) -> Measured:
    sources = tuple(len(run.sources) for run in bench.methods[claim.method].values())
    budget = None if k is None else _removed(bench, claim.method)[k]
    return Measured(claim, shown, against, margin, sources, held, budget)


def _fits(run: Run, k: int, platform: str) -> bool:
    entry = next(r for r in run.record.rounds if r.round == k)
    try:
        fit = paper.judged(paper.platforms()[platform], entry, Footprint.of(entry.memory))
    except RecordError as error:
        raise RecordError(f"{run.path}: round {k}: {error}") from error
    return fit.embeddable and fit.real_time


def _rounds(bench: Bench, method: str) -> dict[int, Scores]:
    """Rounds that every seed has."""
    return {k: s for k in bench.rounds(method) if (s := bench.scores(method, k)) is not None}


def _removed(bench: Bench, method: str) -> dict[int, float]:
    """Round -> the share of the parameters that its budget takes."""
    runs = bench.methods[method].values()
    return {k: removed for run in runs for k, removed in sorted((r.round, 1 - r.asked) for r in run.record.rounds)}


def _at_least(bench: Bench, claim: Claim) -> int | None:
    """The first round with the claimed share removed."""
    able = [k for k, removed in _removed(bench, claim.method).items() if removed >= claim.removed - SLACK]
    return min(able, default=None)


def _sign(rules: Rules) -> float:
    return 1.0 if rules.higher_is_better else -1.0


def _side(scores: Scores, margin: float, family: int) -> int:
    """Which side of `-margin` the difference is shown to be on."""
    return statistics.difference("", "", Scores(scores.seeds + margin, scores.draws + margin), family).sign
