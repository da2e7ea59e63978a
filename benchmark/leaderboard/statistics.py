"""Scores with intervals: a paired bootstrap over seeds and over the sources in them.

A draw takes as many seeds as there are, with replacement, and for each of them as many sources as its test set has,
with replacement; its score is the mean over the seeds taken (Davison & Hinkley, Bootstrap Methods and their
Application, 1997, section 3.8: two-stage resampling of nested data). Every net that was scored on the same seeds gets
the same draws, so a difference of two nets is paired draw by draw.

Where every source is of one class, as a recorded note is of one instrument, sources are drawn class by class: a test
set was dealt so, and a draw that misses a class has another score than the one that is asked for, to be low whenever a
net guesses what is not there. Of the n sources of a class n - 1 are drawn, and each counts n / (n - 1) times, which
keeps the variance right where n is small (Rao & Wu, Resampling inference with complex survey data, JASA 83, 1988). A
class of one source stays as it is: the luck of that source is in no interval.

With few seeds these intervals cover the luck of training only roughly; see :func:`Comparison.sign`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from benchmark.errors import RecordError
from benchmark.metrics import Items, Reduction

DRAWS = 2000
SEED = 20200701
MAX_SOURCES = 20_000
EPSILON = 1e-9
"""A bound that misses a tolerance by less misses it by rounding only."""


@dataclass(frozen=True, eq=False)
class Scores:
    """What is known of one score, or of one difference of scores."""

    seeds: np.ndarray
    """(n,): as observed, a number a seed."""
    draws: np.ndarray
    """(DRAWS,): means over seeds, one a draw."""

    def __sub__(self, other: Scores) -> Scores:
        return Scores(self.seeds - other.seeds, self.draws - other.draws)

    def __mul__(self, factor: float) -> Scores:
        return Scores(self.seeds * factor, self.draws * factor)


@dataclass(frozen=True)
class Interval:
    """The mean over seeds with the percentile interval of its draws."""

    value: float
    low: float
    high: float
    seeds: tuple[float, ...]
    """The observed numbers, one a seed. `value` is their mean; of a ratio it is that of the means."""

    @property
    def n(self) -> int:
        """Number of seeds; with one the interval is about sources only."""
        return len(self.seeds)


@dataclass(frozen=True)
class Comparison:
    """One method against another."""

    method: str
    other: str
    interval: Interval
    """95 %."""
    joint: Interval
    """The same, widened for the number of comparisons that are read together (Bonferroni)."""

    @property
    def sign(self) -> int:
        """1: above zero, -1: below, 0: not shown.

        Shown is what both the joint interval and a 95 % t interval over the seeds say. The second is there because
        with three seeds a bootstrap can hardly see that training again would have given other numbers.
        """
        if self.interval.n < 2:
            return 0
        low, high = t_interval(self.interval.seeds)
        if self.joint.low > 0 and low > 0:
            return 1
        return -1 if self.joint.high < 0 and high < 0 else 0


@dataclass(frozen=True)
class Lossless:
    """The smallest net of a sweep that is as good as dense, with every larger one as good too."""

    round: int
    """0: not even the first cut holds."""
    open: bool
    """No net failed: the sweep ended, or its next net is not there for every seed."""


@dataclass(frozen=True)
class Noise:
    """Standard deviation of a score over trainings that differ in luck only."""

    sd: float
    n: int
    """Pairs of trainings."""


def by_source(reduction: Reduction, items: Items, sources: np.ndarray) -> np.ndarray:
    """Column sums of a metric: (items,) arrays -> (number of distinct sources, columns), in rising order of source.

    Raises
    ------
    RecordError
        There are too few sources to resample, or too many to hold.
    """
    distinct, row = np.unique(sources, return_inverse=True)
    if not 2 <= len(distinct) <= MAX_SOURCES:
        raise RecordError(f"the test set has {len(distinct)} sources, and the bootstrap takes from 2 to {MAX_SOURCES}")
    columns = reduction.columns(items)
    sums = np.zeros((len(distinct), columns.shape[1]))
    np.add.at(sums, row, columns)
    return sums


def strata(items: Items, sources: np.ndarray) -> np.ndarray | None:
    """The class of every distinct source, in rising order of source; None unless each has items of one class only.

    Classes are what the items call `truth`; where there is no such array sources have no class.
    """
    if "truth" not in items:
        return None
    distinct, row = np.unique(sources, return_inverse=True)
    truth = np.asarray(items["truth"], np.int64)
    found = np.zeros(len(distinct), np.int64)
    found[row] = truth
    return found if (found[row] == truth).all() else None


def bootstrap(
    reduction: Reduction, sums: Sequence[np.ndarray], classes: Sequence[np.ndarray | None] | None = None
) -> Scores:
    """Scores of a method from the column sums of every seed, each (sources of the seed, columns).

    Parameters
    ----------
    classes
        Of every seed, what :func:`strata` says of its sources; left out: they have none.

    Raises
    ------
    RecordError
        Something to score is in so few sources that a draw may miss it.
    """
    known = [None] * len(sums) if classes is None else classes
    picks, weights = _plan(tuple(len(s) for s in sums), tuple(c if c is None else tuple(c.tolist()) for c in known))
    taken = np.empty(picks.shape)
    for seed, (w, s) in enumerate(zip(weights, sums, strict=True)):
        taken[picks == seed] = reduction.score(w @ s)
    observed = np.array([float(reduction.score(s.sum(0))) for s in sums])
    if not (np.isfinite(taken).all() and np.isfinite(observed).all()):
        bad = int((~np.isfinite(taken)).sum())
        raise RecordError(f"{bad} of {taken.size} bootstrap draws have nothing to score: too few sources count")
    return Scores(observed, taken.mean(1))


def mean(scores: Sequence[Scores]) -> Scores:
    """Mean of several scores of the same seeds, draw by draw."""
    return Scores(
        np.mean([s.seeds for s in scores], axis=0),
        np.mean([s.draws for s in scores], axis=0),
    )


def interval(scores: Scores, level: float = 0.95) -> Interval:
    """Mean and two-sided percentile interval."""
    low, high = np.quantile(scores.draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(scores.seeds.mean()), float(low), float(high), tuple(scores.seeds.tolist()))


def ratio(scores: Scores, base: Scores) -> Interval | None:
    """How many times as large the mean over seeds is as another's of the same seeds, draw by draw.

    None where the other is not above zero in every seed and draw.
    """
    if min(base.seeds.min(), base.draws.min()) <= 0:
        return None
    drawn = interval(Scores(scores.seeds / base.seeds, scores.draws / base.draws))
    return replace(drawn, value=float(scores.seeds.mean() / base.seeds.mean()))


def lower_bound(scores: Scores, level: float = 0.95) -> float:
    """One-sided lower bound."""
    return float(np.quantile(scores.draws, 1 - level))


def difference(method: str, other: str, scores: Scores, family: int = 1) -> Comparison:
    """Compare by the difference of two methods' scores, one of `family` comparisons that are read together."""
    return Comparison(method, other, interval(scores), interval(scores, 1 - 0.05 / family))


def lossless(rounds: Mapping[int, Scores], tolerance: float, higher_is_better: bool) -> Lossless:
    """The last round, counted from 1 without a gap, that is not worse than round 0 by more than the tolerance.

    Judged by the one-sided 95 % bound of the paired difference. A round after a round that fails does not count, nor
    one after a round that is not there.
    """
    sign = 1.0 if higher_is_better else -1.0
    held = 0
    while held + 1 in rounds:
        if lower_bound((rounds[held + 1] - rounds[0]) * sign) < -tolerance - EPSILON:
            return Lossless(held, open=False)
        held += 1
    return Lossless(held, open=True)


def training_noise(pairs: Sequence[tuple[float, float]]) -> Noise | None:
    """Of one training, from scores of the same net trained twice: sqrt(mean(d^2) / 2).

    About zero and not about the mean of the differences, for which of the two came first means nothing.
    """
    if not pairs:
        return None
    return Noise(math.sqrt(sum((a - b) ** 2 for a, b in pairs) / len(pairs) / 2), len(pairs))


def t_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Two-sided t interval of the mean of at least two independent values."""
    from scipy.special import stdtrit

    n = len(values)
    half = float(stdtrit(n - 1, (1 + level) / 2)) * float(np.std(values, ddof=1)) / math.sqrt(n)
    centre = float(np.mean(values))
    return centre - half, centre + half


@lru_cache(maxsize=4)
def _plan(
    sizes: tuple[int, ...], classes: tuple[tuple[int, ...] | None, ...]
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Which seed is where in each draw (DRAWS, n), and source weights of each seed (times taken, sources)."""
    # The legacy generator: its stream is frozen, so the page keeps its bytes under every version of NumPy.
    random = np.random.RandomState(SEED)
    picks = random.randint(len(sizes), size=(DRAWS, len(sizes)), dtype=np.int64)
    weights = []
    for seed, (size, of) in enumerate(zip(sizes, classes, strict=True)):
        times = int((picks == seed).sum())
        if of is None:
            weights.append(_drawn(random, times, size, size))
            continue
        w = np.ones((times, size))
        for number in sorted(set(of)):
            here = np.flatnonzero(np.array(of) == number)
            n = len(here)
            if n > 1:
                w[:, here] = _drawn(random, times, n, n - 1) * (n / (n - 1))
        weights.append(w)
    return picks, tuple(weights)


def _drawn(random: np.random.RandomState, times: int, size: int, count: int) -> np.ndarray:
    """How often each of `size` sources is among `count` drawn with replacement, (times, size)."""
    w = np.zeros((times, size))
    np.add.at(w, (np.arange(times)[:, None], random.randint(size, size=(times, count), dtype=np.int64)), 1)
    return w
