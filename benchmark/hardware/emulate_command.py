"""`emulate`: a net of a record, or the best of a task, executed on boards or on what stands for them, and compared."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Literal

from benchmark.errors import BenchError, UsageError, did_you_mean
from benchmark.hardware import export_command

if TYPE_CHECKING:
    from benchmark.hardware.best import Best
    from benchmark.hardware.boards import Board

ROUND_LIMIT, TASK_LIMIT = 60.0, 15.0
"""Seconds to wait for a net that was named, and for each of those of a task."""
EXAMPLE = "(see benchmark emulate --help)"


def add(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    export_command.add_net(parser, required=False)
    parser.add_argument("--task", help="the best nets of a task instead, on one board of each kind")
    parser.add_argument("--data", help="with --task: only this data set")
    parser.add_argument("--profile", default="quick", help="with --task: smoke, quick (default) or full")
    parser.add_argument("--board", metavar="B", help="a name that `list boards` gives; with --task: only this one")
    parser.add_argument(
        "--items", help="test items to execute and score, or more; or 'all' (default: none, 4 rows compared)"
    )
    parser.add_argument(
        "--limit", type=float, metavar="S", help=f"seconds to wait ({ROUND_LIMIT:g}; with --task {TASK_LIMIT:g})"
    )
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Execute, say what came of it, and keep that beside the record.

    Raises
    ------
    BenchError
        There is no such record, task, round or board; a tool or the weights are not here; or it does not run, which is
        kept beside the record too.
    """
    from benchmark.hardware import boards

    _check(options)
    if options.board is not None:
        boards.board(options.board)
    return _round(options) if options.task is None else _task(options)


def _round(options: argparse.Namespace) -> int:
    """One net on one board."""
    from benchmark.hardware import boards, emulating, evidence
    from benchmark.hardware.fit_command import find

    board = boards.board(options.board)
    _need(board)
    path = find(options.record, options.results)
    found, made = export_command.prepared(options)
    entry = emulating.emulate(path, found, made, board, options.items, options.limit or ROUND_LIMIT, options.data_home)
    head = f"{found.record.run}, round {entry.round}, {_form(entry.format, entry.streamed)}, on {board.title}"
    lines = [head, *emulating.said(entry, found, board), f"kept in {evidence.path_of(path)}"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _task(options: argparse.Namespace) -> int:
    """The best net for every board, a line each, and one for each that was tried before it and has no room there."""
    from benchmark.hardware.best import EVERY_KIND, best

    names = (options.board,) if options.board else EVERY_KIND
    code, section = 0, ""
    for first in best(options.results, options.task, options.data, options.profile, names):
        if first.section != section:
            section = first.section
            sys.stdout.write(f"{section}\n")
        one, tried = first, {first.net}
        while True:
            line, came = _line(one, options)
            sys.stdout.write(f"{one.board.title}: {line}\n")
            sys.stdout.flush()
            if came != "no room":
                break
            # What was seen lies beside the record now, so that the rule gives the next net.
            one = next(best(options.results, options.task, one.data, options.profile, (one.board.name,)))
            if one.net in tried:
                break
            tried.add(one.net)
        code |= came in ("failed", "no room")
    return code


Came = Literal["ran", "skipped", "no room", "failed"]


def _line(one: Best, options: argparse.Namespace) -> tuple[str, Came]:
    """What came of one board, in a line and in a word."""
    from benchmark.hardware import emulating, running, tickets
    from benchmark.leaderboard.boards_text import binding

    if one.fit.verdict == "no":
        return f"skipped, nothing fits; nearest is {one.method} {one.round}, {binding(one.fit)}", "skipped"
    net = f"{one.method} {one.round}, {_form(one.fit.format, one.fit.streamed)}"
    limit = options.limit or TASK_LIMIT
    try:
        _need(one.board)
        path, found = one.ticket()
        made = tickets.exported(found, one.fit.format, one.fit.streamed, options.data_home)
        entry = emulating.emulate(path, found, made, one.board, options.items, limit, options.data_home)
    except UsageError as error:
        return f"{net}: skipped, {error}", "skipped"
    except BenchError as error:
        return f"{net}: {error}", "no room" if isinstance(error, running.BoardError) and error.no_room else "failed"
    return f"{net}, seed {found.record.run.seed}: {'; '.join(emulating.said(entry, found, one.board))}", "ran"


def _form(number_format: str, streamed: bool) -> str:
    return f"{number_format}, hop by hop" if streamed else number_format


def _need(board: Board) -> None:
    """Ask for all tools at once, so that they can be installed at once."""
    from benchmark.hardware import artefact, tools

    if lines := tools.missing("onnx", "onnxscript", "onnxruntime", *artefact.PROGRAMS[board.family]):
        raise UsageError("; ".join(lines))


def _check(options: argparse.Namespace) -> None:
    from benchmark.task import PROFILES

    if (options.record is None) == (options.task is None):
        raise UsageError(f"give either a RECORD with --round and --board, or --task {EXAMPLE}")
    if options.record is not None and (options.round is None or options.board is None):
        raise UsageError(f"a RECORD needs --round and --board {EXAMPLE}")
    if options.task is not None and (options.round is not None or options.int8 or options.stream):
        raise UsageError("--round, --int8 and --stream belong to a RECORD; of a task, what fits best is taken")
    if options.profile not in PROFILES:
        raise UsageError(f"no profile {options.profile!r}: {did_you_mean(options.profile, PROFILES)}")
    items = options.items
    if items not in (None, "all") and not (items.isdecimal() and int(items) > 0):
        raise UsageError(f"--items {items!r}: give a whole number from 1 up, or 'all'")
    if options.limit is not None and options.limit <= 0:
        raise UsageError(f"--limit {options.limit:g}: give more than 0 seconds")
