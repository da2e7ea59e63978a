"""What the papers claim, each measured on every table that has what it takes.

The claims are data, in `claims.toml`. A measure is a function of one bench that gives the difference which the claim is
about, positive where the claim is right; the rules of the verdict are the same for all.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmark.errors import UsageError, did_you_mean
from benchmark.leaderboard import statistics
from benchmark.leaderboard.runs import Bench, Rules
from benchmark.leaderboard.statistics import Interval, Scores, interval

Verdict = Literal["held", "contradicted", "cannot be told"]
SLACK = 1e-9
"""Budgets are powers, so a share of them is never exact."""


@dataclass(frozen=True)
class Claim:
    """A row of `claims.toml`, where the fields are explained."""

    text: str
    paper: str
    measure: str = ""
    method: str = ""
    over: tuple[str, ...] = ()
    removed: float = 1.0
    start: float = 0.0
    """`from` in the file."""
    to: float = 1.0
    factor: float = 1.0
    within_tolerance: bool = False
    """Not worse by more than the tolerance is enough."""
    less: bool = False
    """The claim is that the method is worse."""
    why: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Methods that a table must have in full."""
        return (self.method, *self.over)


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

    def verdict(self, family: int) -> Verdict:
        """The verdict, as one of so many that are read together."""
        if len(self.shown.seeds) < 2:
            return "cannot be told"
        if self.held or (self.held is None and _side(self.shown, self.margin, family) > 0):
            return "held"
        return "contradicted" if _side(self.against, self.margin, family) < 0 else "cannot be told"

    @property
    def interval(self) -> Interval:
        """Of `shown`."""
        return interval(self.shown)


@dataclass(frozen=True)
class Finding:
    """A claim on one bench, judged."""

    table: int
    """Number of the bench, from 0."""
    measured: Measured
    verdict: Verdict


@dataclass(frozen=True)
class Judged:
    """A claim over all benches."""

    claim: Claim
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """One verdict where all benches agree, else how many have which; `not measured yet` where none has it."""
        if not self.findings:
            return "not measured" if self.claim.why else "not measured yet"
        said = [f.verdict for f in self.findings]
        if len(set(said)) == 1:
            return said[0]
        kinds: tuple[Verdict, ...] = ("held", "contradicted", "cannot be told")
        return ", ".join(f"{kind} in {said.count(kind)}" for kind in kinds if kind in said)


@lru_cache(maxsize=1)
def claims() -> tuple[Claim, ...]:
    """The claims, in the order of the file.

    Raises
    ------
    UsageError
        An entry names a field or a measure that does not exist.
    """
    return read(tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")))


def read(content: Mapping[str, object]) -> tuple[Claim, ...]:
    """Claims from the content of the file. Raises as `claims`."""
    entries = content.get("claim")
    if not isinstance(entries, list):
        raise UsageError("claims.toml has no list [[claim]]")
    found = []
    names = {f.name: f for f in fields(Claim)}
    for entry in entries:
        known: dict[str, Any] = {
            "start" if key == "from" else key: tuple(v) if isinstance(v, list) else v for key, v in entry.items()
        }
        if wrong := sorted(set(known) - set(names)):
            raise UsageError(f"claims.toml: {entry.get('text')!r} has unknown fields: {', '.join(wrong)}")
        claim = Claim(**known)
        if claim.measure and claim.measure not in MEASURES:
            raise UsageError(f"claims.toml: no measure {claim.measure!r}: {did_you_mean(claim.measure, MEASURES)}")
        if not claim.measure and not claim.why:
            raise UsageError(f"claims.toml: {claim.text!r} needs `measure`, or `why` there is none")
        found.append(claim)
    return tuple(found)


def measured(bench: Bench, rules: Rules, whole: Sequence[str]) -> tuple[Measured, ...]:
    """Every claim that a bench can measure, with the methods that are complete on the same data for all its seeds.

    Raises
    ------
    RecordError
        Two records contradict each other.
    """
    found = []
    for claim in claims():
        if claim.measure and all(method in whole for method in claim.needs):
            result = MEASURES[claim.measure](bench, rules, claim)
            found += [result] if result else []
    return tuple(found)


def judged(benches: Sequence[Sequence[Measured]]) -> tuple[Judged, ...]:
    """Every claim over all benches, each what was measured there; the benches of a claim are one family."""
    rows = []
    for claim in claims():
        here = [(table, m) for table, found in enumerate(benches) for m in found if m.claim == claim]
        rows.append(Judged(claim, tuple(Finding(table, m, m.verdict(len(here))) for table, m in here)))
    return tuple(rows)


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
