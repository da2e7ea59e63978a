"""Scores computed again: from the items of a record, and from its weights on data made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
import torch

from benchmark import plugins
from benchmark.environment import environment
from benchmark.errors import DataError, RecordError
from benchmark.hardware.tickets import beside, ticket
from benchmark.items import Items
from benchmark.journal import weights_file
from benchmark.measure import nonzero
from benchmark.metrics import reduction
from benchmark.records import Record
from benchmark.submission.equality import DIGITS, close
from benchmark.submission.findings import Findings
from benchmark.task import Data, Profile, Task
from benchmark.training import evaluate, predict, test

OF_DATA = ("whole", "truth", "truths", "label")
"""Arrays that reductions take of the data, unless a task lets them depend on what a net says."""
SAME_MACHINE = DIGITS
"""By how much a score may differ where processor and torch are those of the record: by its digits."""
OTHER_MACHINE = 0.001
"""And elsewhere, where sums are taken in another order, so that a near tie may be decided otherwise; or by one item."""
MOST_WEIGHTS = 16
"""Bytes of a file of weights, in bytes of the dense net; a larger one is not read."""


@dataclass
class Again:
    """What was computed again."""

    data: set[str] = field(default_factory=set)
    scored: int = 0
    without: int = 0
    """Rounds whose weights are not at hand."""


def check_items(path: Path, record: Record, items: Items, mend: str, found: Findings) -> None:
    """Whether items reduce to every score that is stated."""
    where = str(path.with_suffix(".npz"))
    metrics = {str(metric["id"]): str(metric["reduction"]) for metric in record.task["metrics"]}
    for name in sorted(set(items.arrays) - set(metrics)):
        found.fail(where, f"has items of {name!r}, which is no metric of the record", mend)
    count = len(np.unique(items.sources))
    found.require(count >= 2, where, f"the test set has {count} sources, and the bootstrap takes two or more", mend)
    for name, reduced_by in metrics.items():
        reduce, arrays = reduction(reduced_by), items.arrays.get(name, {})
        short = [part for part in reduce.arrays if len(arrays.get(part, ())) not in (1, *_rows(record))]
        if short:
            found.fail(where, f"has no array {name}/{short[0]} with a row for every round", mend)
            continue
        for row, entry in enumerate(record.rounds):
            said, counted = entry.test.get(name), reduce(items.of(name, row))
            if said is None or not close(said, counted):
                what = f"round {entry.round} says {name} = {said}, its items give {counted:.6g}"
                found.fail(str(path), what, mend)


def check_scores(
    path: Path,
    record: Record,
    items: Items,
    rounds: Sequence[int],
    home: Path | None,
    mend: str,
    found: Findings,
    again: Again,
) -> None:
    """Make the data again, and score the weights of these rounds on them, where they are at hand."""
    run, where = record.run, str(path)
    task = plugins.task(run.task).on(run.data)
    needs_home = next(of.needs_home for of in task.datasets if of.name == run.data)
    if needs_home and home is None:
        found.remark(f"{run.task}/{run.data}: data not made again, they are recordings; say where with --data-home DIR")
        return
    try:
        data = _data(run.task, run.data, run.profile, run.seed, home)
    except DataError as error:
        found.remark(f"{run.task}/{run.data}: data not made again: {error}")
        return
    again.data.add(f"{run.task}/{run.data}/{run.profile}/seed{run.seed}")
    if data.digest != record.data["digest"]:
        found.fail(where, f"measured on other data ({record.data['digest'][:12]}) than the task makes", mend)
        return
    if not np.array_equal(items.sources, data.test.sources):
        found.fail(where, "its items are not of the sources of the test set", mend)
        return
    truth = _truth(run.task, run.data, run.profile, run.seed, home)
    for name, wanted in truth.items():
        metric, _, part = name.rpartition("/")
        stated = items.arrays.get(metric, {}).get(part)
        if stated is None or stated.shape[1:] != wanted.shape or bool((stated != wanted).any()):
            found.fail(where, f"its items {name} are not those of the test set", mend)
            return
    elsewhere = max(OTHER_MACHINE, 1 / len(items.sources))
    tolerance, who = (SAME_MACHINE, "this") if _same_machine(record) else (elsewhere, "another")
    for number in rounds:
        if not any(place.is_file() for place in (beside(path, number), weights_file(record, number))):
            again.without += 1
            continue
        with found.guarding(where, mend):
            _score(path, record, number, task, data, tolerance, who, mend, found)
            again.scored += 1


def _score(
    path: Path,
    record: Record,
    number: int,
    task: Task,
    data: Data,
    tolerance: float,
    who: str,
    mend: str,
    found: Findings,
) -> None:
    where = f"{path}, round {number}"
    place = next(place for place in (beside(path, number), weights_file(record, number)) if place.is_file())
    entry = next(r for r in record.rounds if r.round == number)
    allowed = MOST_WEIGHTS * 4 * int(record.protocol["dense_parameters"]) + 1_000_000
    if place.stat().st_size > allowed:
        found.fail(str(place), f"larger than {allowed} bytes", "keep the weights that the run wrote, or none")
        return
    net = ticket(path, record, number).model
    if nonzero(net) != entry.nonzero:
        found.fail(where, f"{nonzero(net)} non-zeros in its weights, {entry.nonzero} in the record", mend)
    for side, stated, score, split in (
        ("test", entry.test, test, data.test),
        ("validation", entry.validation, evaluate, data.validation),
    ):
        scores = score(task, net, split).scores
        for name, said in stated.items():
            got = scores.get(name, float("nan"))
            if not close(said, got, tolerance):
                what = f"{side} {name} is {said:.6g}, its weights give {got:.6g}"
                found.fail(where, f"{what} (allowed {tolerance:g}, measured on {who} machine)", mend)


def _rows(record: Record) -> range:
    # More rows than rounds are what a run leaves that was killed between the two files.
    return range(len(record.rounds), len(record.rounds) + 2)


def _same_machine(record: Record) -> bool:
    said, here = record.environment, environment()
    packages = said.get("packages")
    ours = here["packages"]
    if not isinstance(packages, dict) or not isinstance(ours, dict):
        return False
    same = packages.get("torch") == ours["torch"] and said.get("gpus") == here["gpus"]
    return same and all(said.get(name) == here[name] for name in ("cpu", "machine", "threads"))


@lru_cache(maxsize=4)
def _truth(task: str, name: str, profile: str, seed: int, home: Path | None) -> dict[str, np.ndarray]:
    """What of the items is the same whatever a net says: truths, durations, by metric/array."""
    of, split = plugins.task(task).on(name), _data(task, name, profile, seed, home).test
    said = predict(of.model(cast(Profile, profile)), split)
    luck = torch.rand(said.shape, generator=torch.Generator().manual_seed(0)).to(said.dtype)
    several = [of.evaluate(outputs, split).items for outputs in (said, luck, 1 - luck)]
    return {
        f"{metric}/{part}": np.asarray(values)
        for metric, arrays in several[0].items()
        for part, values in arrays.items()
        if part in OF_DATA and all(np.array_equal(values, other[metric][part]) for other in several)
    }


@lru_cache(maxsize=4)
def _data(task: str, name: str, profile: str, seed: int, home: Path | None) -> Data:
    if profile not in ("smoke", "quick", "full"):
        raise RecordError(f"there is no profile {profile!r}")
    return plugins.task(task).on(name).data(name, home, cast(Profile, profile), seed)
