"""`fit`: whether the nets of a record, or the best of a task, fit boards."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import RecordError, UsageError, did_you_mean

if TYPE_CHECKING:
    from benchmark.hardware.boards import Board
    from benchmark.hardware.table import Rung


def add(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("record", nargs="?", metavar="RECORD", help="task/data/profile/method/seed0, or its file")
    parser.add_argument("--task", help="a task instead: its best tickets, or its dense net before there is a record")
    parser.add_argument("--data", help="with --task: only this data set")
    parser.add_argument("--profile", default="quick", help="with --task: smoke, quick (default) or full")
    parser.add_argument("--board", help="only this board; 'paper' for the second paper's limits")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of records (default results/)")
    parser.add_argument(
        "--fill", action="store_true", help="write memory figures into records that lack them or have older ones"
    )
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print the tables."""
    import sys

    sys.stdout.write("\n\n".join(fit(options)) + "\n")
    return 0


def fit(options: argparse.Namespace) -> Iterator[str]:
    """The parts of what is printed.

    Raises
    ------
    BenchError
        There is no such record, task or board; or the record is damaged.
    """
    from benchmark.hardware import boards, paper

    if (options.record is None) == (options.task is None):
        raise UsageError("give either a RECORD or --task (see benchmark fit --help)")
    if options.board is not None and options.board != paper.PROFILE:
        known = [*boards.load(), paper.PROFILE]
        if options.board not in known:
            raise UsageError(f"no board {options.board!r}: {did_you_mean(options.board, known)}")
    if options.record is not None:
        yield from _record(find(options.record, options.results), options)
    else:
        yield from _task(options)


def find(name: str, results: Path) -> Path:
    """The record's file: a path to it, or its place below the results folder with or without `.json`.

    Raises
    ------
    UsageError
        There is no such record.
    """
    from benchmark import records

    for path in (Path(name), results / name, results / f"{name}.json"):
        if path.is_file():
            return path
    there = [str(p.relative_to(results).with_suffix("")) for p in records.find(results)]
    raise UsageError(f"no record {name!r} in {results}: {did_you_mean(name.removesuffix('.json'), there)}")


def _record(path: Path, options: argparse.Namespace) -> Iterator[str]:
    from benchmark import records
    from benchmark.hardware import boards, evidence, paper, rebuild, table

    record = records.read(path)
    if not record.rounds:
        raise RecordError(f"{path}: has no rounds yet")
    if options.fill:
        record = rebuild.fill(path, record)
    ladder = table.rungs(record, rebuild.footprints(record), evidence.read(path, record.run))
    yield str(record.run)
    if options.board is None:
        yield table.costs(ladder, record.primary)
        yield table.on_boards(ladder, boards.load().values())
    elif options.board == paper.PROFILE:
        yield table.under_paper(ladder)
    else:
        board = boards.board(options.board)
        yield f"{board.title} ({board.source}). {_rules(board)}"
        yield table.on_one(ladder, board)


def _rules(board: Board) -> str:
    rules = board.rules
    flash = f"{100 * rules.flash_share:.0f} % of flash, " if board.flash_bytes else ""
    return (
        f"Rules: {flash}{100 * rules.ram_share:.0f} % of RAM, {100 * rules.real_time_factor:.0f} % of the time; "
        f"times are good within a factor of {rules.band:g}."
    )


def _task(options: argparse.Namespace) -> Iterator[str]:
    from benchmark import leaderboard, plugins, records
    from benchmark.hardware import boards, rebuild
    from benchmark.leaderboard import boards_text
    from benchmark.leaderboard.text import decimals

    task = plugins.task(options.task)
    names = [d.name for d in task.datasets]
    if options.data is not None and options.data not in names:
        raise UsageError(f"task {options.task} has no data set {options.data!r}: {did_you_mean(options.data, names)}")
    places = [f"{options.task}/{data}/{options.profile}" for data in ([options.data] if options.data else names)]
    if options.fill:
        for path in records.find(options.results):
            if any(path.is_relative_to(options.results / place) for place in places):
                rebuild.fill(path, records.read_at(options.results, path))
    found = [s for place in places for s in leaderboard.sections(options.results, place, rebuild.complete)]
    if found and options.board == boards.HOST:
        raise UsageError("of a task there are boards that are the same everywhere; give a RECORD for this computer")
    for section in found:
        yield f"{section.task}, {section.data}, {section.profile}: {section.rules.metric}"
        yield from boards_text.terminal(section, decimals(section.rules.tolerance), options.board)
    if not found:
        yield from _dense(options)


def _dense(options: argparse.Namespace) -> Iterator[str]:
    """Before there is any record: the reference net."""
    from typing import get_args

    from benchmark import plugins
    from benchmark.hardware import boards, paper, table
    from benchmark.task import Profile

    if options.profile not in get_args(Profile):
        raise UsageError(f"no profile {options.profile!r}: {did_you_mean(options.profile, get_args(Profile))}")
    data = options.data or plugins.task(options.task).datasets[0].name
    ladder = [_dense_rung(options.task, data, options.profile)]
    yield f"{options.task}, {data}, {options.profile}: no records in {options.results}, so the dense net, untrained"
    if options.board is None:
        yield table.on_boards(ladder, boards.load().values())
    elif options.board == paper.PROFILE:
        yield table.under_paper(ladder)
    else:
        yield table.on_one(ladder, boards.board(options.board))


def _dense_rung(task: str, data: str, profile: str) -> Rung:
    from benchmark.hardware.fit import Net
    from benchmark.hardware.footprint import footprint
    from benchmark.hardware.rebuild import reference
    from benchmark.hardware.table import Rung
    from benchmark.measure import artefact_bytes, macs, parameters

    whole = reference(task, data, profile)
    model, example = whole.model, whole.example
    net = Net(footprint(model, example), macs(model, example), whole.task.seconds(whole.profile))
    return Rung(0, 1.0, parameters(model), artefact_bytes(model), net)
