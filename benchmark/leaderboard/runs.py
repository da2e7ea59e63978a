"""The results folder as the leaderboard sees it: runs, each with the column sums of its rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmark import records
from benchmark.errors import RecordError
from benchmark.items import Items
from benchmark.leaderboard.statistics import Scores, bootstrap, by_source, strata
from benchmark.metrics import Reduction, reduction
from benchmark.records import Record

UNRANKED = "smoke"
"""The profile that only shows that the code runs."""


class Rules(NamedTuple):
    """What must be equal for two scores to be of one kind."""

    task: int
    protocol: str
    metric: str
    reduction: str
    higher_is_better: bool
    tolerance: float


@dataclass(frozen=True, eq=False)
class Run:
    """A record with what its rounds' test scores are made of."""

    record: Record
    path: Path
    sources: np.ndarray
    """(s,): the distinct sources of the test set, rising."""
    sums: Mapping[int, np.ndarray]
    """Round -> (s, columns)."""
    strata: np.ndarray | None = None
    """(s,): the class of each source, where every source is of one."""

    @property
    def lone_classes(self) -> int:
        """How many classes have a single source, of which no interval knows the luck."""
        return 0 if self.strata is None else int((np.unique(self.strata, return_counts=True)[1] == 1).sum())

    @property
    def digest(self) -> str:
        """Digest of the run's data."""
        return str(self.record.data["digest"])

    def score(self, k: int) -> float:
        """The primary test score of round k."""
        return float(_reduction(self.record).score(self.sums[k].sum(0)))


class Bench:
    """All runs of one (task, data, profile) under the same rules."""

    def __init__(self, runs: list[Run]) -> None:
        self.methods: dict[str, dict[int, Run]] = {}
        for run in sorted(runs, key=lambda r: (r.record.run.method, r.record.run.seed)):
            self.methods.setdefault(run.record.run.method, {})[run.record.run.seed] = run
        self._reduction = _reduction(runs[0].record)
        self._scores: dict[tuple[str, int, tuple[int, ...]], Scores | None] = {}

    def seeds(self, method: str) -> tuple[int, ...]:
        """Seeds that the method has a record of."""
        return tuple(self.methods.get(method, ()))

    def rounds(self, method: str) -> tuple[int, ...]:
        """Rounds that the method has for at least one seed."""
        return tuple(sorted({k for run in self.methods.get(method, {}).values() for k in run.sums}))

    def scores(self, method: str, k: int, seeds: tuple[int, ...] | None = None) -> Scores | None:
        """Of round k on these seeds (default: all that the method has); None where one of them lacks it.

        Raises
        ------
        RecordError
            The test sets cannot be resampled.
        """
        runs = self.methods.get(method, {})
        seeds = self.seeds(method) if seeds is None else seeds
        key = (method, k, seeds)
        if key not in self._scores:
            whole = bool(seeds) and all(seed in runs and k in runs[seed].sums for seed in seeds)
            try:
                self._scores[key] = self._drawn([runs[s] for s in seeds], k) if whole else None
            except RecordError as error:
                raise RecordError(f"{runs[seeds[0]].path}: round {k}: {error}") from error
        return self._scores[key]

    def _drawn(self, runs: Sequence[Run], k: int) -> Scores:
        return bootstrap(self._reduction, [run.sums[k] for run in runs], [run.strata for run in runs])

    def differences(self, method: str, other: str, rounds: tuple[int, ...]) -> list[Scores] | None:
        """`method` - `other` on the seeds of `method`, round by round; None unless every pair is there.

        Scores of different data are no pair.

        Raises
        ------
        RecordError
            Two records claim the same data and differ in its sources.
        """
        seeds = self.seeds(method)
        if not rounds or not self.same_data(method, other):
            return None
        pairs = [(self.scores(method, k), self.scores(other, k, seeds)) for k in rounds]
        found = [a - b for a, b in pairs if a is not None and b is not None]
        return found if len(found) == len(pairs) else None

    def same_data(self, method: str, other: str) -> bool:
        """Whether every seed of `method` was scored on what that seed of `other` was."""
        return all(self._same_data(method, other, seed) for seed in self.seeds(method))

    def pairs(self, method: str, other: str) -> list[tuple[float, float]]:
        """Scores of both methods for every (seed, round) that both have."""
        mine, theirs = self.methods.get(method, {}), self.methods.get(other, {})
        seeds = [seed for seed in mine if self._same_data(method, other, seed)]
        return [(mine[s].score(k), theirs[s].score(k)) for s in seeds for k in mine[s].sums if k in theirs[s].sums]

    def _same_data(self, method: str, other: str, seed: int) -> bool:
        mine, theirs = self.methods.get(method, {}).get(seed), self.methods.get(other, {}).get(seed)
        if mine is None or theirs is None or mine.digest != theirs.digest:
            return False
        if mine.sums and theirs.sums and not np.array_equal(mine.sources, theirs.sources):
            raise RecordError(f"{mine.path}: has the data digest of {theirs.path}, but other sources; run both again")
        return True


def load(
    results: Path, only: str | None = None, complete: Callable[[Record], Record] = lambda record: record
) -> tuple[dict[tuple[str, str, str, Rules], Bench], int]:
    """Read everything below `results` that counts, or what is below `only` (`chords`, `chords/rendered/quick`).

    Parameters
    ----------
    complete
        Adds to a record what it lacks.

    Returns
    -------
    benches
        By (task, data, profile, rules), sorted.
    unranked
        How many records of the smoke profile were left aside; none if `only` names that profile.

    Raises
    ------
    RecordError
        A record is damaged, or its scores are not those of its items.
    UsageError
        There is no such folder.
    """
    records.require_folder(results)
    wanted = only.strip("/").split("/") if only else []
    runs: dict[tuple[str, str, str, Rules], list[Run]] = {}
    unranked = 0
    for path in records.find(results):
        if list(path.relative_to(results).parts[: len(wanted)]) != wanted:
            continue
        record = records.read_at(results, path)
        if record.run.profile == UNRANKED and UNRANKED not in wanted[2:3]:
            unranked += 1
            continue
        key = (record.run.task, record.run.data, record.run.profile, _rules(record))
        runs.setdefault(key, []).append(_run(complete(record), path))
    return {key: Bench(runs[key]) for key in sorted(runs)}, unranked


def _run(record: Record, path: Path) -> Run:
    if not record.rounds:
        return Run(record, path, np.empty(0), {})
    items = records.read_items(path)
    sums = {}
    classes = None
    for row, r in enumerate(record.rounds):
        try:
            taken = _of(items, record, row, len(record.rounds))
            sums[r.round] = by_source(_reduction(record), taken, items.sources)
            classes = strata(taken, items.sources)
        except RecordError as error:
            raise RecordError(f"{path}: round {r.round}: {error}") from error
        said, counted = r.test[record.primary], float(_reduction(record).score(sums[r.round].sum(0)))
        # Records keep six digits, and items may be in single precision.
        if not abs(said - counted) <= 1e-5 * max(1.0, abs(said)):
            raise RecordError(
                f"{path}: round {r.round} says {record.primary} = {said:.6g}, its items give {counted:.6g}; "
                "delete the record and run again"
            )
    return Run(record, path, np.unique(items.sources), sums, classes)


def _of(items: Items, record: Record, row: int, rounds: int) -> dict[str, np.ndarray]:
    arrays = items.arrays.get(record.primary, {})
    for name in _reduction(record).arrays:
        # More rows than rounds are what a run leaves that was killed between the two files.
        if name not in arrays or 1 < len(arrays[name]) < rounds:
            raise RecordError(f"the side file has no array {record.primary}/{name} with a row for every round")
    return items.of(record.primary, row)


def _reduction(record: Record) -> Reduction:
    return reduction(record.task["metrics"][0]["reduction"])


def _rules(record: Record) -> Rules:
    metric = record.task["metrics"][0]
    return Rules(
        task=int(record.task["version"]),
        protocol=str(record.protocol["version"]),
        metric=record.primary,
        reduction=str(metric["reduction"]),
        higher_is_better=metric["higher_is_better"],
        tolerance=float(record.task["tolerance"]),
    )
