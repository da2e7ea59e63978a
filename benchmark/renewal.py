"""A stale record made current: what today's code gives is compared with it, number for number.

Code changes more often than what it computes. A round that is trained again from the same weights, and gives the same
widths, the same costs and the same score of every test item, was computed the same; training would carry any
difference on to the last digit. A few rounds then stand for the rest, and the record says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmark import composition, methods, records
from benchmark.digest import digest_json
from benchmark.errors import RecordError
from benchmark.items import Items
from benchmark.journal import trained, weights_file, weights_folder
from benchmark.methods import Method
from benchmark.protocol import Last
from benchmark.records import Record, Round
from benchmark.run import Report, measured, points, setting
from benchmark.setting import Setting, built
from benchmark.staleness import code_digests
from benchmark.submission.equality import DIGITS, same
from benchmark.task import Evaluation

SAME = ("asked", "reached", "parameters", "nonzero", "bytes", "macs", "widths", "steps", "best_step", "validation")
"""Of a round, beside its test scores. Clocks differ, and memory may have come later."""


@dataclass(frozen=True)
class Renewal:
    """What came of one record."""

    record: Record
    repeated: tuple[int, ...]
    """Rounds that were done again."""
    differs: str
    """What is not the same; empty where the record was renewed."""


def renew(path: Path, rounds: Sequence[int], home: Path | None, report: Report = lambda event, facts: None) -> Renewal:
    """Do rounds of the stale record at `path` again; where all is the same, the record is current from then on.

    Parameters
    ----------
    rounds
        Those to do again; of those that the record has not, nothing is asked.
    home
        Folder of the recordings, where data are not rendered.

    Raises
    ------
    RecordError
        The record is not complete, or none of the rounds can be done again here.
    """
    results = path.parents[4]
    record, items = records.read_at(results, path), records.read_items(path)
    if record.status != "complete":
        raise RecordError(f"{path}: is {record.status}; run it to its end")
    method = methods.method(record.run.method)
    shared = composition.prepared(method, setting(record.run, home, report))
    if shared.data.digest != record.data["digest"]:
        return Renewal(record, (), "it was measured on other data")
    dense_net = built(shared, shared.dense.state)
    done: list[int] = []
    for number, before in _begun(record, method, rounds):
        others = {entry.round for entry in record.rounds} - {number}
        point = next(points(record.run, shared, others, before, results, report))
        entry, evaluation = measured(method, shared, point, dense_net)
        row = [r.round for r in record.rounds].index(number)
        if said := _difference(record.rounds[row], entry) or _item(items, row, evaluation):
            return Renewal(record, (*done, number), f"round {number}: {said}")
        done.append(number)
    if not done:
        raise RecordError(f"{path}: the weights before rounds {', '.join(map(str, rounds))} are not here; run it again")
    return Renewal(_renewed(path, record, method, shared, done), tuple(done), "")


def representative(record: Record) -> tuple[int, ...]:
    """Rounds that stand for the rest: of a sweep dense and one by lot that can be begun, of a control its first.

    Round 1 begins with the dense net, so that it always can.
    """
    there = [entry.round for entry in record.rounds]
    if 0 not in there or len(there) == 1:
        return tuple(there[:1])
    begun = [k for k in there if k == 1 or (k > 1 and weights_file(record, k - 1).is_file())]
    return 0, begun[int(digest_json(str(record.run)), 16) % len(begun)]


def _begun(record: Record, method: Method, rounds: Sequence[int]) -> list[tuple[int, Last | None]]:
    """Rounds that can be done again, each with the net that it begins with."""
    there = [entry.round for entry in record.rounds]
    wanted = [k for k in rounds if k in there]
    if method.kind == "control":
        return [(k, None) for k in wanted]
    return [
        (k, trained(record, k - 1) if k > 1 else None) for k in wanted if k < 2 or weights_file(record, k - 1).is_file()
    ]


def _difference(said: Round, got: Round) -> str:
    old, new = asdict(said), asdict(got)
    for name in SAME:
        if not same(old[name], new[name]):
            return f"{name} was {old[name]}, is {new[name]}"
    # A metric that was added since says nothing of the others.
    scores = [(name, score, new["test"].get(name)) for name, score in old["test"].items()]
    return next((f"{name} was {one:.6g}, is {other}" for name, one, other in scores if not same(one, other)), "")


def _item(items: Items, row: int, evaluation: Evaluation) -> str:
    for metric in items.arrays:
        for name, values in items.of(metric, row).items():
            got = np.asarray(evaluation.items.get(metric, {}).get(name))
            if got.shape != values.shape or not np.allclose(got, values, rtol=DIGITS, atol=0):
                return f"items {metric}/{name} are not the same"
    return ""


def _renewed(path: Path, record: Record, method: Method, shared: Setting, done: Sequence[int]) -> Record:
    now = replace(
        record,
        code=code_digests(method, record.run.task),
        renewals=(*record.renewals, {"rounds": list(done), "code": dict(record.code)}),
    )
    old, new = weights_folder(record), weights_folder(now)
    if old != new and old.is_dir() and not new.exists():
        # The weights first: a record whose weights are gone can be renewed no more.
        old.rename(new)
    records.amend(path, now)
    return now
