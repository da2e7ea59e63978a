"""`emulate`: a net of a record, executed on a board, or on what stands for it, and compared with the model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmark.errors import UsageError
from benchmark.hardware import export_command

if TYPE_CHECKING:
    from benchmark.hardware.artefact import Artefact
    from benchmark.hardware.boards import Board
    from benchmark.hardware.evidence import Execution
    from benchmark.hardware.tickets import Ticket


ROWS = 4
"""That are executed where no items are asked for: seconds on the slowest board."""


def add(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    export_command.add_net(parser)
    parser.add_argument("--board", required=True, metavar="B", help="a name that `list boards` gives")
    parser.add_argument(
        "--items",
        help=f"test items to execute and score, or 'all' (default: {ROWS} rows of them, compared, not scored)",
    )
    parser.add_argument("--limit", type=float, default=60.0, metavar="S", help="seconds to wait for it (default 60)")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Execute it, say what came of it, and keep that beside the record.

    Raises
    ------
    BenchError
        There is no such record, round or board; a tool or the weights are not here; or it does not run, which is kept
        beside the record too.
    """
    from benchmark.hardware import artefact, boards, evidence, tools
    from benchmark.hardware.c import NoCodeError
    from benchmark.hardware.fit_command import find
    from benchmark.hardware.running import BoardError

    board = boards.board(options.board)
    _check(options)
    if lines := tools.missing("onnx", "onnxscript", "onnxruntime", *artefact.PROGRAMS[board.family]):
        raise UsageError("; ".join(lines))
    path = find(options.record, options.results)
    found, made = export_command.prepared(options)
    run_key = found.record.run
    try:
        entry, lines = _executed(options, found, made, board)
    except (BoardError, NoCodeError) as error:
        outcome = error.outcome if isinstance(error, BoardError) else "operator"
        failed = evidence.Execution(found.round.round, board.name, made.format, outcome, str(error))
        evidence.add(path, run_key, [failed])
        raise
    lines.append(f"kept in {evidence.add(path, run_key, [entry])}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _executed(options: argparse.Namespace, found: Ticket, made: Artefact, board: Board) -> tuple[Execution, list[str]]:
    """What is kept, and what is said."""
    from benchmark.hardware import evidence, scoring
    from benchmark.hardware.rows import inputs, spread

    test = export_command.data_of(found, options.data_home).test
    if options.items is None:
        chosen, rows = None, spread(len(test), ROWS)
    else:
        chosen = scoring.sample(test, None if options.items == "all" else int(options.items))
        rows = chosen.rows
    ran, error = made.execute(board, inputs(test, rows), options.limit)
    scores = scoring.score(found.reference.task, test, made.model, chosen, ran.outputs) if chosen else None
    entry = evidence.Execution(
        round=found.round.round,
        board=board.name,
        format=made.format,
        outcome="ran",
        flash_bytes=ran.flash_bytes,
        ram_bytes=ran.ram_bytes,
        instructions=ran.instructions,
        cycles=ran.cycles,
        seconds=ran.seconds,
        clock=ran.clock,
        parity=error,
        items=scores.items if scores else None,
        score=scores.executed if scores else None,
        reference_score=scores.torch if scores else None,
        tools=ran.tools,
    )
    return entry, [f"{found.record.run}, round {entry.round}, {entry.format}", *_said(entry, found, board, len(rows))]


def _said(entry: Execution, found: Ticket, board: Board, rows: int) -> Iterator[str]:
    exact = entry.format == "int8" and not entry.parity
    same = "the same integers as onnxruntime" if exact else f"off by {entry.parity:.1e} of the largest value"
    yield f"{board.title} ran {rows} rows: {same}"
    if entry.flash_bytes is not None:
        yield f"flash: {entry.flash_bytes} of {board.flash_bytes} bytes"
    yield f"memory: {entry.ram_bytes} of {board.ram_bytes} bytes"
    assert entry.seconds is not None
    low, middle, high = entry.seconds
    spread = "" if low == high else f" ({_milliseconds(low)} to {_milliseconds(high)})"
    counted = f", {entry.instructions} instructions" if entry.instructions else ""
    counted = f", {entry.cycles} cycles" if entry.cycles else counted
    real_time = middle / found.record.task["seconds"]
    yield f"one call: {_milliseconds(middle)} ms{spread}, {entry.clock}{counted}; {real_time:.3g} of real time"
    if entry.items:
        metric = found.record.primary
        yield f"{metric} on {entry.items} test items: {entry.score:.4f}, torch {entry.reference_score:.4f}"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f}" if seconds >= 1 else f"{1000 * seconds:.3g}"


def _check(options: argparse.Namespace) -> None:
    items = options.items
    if items not in (None, "all") and not (items.isdecimal() and int(items) > 0):
        raise UsageError(f"--items {items!r}: give a whole number from 1 up, or 'all'")
    if options.limit <= 0:
        raise UsageError(f"--limit {options.limit:g}: give more than 0 seconds")
