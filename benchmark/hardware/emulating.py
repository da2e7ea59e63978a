"""One net of a record on one board: executed, compared, scored, and kept beside the record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmark.hardware import evidence, sampling, scoring
from benchmark.hardware.artefact import Artefact
from benchmark.hardware.boards import Board
from benchmark.hardware.c import NoCodeError
from benchmark.hardware.evidence import Execution
from benchmark.hardware.rows import inputs, spread
from benchmark.hardware.running import BoardError
from benchmark.hardware.tickets import Ticket, data_of, for_rows
from benchmark.training import predict

ROWS, HOPS = 4, 512
"""That are executed where no items are asked for, as long as the task's example: seconds on the slowest board. Of a
stream so many hops at most, or one row."""
ALL = "all"
"""In place of a number of items."""


def emulate(
    path: Path, found: Ticket, made: Artefact, board: Board, items: str | None, limit: float, home: Path | None
) -> Execution:
    """Execute a net, and keep beside the record at `path` what came of it.

    Parameters
    ----------
    items
        How many test items at least to execute and score, or `all`; None: rows that are compared, not scored.
    limit
        Seconds that it may take.
    home
        Where recordings are.

    Raises
    ------
    BoardError, NoCodeError
        It does not run, which is kept too.
    BenchError
        A tool or the data are not here.
    """
    try:
        entry = _executed(found, made, board, items, limit, home)
    except (BoardError, NoCodeError) as error:
        outcome = error.outcome if isinstance(error, BoardError) else "operator"
        streamed = made.stream is not None
        failed = Execution(found.round.round, board.name, made.format, outcome, str(error), streamed=streamed)
        evidence.add(path, found.record.run, [failed])
        raise
    evidence.add(path, found.record.run, [entry])
    return entry


def _executed(
    found: Ticket, made: Artefact, board: Board, items: str | None, limit: float, home: Path | None
) -> Execution:
    test = data_of(found, home).test
    example = found.reference.example
    if items is None:
        count = max(1, min(ROWS, HOPS // made.stream.calls)) if made.stream else ROWS
        rows, scores = inputs(test, spread(len(test), count), example.shape), None
        ran, error = made.execute(board, rows, limit)
    else:
        task, reference = found.reference.task, predict(made.model, test)
        chosen = sampling.sample(task, test, reference, None if items == ALL else int(items))
        rows = inputs(test, chosen.rows)
        ran, error = for_rows(found, made, rows, home).execute(board, rows, limit)
        scores = scoring.score(task, test, reference, chosen, ran.outputs)
    # Where a row is longer than the task's example, of which times are told.
    longer = 1.0 if made.stream else rows[0][0].size / example.numel()
    low, middle, high = (seconds / longer for seconds in ran.seconds)
    return Execution(
        round=found.round.round,
        board=board.name,
        format=made.format,
        outcome="ran",
        flash_bytes=ran.flash_bytes,
        ram_bytes=ran.ram_bytes,
        instructions=ran.instructions and round(ran.instructions / longer),
        cycles=ran.cycles and round(ran.cycles / longer),
        seconds=(low, middle, high),
        clock=ran.clock,
        parity=error,
        items=scores.items if scores else None,
        score=scores.executed if scores else None,
        reference_score=scores.torch if scores else None,
        tools=ran.tools,
        streamed=made.stream is not None,
    )


def said(entry: Execution, found: Ticket, board: Board) -> Iterator[str]:
    """What a person wants to know of an execution: agreement, memory, time, score."""
    exact = entry.format == "int8" and not entry.parity
    yield "the same integers as onnxruntime" if exact else f"off by {entry.parity:.1e} of the largest value"
    if entry.flash_bytes is not None:
        yield f"flash: {entry.flash_bytes} of {board.flash_bytes} bytes"
    yield f"memory: {entry.ram_bytes} of {board.ram_bytes} bytes"
    assert entry.seconds is not None
    low, middle, high = entry.seconds
    band = "" if low == high else f" ({_milliseconds(low)} to {_milliseconds(high)})"
    each = " for a hop" if entry.streamed else ""
    counted = f", {entry.instructions} instructions{each}" if entry.instructions else ""
    counted = f", {entry.cycles} cycles{each}" if entry.cycles else counted
    real_time = middle / found.record.task["seconds"]
    yield f"one call: {_milliseconds(middle)} ms{band}, {entry.clock}{counted}; {real_time:.3g} of real time"
    if entry.items:
        metric = found.record.primary
        yield f"{metric} on {entry.items} test items: {entry.score:.4f}, torch {entry.reference_score:.4f}"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f}" if seconds >= 1 else f"{1000 * seconds:.3g}"
