"""A record recomputed: what it says of itself, of its method, of its nets and of their scores."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from benchmark import plugins, records
from benchmark.budgets import BUDGETS
from benchmark.errors import RecordError, UsageError
from benchmark.methods import Method, method
from benchmark.records import Record
from benchmark.staleness import code_digests
from benchmark.submission.findings import Findings, plain
from benchmark.submission.record_costs import check_costs
from benchmark.submission.record_protocol import check_protocol
from benchmark.submission.record_scores import Again, check_items, check_scores
from benchmark.task import PROFILES

AGAIN = "run it again with --redo all"


@dataclass
class Tally:
    """What was done."""

    records: int = 0
    bad: int = 0
    nets: int = 0
    again: Again = field(default_factory=Again)


@dataclass(frozen=True)
class Opened:
    """A record that could be read."""

    path: Path
    record: Record
    method: Method


def verify(
    paths: Sequence[Path], home: Path | None, sample: int | None, data: bool = True
) -> tuple[list[tuple[Path, Findings]], Tally]:
    """Check records, each at <results>/task/data/profile/method/seed0.json.

    Parameters
    ----------
    home
        Folder of the recordings of data sets that are not rendered.
    sample
        Make data again and score weights again for so many rounds only, drawn over all records by a fixed seed.
    data
        False: make no data again, and so score no weights.
    """
    tally = Tally()
    found = {path: Findings() for path in paths}
    opened: list[Opened] = []
    for path in paths:
        with found[path].guarding(str(path), "restore it, or delete it and run again"):
            opened.append(_opened(path))
    chosen = _drawn(opened, sample) if data else {}
    for one in opened:
        _check(one, chosen.get(one.path, ()), home, found[one.path], tally)
    tally.records, tally.bad = len(paths), sum(bool(of.failures) for of in found.values())
    return list(found.items()), tally


def misplaced(results: Path) -> list[str]:
    """Lines on JSON files below a results folder that lie where no record does."""
    there = set(records.find(results))
    extra = [path for path in sorted(results.rglob("*.json")) if path not in there and path.suffixes == [".json"]]
    return [plain(f"{path}: lies where no record does; <task>/<data>/<profile>/<method>/seed0.json") for path in extra]


def _opened(path: Path) -> Opened:
    """Read a record and find what it is of.

    Raises
    ------
    BenchError
        What is wrong.
    """
    results = path.parents[4] if len(path.parents) > 4 else path.parent
    for file in (path, path.with_suffix(".npz")):
        if file.exists() and not file.is_file():
            raise RecordError(f"{file.name} is no plain file")
        if file.exists() and file.resolve() != results.resolve() / file.relative_to(results):
            raise RecordError(f"{file.name} is reached through a link")
    record = records.read_at(results, path)
    if len(record.rounds) > len(BUDGETS):
        raise RecordError(f"has {len(record.rounds)} rounds, of {len(BUDGETS)}")
    run = record.run
    if run.task not in plugins.tasks():
        raise RecordError(f"there is no task {run.task!r} here; bring it with --plugins DIR")
    if run.profile not in PROFILES:
        raise RecordError(f"there is no profile {run.profile!r}")
    if run.data not in {of.name for of in plugins.task(run.task).datasets}:
        raise RecordError(f"task {run.task!r} has no data set {run.data!r}")
    try:
        found = method(run.method)
    except UsageError as error:
        raise RecordError(f"{error} (a criterion from elsewhere comes with --plugins DIR)") from error
    return Opened(path, record, found)


def _check(one: Opened, rounds: Sequence[int], home: Path | None, found: Findings, tally: Tally) -> None:
    where = str(one.path)
    now = _code(one.method.criterion, one.record.run.task)
    stale = sorted(part for part in {*one.record.code, *now} if one.record.code.get(part) != now.get(part))
    if stale:
        found.remark(f"stale: measured with other code than is here of: {', '.join(stale)}")
    mend = "the code has changed since: `renew` it, or run with --redo stale" if stale else AGAIN
    before = len(found.failures)
    with found.guarding(where, mend):
        check_protocol(one.path, one.record, one.method, mend, found)
    with found.guarding(where, mend):
        tally.nets += check_costs(one.path, one.record, one.method, mend, found)
    if not one.record.rounds:
        return
    with found.guarding(where, mend):
        items = records.read_items(one.path)  # one record's at a time: they may be large
        check_items(one.path, one.record, items, mend, found)
        # What contradicts itself needs no weights to be refused.
        if rounds and len(found.failures) == before:
            check_scores(one.path, one.record, items, rounds, home, mend, found, tally.again)


@lru_cache
def _code(criterion: str | None, task: str) -> Mapping[str, str]:
    """Digests of today's code, which are those of the criterion, however its units are cut."""
    return code_digests(Method("", "", criterion), task)


def _drawn(opened: Sequence[Opened], sample: int | None) -> dict[Path, tuple[int, ...]]:
    every = [(one.path, entry.round) for one in opened for entry in one.record.rounds]
    if sample is not None and sample < len(every):
        every = random.Random(0).sample(every, sample)
    chosen: dict[Path, tuple[int, ...]] = {}
    for path, number in every:
        chosen[path] = (*chosen.get(path, ()), number)
    return chosen
