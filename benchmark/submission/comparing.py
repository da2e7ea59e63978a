"""Two methods against each other: paired by seed and source, never over what one of them lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark import methods, plugins, records
from benchmark.errors import UsageError, did_you_mean
from benchmark.leaderboard import statistics
from benchmark.leaderboard.runs import UNRANKED, Bench, Rules, load
from benchmark.leaderboard.statistics import Comparison, Interval, Scores

FIRST, SECOND = 1.0, 2.0


@dataclass(frozen=True)
class Cell:
    """One round."""

    round: int
    asked: float
    """The budget as a fraction of the dense parameters."""
    difference: Comparison | None
    """A - B, joint over the rounds of the table; None where a seed is missing."""
    missing: str
    """What is; empty where nothing is."""


@dataclass(frozen=True)
class Table:
    """One (task, data, profile) under one set of rules."""

    place: str
    rules: Rules
    seeds: tuple[int, ...]
    """That either method has."""
    cells: tuple[Cell, ...]
    curve: Comparison | None
    """Mean of all cells, joint over the tables; None where one is missing."""
    note: str = ""
    """Why there is nothing to compare, or what is not compared."""

    @property
    def direction(self) -> int:
        """1 where higher is better, else -1."""
        return 1 if self.rules.higher_is_better else -1


@dataclass(frozen=True)
class Ranks:
    """Who comes first, over all tables that are whole."""

    a: Interval
    """Mean rank: 1 where it comes first on every table, 2 where it comes second."""
    b: Interval
    tables: int


@dataclass(frozen=True)
class Compared:
    """All there is to say of two methods."""

    a: str
    b: str
    tables: tuple[Table, ...]
    ranks: Ranks | None
    """None where no table is whole."""


def compare(results: Path, a: str, b: str, tasks: Sequence[str] | None = None, profile: str | None = None) -> Compared:
    """Compare two methods by the records below a folder.

    Raises
    ------
    UsageError
        There is no such method or task, or no place where either has a record.
    RecordError
        A record is damaged.
    """
    for name in (a, b):
        methods.method(name)
    if a == b:
        raise UsageError(f"{a!r} is compared with itself: name two methods")
    for task in tasks or ():
        if task not in plugins.tasks():
            raise UsageError(f"no task {task!r}: {did_you_mean(task, plugins.tasks())}")
    places = _places(results, tasks, profile)
    benches = [(place, rules, bench) for place, rules, bench in places if a in bench.methods or b in bench.methods]
    if not benches:
        of = f"{', '.join(tasks) if tasks else 'any task'}{f', {profile}' if profile else ''}"
        left = profile is None and any(results.glob(f"*/*/{UNRANKED}"))
        hint = f"; those of {UNRANKED} are compared with --profile {UNRANKED}" if left else ""
        raise UsageError(f"{results} has no record of {a} or {b} on {of}{hint}")
    whole: list[Scores | None] = []
    tables = []
    for place, rules, bench in benches:
        cells, note = _cells(bench, a, b)
        found = [scores for _, scores, _ in cells if scores is not None]
        whole.append(statistics.mean(found) if found and len(found) == len(cells) else None)
        tables.append((place, rules, _seeds(bench, a, b), _judged(bench, a, b, cells), note))
    family = sum(scores is not None for scores in whole)
    curves = [None if scores is None else statistics.difference(a, b, scores, family) for scores in whole]
    made = tuple(Table(*parts[:4], curve, parts[4]) for parts, curve in zip(tables, curves, strict=True))
    signed = [scores * table.direction for scores, table in zip(whole, made, strict=True) if scores is not None]
    return Compared(a, b, made, _ranks(signed))


def _places(results: Path, tasks: Sequence[str] | None, profile: str | None) -> list[tuple[str, Rules, Bench]]:
    records.require_folder(results)
    names = list(tasks) if tasks else sorted(path.name for path in results.iterdir() if path.is_dir())
    found = []
    for task in names:
        # Named whole, a place of the profile that is not ranked is read too.
        below = sorted(p for p in (results / task).glob("*/*") if p.is_dir() and p.name == (profile or p.name))
        for folder in below:
            if profile is None and folder.name == UNRANKED:
                continue
            place = folder.relative_to(results).as_posix()
            found += [(place, key[3], bench) for key, bench in load(results, place)[0].items()]
    return found


def _seeds(bench: Bench, a: str, b: str) -> tuple[int, ...]:
    return tuple(sorted({*bench.seeds(a), *bench.seeds(b)}))


def _cells(bench: Bench, a: str, b: str) -> tuple[list[tuple[int, Scores | None, str]], str]:
    """(round, A - B on every seed, what is missing) of every round to compare, and what is to be known of them."""
    for name, other in ((a, b), (b, a)):
        if name not in bench.methods:
            return [], f"{name} has no record here"
        if not bench.same_data(name, other) and all(seed in bench.seeds(other) for seed in bench.seeds(name)):
            return [], f"not compared: {a} and {b} were measured on other data; run --redo stale"
    seeds = _seeds(bench, a, b)
    mine, theirs = set(bench.rounds(a)), set(bench.rounds(b))
    kinds = {name: methods.method(name).kind for name in (a, b)}
    note = ""
    if "control" in kinds.values():
        # A control has the rounds that it is for; that it has no others is nothing missing.
        rounds = sorted(theirs if kinds[a] != "control" else mine if kinds[b] != "control" else mine | theirs)
        note = f"at the budgets of {b if kinds[b] == 'control' else a}, a control"
    else:
        rounds = sorted((mine | theirs) - {0})
    cells = []
    for k in rounds:
        first, second = bench.scores(a, k, seeds), bench.scores(b, k, seeds)
        lacking = "; ".join(_lacking(bench, name, k, seeds) for name in (a, b) if bench.scores(name, k, seeds) is None)
        cells.append((k, first - second if first is not None and second is not None else None, lacking))
    return cells, note


def _lacking(bench: Bench, name: str, k: int, seeds: Sequence[int]) -> str:
    runs = bench.methods[name]
    gone = [str(seed) for seed in seeds if seed not in runs or k not in runs[seed].sums]
    return f"{name}, seed {', '.join(gone)}"


def _judged(bench: Bench, a: str, b: str, cells: Sequence[tuple[int, Scores | None, str]]) -> tuple[Cell, ...]:
    asked = {
        r.round: r.asked for name in (a, b) for run in bench.methods.get(name, {}).values() for r in run.record.rounds
    }
    family = max(1, sum(scores is not None for _, scores, _ in cells))
    return tuple(
        Cell(k, asked[k], None if scores is None else statistics.difference(a, b, scores, family), missing)
        for k, scores, missing in cells
    )


def _ranks(differences: Sequence[Scores]) -> Ranks | None:
    """Mean rank over tables, draw by draw; each difference is positive where A is better."""
    if not differences:
        return None
    draws, observed = [], []
    for number, scores in enumerate(differences):
        # Tables share the plan of the bootstrap, and their luck is not the same.
        order = np.random.RandomState(number).permutation(len(scores.draws))
        draws.append(_rank(scores.draws[order]))
        observed.append(float(_rank(np.array([scores.seeds.mean()]))[0]))
    mean = np.mean(draws, axis=0)
    first = statistics.interval(Scores(np.array(observed), mean))
    second = statistics.interval(Scores(FIRST + SECOND - np.array(observed), FIRST + SECOND - mean))
    return Ranks(first, second, len(differences))


def _rank(gain: np.ndarray) -> np.ndarray:
    return np.where(gain > 0, FIRST, np.where(gain < 0, SECOND, (FIRST + SECOND) / 2))
