"""What was seen when a net of a record was executed on a board, beside the record: `seed<seed>.boards.json`.

    {"schema": 1, "run": {task, data, profile, method, seed}, "executed": [the dictionary form of an Execution, ...]}

sorted by round, board and format, one entry for each. Whoever executes writes it; the leaderboard reads it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any, get_args

from benchmark.errors import RecordError
from benchmark.files import write_whole
from benchmark.hardware.boards import Format
from benchmark.records import MAX_BYTES, RunKey

SCHEMA = 1
OUTCOMES = ("ran", "flash", "ram", "time limit", "parity", "operator", "crashed")
"""It ran and agreed; or what stopped it: a limit of the board, of patience, or of the tools."""


@dataclass(frozen=True)
class Execution:
    """One net of one round on one board in one number format. What was not measured is None."""

    round: int
    board: str
    format: Format
    outcome: str
    message: str = ""
    """One line, where it did not run: the linker's own words."""
    flash_bytes: int | None = None
    """Of the program, weights and all."""
    ram_bytes: int | None = None
    """High-water mark: data, arena and stack."""
    instructions: int | None = None
    """For one call; of a stream, for one hop."""
    cycles: int | None = None
    """The same, where the emulator is exact in cycles."""
    seconds: tuple[float, float, float] | None = None
    """For one call of the whole net (of a stream: its hops together): low, middle, high; all the same where exact."""
    clock: str = ""
    """Where `seconds` are from: `measured`, `exact` (cycles by clock), `modelled` (instructions by a timing table)."""
    parity: float | None = None
    """Largest difference from the reference's outputs (torch in fp32, the ONNX runtime in int8), relative to their
    largest magnitude."""
    items: int | None = None
    """Test items that it was scored on."""
    score: float | None = None
    """Primary metric of what was executed, on these items."""
    reference_score: float | None = None
    """Of the torch model, on the same items."""
    tools: dict[str, str] = field(default_factory=dict)
    """Name -> version."""
    streamed: bool = False
    """It was fed hop by hop, its state carried on the board."""

    @property
    def ran(self) -> bool:
        """Whether it ran and agreed."""
        return self.outcome == "ran"

    @property
    def key(self) -> tuple[int, str, str]:
        """What there is one of."""
        return self.round, self.board, self.format


def path_of(record: Path) -> Path:
    """Path of the evidence of the record at `record`."""
    return record.with_suffix(".boards.json")


def read(record: Path, run: RunKey) -> tuple[Execution, ...]:
    """Read what was executed of a record; nothing if there is no such file.

    Raises
    ------
    RecordError
        The file is damaged, or belongs to another run.
    """
    path = path_of(record)
    if not path.exists():
        return ()
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"larger than {MAX_BYTES} bytes")
        value = json.loads(path.read_bytes(), parse_constant=_no_constant)
        if value["schema"] != SCHEMA:
            raise ValueError(f"schema {value['schema']!r}, this version reads {SCHEMA}")
        if value["run"] != asdict(run):
            raise ValueError(f"belongs to another run than {run}")
        found = [_execution(entry) for entry in value["executed"]]
        if len({e.key for e in found}) != len(found):
            raise ValueError("a round, board and format stand twice")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RecordError(f"{path}: {error}; delete it and execute again") from error
    return tuple(sorted(found, key=lambda e: e.key))


def add(record: Path, run: RunKey, new: Iterable[Execution]) -> Path:
    """Write what was executed beside the record; it replaces what was known of the same round, board and format.

    Raises
    ------
    RecordError
        What is there already is damaged.
    """
    merged = {e.key: e for e in (*read(record, run), *new)}
    value = {"schema": SCHEMA, "run": asdict(run), "executed": [asdict(merged[key]) for key in sorted(merged)]}
    text = json.dumps(_short(value), indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_whole(path_of(record), text.encode())
    return path_of(record)


_WHOLE = ("flash_bytes", "ram_bytes", "instructions", "cycles", "items")
_REAL = ("parity", "score", "reference_score")


def _execution(entry: dict[str, Any]) -> Execution:
    if unknown := set(entry) - {f.name for f in fields(Execution)}:
        raise ValueError(f"unknown field {min(unknown)!r}")
    e = Execution(**{**entry, "seconds": tuple(entry["seconds"]) if entry.get("seconds") else None})
    if type(e.round) is not int or e.round < 0 or not isinstance(e.board, str):
        raise ValueError(f"round {e.round!r} or board {e.board!r} is none")
    if e.outcome not in OUTCOMES or e.format not in get_args(Format):
        raise ValueError(f"outcome {e.outcome!r} or format {e.format!r} is unknown")
    wholes = [v for name in _WHOLE if (v := getattr(e, name)) is not None]
    reals = [*(e.seconds or ()), *(v for name in _REAL if (v := getattr(e, name)) is not None)]
    if any(type(v) is not int or v < 0 for v in wholes):
        raise ValueError(f"round {e.round} on {e.board}: a count is no whole number from 0 up")
    if any(type(v) not in (int, float) or not isfinite(v) for v in reals):
        raise ValueError(f"round {e.round} on {e.board}: a figure is not a finite number")
    if e.seconds is not None and (len(e.seconds) != 3 or list(e.seconds) != sorted(e.seconds) or e.seconds[0] < 0):
        raise ValueError(f"round {e.round} on {e.board}: seconds are not low, middle, high")
    kinds = ((e.message, str), (e.clock, str), (e.tools, dict), (e.streamed, bool))
    if not all(isinstance(value, kind) for value, kind in kinds):
        raise ValueError(f"round {e.round} on {e.board}: message, clock, tools or streamed are of the wrong kind")
    return e


def _short(value: Any) -> Any:
    """Floats to six significant digits, as in records."""
    if isinstance(value, dict):
        return {key: _short(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_short(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")
