"""The one result schema: what a run writes, atomically after every round, and what everything else reads.

A run is one method on one (task, data, profile, seed). Its record is

    results/<task>/<data>/<profile>/<method>/seed<seed>.json      small, sorted, readable
    results/<task>/<data>/<profile>/<method>/seed<seed>.npz       per-item arrays behind the scores

The JSON is the dictionary form of :class:`Record`; the npz is as :mod:`benchmark.items` has it, a row of an array for
every round in the order of `Record.rounds`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import RecordError, UsageError
from benchmark.files import write_whole
from benchmark.items import MAX_BYTES, Items, pack, unpack
from benchmark.methods import CONTROLS, FLOOR_CRITERION, Method, method
from benchmark.metrics import REDUCTIONS

__all__ = [
    "KINDS",
    "MAX_BYTES",
    "Items",
    "Record",
    "Round",
    "RunKey",
    "amend",
    "find",
    "read",
    "read_at",
    "read_items",
    "require_folder",
    "write",
]

SCHEMA = 1

KINDS = ("sweep", "masked", "control")
"""Of runs, in the order in which they are shown."""

MAX_EXAMPLES = 16
EXAMPLE = re.compile(r"seed[0-9]{1,9}/round-[0-9]{2}/[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.flac")
"""A sound that a net made, from the record's folder."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")


@dataclass(frozen=True)
class RunKey:
    """Which run a record is of; it is also where the record lies."""

    task: str
    data: str
    profile: str
    method: str
    """A criterion (`magnitude`), a variant of it (`magnitude-finetune`), or a control (`narrow+`)."""
    seed: int

    def __post_init__(self) -> None:
        for part in (self.task, self.data, self.profile, self.method):
            if not isinstance(part, str) or not NAME.fullmatch(part):
                raise RecordError(f"{part!r} is no name for a task, data set, profile or method")
        if type(self.seed) is not int or self.seed < 0:
            raise RecordError(f"seed {self.seed!r} is no whole number from 0 up")

    def __str__(self) -> str:
        return f"{self.task}/{self.data}/{self.profile}/{self.method}/seed{self.seed}"

    def path(self, results: Path) -> Path:
        """Path of the record's JSON."""
        return results / self.task / self.data / self.profile / self.method / f"seed{self.seed}.json"


@dataclass(frozen=True)
class Round:
    """One point of a sweep: a trained net of one size, its scores and its costs."""

    round: int
    """k of the budget 0.7^k; 0 is the dense net."""
    asked: float
    """The budget as a fraction of the dense parameters."""
    reached: float
    """What is left, as a fraction of the dense parameters: the net's `parameters`; in a masked run its `nonzero`."""
    parameters: int
    """What the net computes with, zeros too: a masked net has as many as dense."""
    nonzero: int
    bytes: int
    macs: int
    macs_per_second: float
    """Per second of audio."""
    latency_ms: list[float]
    """Lower quartile, median, upper quartile of one call on one CPU thread."""
    latency_ratio: list[float]
    """The same of this net's time over the dense net's, from interleaved rounds within this run."""
    widths: dict[str, int]
    """Units left in each coupled group."""
    steps: int
    best_step: int
    train_seconds: float
    validation: dict[str, float]
    test: dict[str, float]
    memory: dict[str, int] = field(default_factory=dict)
    """Bytes by the names of :class:`benchmark.hardware.footprint.Footprint`; empty in records older than it."""
    examples: list[dict[str, Any]] = field(default_factory=list)
    """Sounds that the net made, as :class:`benchmark.audio.examples.Example` says; they lie on the computer of the run,
    paths from the record's folder."""


@dataclass(frozen=True)
class Record:
    """Everything that one run has to say."""

    run: RunKey
    status: str
    """`partial` while rounds are to come, `complete`, or `failed`."""
    kind: str
    """`sweep` (a criterion cuts), `masked` (held at zero instead: the shapes and the cost of dense), or `control`."""
    criterion: str | None
    reset: str | None
    reason: str
    """Why a failed run failed, in one line; empty otherwise."""
    protocol: dict[str, Any]
    """Version, budgets, minimum units, steps, rewind step, the floor in parameters and what it is made of."""
    task: dict[str, Any]
    """Version, metrics [{id, reduction, higher_is_better}], tolerance, seconds of audio a call answers for."""
    data: dict[str, Any]
    """Digest and the task's manifest."""
    code: dict[str, str]
    """Digests of the code that the numbers depend on."""
    environment: dict[str, Any]
    rounds: tuple[Round, ...] = ()
    warnings: tuple[str, ...] = ()
    renewals: tuple[dict[str, Any], ...] = ()
    """How the record outlived changes of the code: the `rounds` that were done again and came out the same, and the
    digests of the `code` before; see :mod:`benchmark.renewal`."""
    schema: int = SCHEMA

    @property
    def primary(self) -> str:
        """Id of the primary metric."""
        return str(self.task["metrics"][0]["id"])


def write(results: Path, record: Record, items: Items) -> Path:
    """Write a record and its items atomically: the items first, so that a record never lacks them.

    Raises
    ------
    UsageError
        The folder cannot be written.
    """
    path = record.run.path(results)
    text = _text(record)
    try:
        write_whole(path.with_suffix(".npz"), pack(items))
        write_whole(path, text)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}; choose a folder that you may write to with --results"
        ) from error
    return path


def amend(path: Path, record: Record) -> None:
    """Write the record at `path` anew with the same rounds and scores, so that its items still belong to it."""
    write_whole(path, _text(record))


def _text(record: Record) -> bytes:
    return (json.dumps(_jsonable(asdict(record)), indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def read(path: Path) -> Record:
    """Read and validate one record.

    Raises
    ------
    RecordError
        What is wrong with it and where.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RecordError(f"{path}: larger than {MAX_BYTES} bytes")
        value = json.loads(path.read_bytes(), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{path}: not readable as JSON ({error}); restore it, or delete it and run again") from error
    try:
        return _record(value)
    except KeyError as error:
        raise RecordError(f"{path}: {error} is missing") from error
    except (RecordError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"{path}: {error}") from error


def read_at(results: Path, path: Path) -> Record:
    """Read the record at `path` below the folder `results`, and hold it to the place where it lies.

    Raises
    ------
    RecordError
        What is wrong with it; or it is the record of another run than its path says.
    """
    record = read(path)
    if record.run.path(results) != path:
        raise RecordError(f"{path}: is the record of {record.run}; move it to {record.run.path(results)} or delete it")
    return record


def read_items(path: Path) -> Items:
    """Read the items that belong to the record at `path` (the JSON's path).

    Raises
    ------
    RecordError
        The file is absent, damaged, or not such a file.
    """
    return unpack(path.with_suffix(".npz"))


def require_folder(results: Path) -> None:
    """Hold a name that a user gave to a folder that there is.

    Raises
    ------
    UsageError
        There is none.
    """
    if not results.is_dir():
        raise UsageError(f"{results} is no folder of records; name one with --results")


def find(results: Path) -> Iterator[Path]:
    """Paths of all records below a folder, in a fixed order."""
    # Beside a record may lie what was executed of it, `seed0.boards.json`.
    return iter(sorted(p for p in results.glob("*/*/*/*/seed*.json") if p.suffixes == [".json"]))


def _record(value: Any) -> Record:
    known = {f.name for f in fields(Record)}
    value = {"renewals": [], **value} if isinstance(value, dict) else value
    if not isinstance(value, dict):
        raise RecordError("not an object")
    if value.get("schema") != SCHEMA:
        raise RecordError(f"schema {value.get('schema')!r}, this version reads {SCHEMA}")
    if set(value) != known:
        wrong = sorted(set(value) ^ known)
        raise RecordError(f"fields {', '.join(wrong)} are missing or unknown")
    if value["status"] not in ("partial", "complete", "failed") or value["kind"] not in KINDS:
        raise RecordError(f"status {value['status']!r} or kind {value['kind']!r} is unknown")
    for name, kind in _KINDS.items():
        if not isinstance(value[name], kind):
            raise RecordError(f"{name} is {type(value[name]).__name__}")
    run = RunKey(**value["run"])
    stands_for = _method(run.method)
    for name in ("kind", "criterion", "reset"):
        if value[name] != (wanted := getattr(stands_for, name)):
            raise RecordError(f"{name} is {value[name]!r}, and a run of {run.method} has {wanted!r}")
    _check_task(value["task"])
    if not isinstance(value["data"]["digest"], str):
        raise RecordError(f"the digest of the data is {value['data']['digest']!r}")
    rounds = tuple(Round(**r) for r in value["rounds"])
    for r in rounds:
        _check_round(r, value["task"]["metrics"][0]["id"])
    numbers = [r.round for r in rounds]
    if numbers != sorted(set(numbers)):
        raise RecordError(f"rounds {numbers} are not in rising order")
    return Record(
        **{
            **value,
            "run": run,
            "rounds": rounds,
            "warnings": tuple(str(w) for w in value["warnings"]),
            "renewals": tuple(map(_renewal, value["renewals"])),
        }
    )


_KINDS: dict[str, Any] = {
    **dict.fromkeys(("run", "protocol", "task", "data", "code", "environment"), dict),
    **dict.fromkeys(("rounds", "warnings", "renewals"), list),
    **dict.fromkeys(("criterion", "reset"), str | None),
    "reason": str,
}


@lru_cache(maxsize=1024)
def _method(name: str) -> Method:
    """What the name of a method stands for, whether or not its criterion is at hand.

    Raises
    ------
    RecordError
        Nothing: it is no criterion with known variants.
    """
    criterion, dash, variants = name.partition("-")
    try:
        if name in CONTROLS:
            return method(name)
        if criterion in CONTROLS:
            raise UsageError(f"{criterion!r} has no variants")
        # Variants are the same of every criterion.
        return replace(method(FLOOR_CRITERION + dash + variants), criterion=criterion)
    except UsageError as error:
        raise RecordError(f"{name!r} is no method: {error}") from error


def _renewal(value: Any) -> dict[str, Any]:
    numbers, code = value["rounds"], value["code"]
    if set(value) != {"rounds", "code"} or not all(type(n) is int and n >= 0 for n in numbers):
        raise RecordError("a renewal is not the rounds that were done again and the code before")
    if not isinstance(code, dict) or not all(isinstance(digest, str) for digest in code.values()):
        raise RecordError("a renewal does not say what code there was before")
    return dict(value)


def _check_task(task: dict[str, Any]) -> None:
    if not isinstance(task["metrics"], list) or not task["metrics"]:
        raise RecordError("the task has no metric")
    for metric in task["metrics"]:
        if metric["reduction"] not in REDUCTIONS:
            raise RecordError(f"metric {metric['id']!r} has the unknown reduction {metric['reduction']!r}")
        if not isinstance(metric["id"], str) or not isinstance(metric["higher_is_better"], bool):
            raise RecordError(f"metric {metric['id']!r} does not say whether higher is better")
    if not _is_number(task["tolerance"]) or task["tolerance"] < 0:
        raise RecordError(f"tolerance {task['tolerance']!r} is no number from 0 up")


def _check_round(r: Round, primary: str) -> None:
    counts = [r.round, r.parameters, r.nonzero, r.bytes, r.macs, r.steps, r.best_step]
    counts += [*r.widths.values(), *r.memory.values()]
    # Larger ones have no quotient.
    if any(type(c) is not int or not 0 <= c < 1 << 63 for c in counts):
        raise RecordError(f"round {r.round!r}: a count is not a whole number from 0 up to 63 bits")
    numbers = (r.asked, r.reached, r.macs_per_second, r.train_seconds, *r.latency_ms, *r.latency_ratio)
    if not all(map(_is_number, (*numbers, *r.validation.values(), *r.test.values()))):
        raise RecordError(f"round {r.round}: a figure is not a finite number")
    if len(r.latency_ms) != 3 or len(r.latency_ratio) != 3:
        raise RecordError(f"round {r.round}: a latency is not lower quartile, median, upper quartile")
    if primary not in r.test:
        raise RecordError(f"round {r.round}: no test score {primary!r}")
    if len(r.examples) > MAX_EXAMPLES or not all(map(_is_example, r.examples)):
        raise RecordError(f"round {r.round}: an example is not a path below the record, a sha256, levels and a count")


def _is_example(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"path", "sha256", "peak", "rms", "clipped"}
        and EXAMPLE.fullmatch(str(value["path"])) is not None
        and re.fullmatch("[0-9a-f]{64}", str(value["sha256"])) is not None
        and _is_number(value["peak"])
        and _is_number(value["rms"])
        and type(value["clipped"]) is int
        and value["clipped"] >= 0
    )


def _is_number(x: Any) -> bool:
    # A whole number too large for a float has no finite value.
    return type(x) in (int, float) and abs(x) < 1e300


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError(f"key {next(k for k in keys if keys.count(k) > 1)!r} stands twice")
    return dict(pairs)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")


def _jsonable(value: Any) -> Any:
    """Floats to six significant digits, so that records are small and diffs are read."""
    if isinstance(value, Mapping):
        return {str(key): _jsonable(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(v) for v in value]
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.6g}")
    return int(value) if isinstance(value, np.integer) else value
