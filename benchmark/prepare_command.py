"""The command `prepare`: renders, downloads and decodes data ahead, and says what is missing."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from benchmark import asking, plugins
from benchmark.errors import BenchError, DataError, UsageError, did_you_mean
from benchmark.files import write_whole
from benchmark.task import PROFILES, Data, DataSet, Profile

SHOWN = 20
"""Missing files that are named on the screen; `--missing FILE` has them all."""


def prepare(options: argparse.Namespace) -> int:
    """Make ready what the runs of these tasks will ask for; 0 if they could run, 1 if some could not."""
    asking.require_known(options.profile, PROFILES, "--profile")
    turns = asking.seeds(options.seeds)
    chosen = _chosen(options.task, options.data, options.data_home)
    missing: list[str] = []
    failed = False
    for task, data in chosen:
        failed |= not _prepare(task, data, options.data_home, cast(Profile, options.profile), turns, missing)
    if options.missing:
        write_whole(options.missing, "".join(f"{line}\n" for line in missing).encode())
        _out(f"wrote {options.missing}: what is missing, {len(missing)} lines")
    return int(failed)


def _chosen(tasks: str, wanted: str | None, home: Path | None) -> list[tuple[str, DataSet]]:
    """Tasks with the data set asked for; of all tasks, those that have it."""
    sets = {
        name: {data.name: data for data in plugins.task(name).datasets}
        for name in asking.names(tasks, plugins.tasks(), "task")
    }
    if tasks == "all" and wanted:
        sets = {name: has for name, has in sets.items() if wanted in has} or sets
    chosen = []
    for task, has in sets.items():
        if wanted and wanted not in has:
            raise UsageError(f"task {task!r} has no data set {wanted!r}: {did_you_mean(wanted, has)}")
        data = has[wanted or next(iter(has))]
        if data.needs_home and home is None:
            raise UsageError(
                f"data set {data.name!r} of task {task!r} are recordings: say with --data-home DIR where they are or"
                f" shall be{f'; {data.layout}' if data.layout else ''}"
            )
        chosen.append((task, data))
    return chosen


def _prepare(
    task: str, data: DataSet, home: Path | None, profile: Profile, turns: list[int], missing: list[str]
) -> bool:
    """Whether the task can run on what is there; what is not is added to `missing`."""
    unusable: list[str] = []
    try:
        if data.mirdata and home:
            missing += _name(data, "files that are absent or altered", _fetch(data, home))
        for seed in turns:
            with _timed(f"{task} {data.name} {profile} seed {seed}") as report:
                made = plugins.task(task).on(data.name).data(data.name, home, profile, seed)
                report.append(_size(made))
            stated = made.manifest.get("missing", ())
            unusable += map(str, stated if isinstance(stated, (list, tuple)) else ())
    except BenchError as error:
        _err(f"{task} {data.name}: {error}")
        return False
    missing += _name(data, "not used, by item", unusable)
    return True


def _fetch(data: DataSet, home: Path) -> list[str]:
    """Download what can be, and check the files that are read; those that are absent or altered, each with which.

    Without a network this goes on with what is there.

    Raises
    ------
    DataError
        There is not even an index of what should be there.
    """
    from benchmark.data import mirsets

    failure: BenchError | None = None
    try:
        mirsets.download(data, home, _out)
    except DataError as error:
        failure = error
    try:
        found = mirsets.opened(data, home)
    except DataError as error:
        raise failure or error from None
    if failure:
        _err(str(failure))
    absent = [f"{path}: not there" for paths in found.absent().values() for path in paths]
    with _timed(f"{data.name}: checking files") as report:
        altered = [f"{path}: other bytes than published" for path in found.altered(verbose=sys.stderr.isatty())]
        read = sum(len(found.files(track)) for track in found.index["tracks"])
        report.append(f"{read - len(absent) - len(altered)} of {read} are there as they should be")
    if absent:
        said_by_us = "" if failure else data.layout
        said_by_mirdata = mirsets.conditions(data) and f"mirdata says: {mirsets.conditions(data)}"
        for line in filter(None, (said_by_us, said_by_mirdata)):
            _out(f"{data.name}: {line}")
    return absent + altered


def _name(data: DataSet, what: str, found: list[str]) -> list[str]:
    """Print how many there are and the first of them; all of them, once each."""
    every = list(dict.fromkeys(found))
    if every:
        _out(f"{data.name}: {what}: {len(every)}")
        for name in every[:SHOWN]:
            _out(f"  {name}")
        if len(every) > SHOWN:
            _out(f"  and {len(every) - SHOWN} more; --missing FILE writes them all")
    return [f"{data.name}: {name}" for name in every]


def _size(data: Data) -> str:
    sides = (("train", data.train), ("validation", data.validation), ("test", data.test))
    return ", ".join(f"{side} {len(s)} rows of {len(set(s.sources.tolist()))} sources" for side, s in sides)


@contextmanager
def _timed(what: str) -> Iterator[list[str]]:
    """A line when a step ends, with what it found and how long it took; on a terminal, a clock while it goes on."""
    begun = time.monotonic()
    report: list[str] = []
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as live:
            live.add_task(what, total=None)
            yield report
    else:
        _err(f"{what} ...")
        yield report
    _out(f"{what}: {'; '.join([*report, f'{time.monotonic() - begun:.1f} s'])}")


def _out(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _err(text: str) -> None:
    sys.stderr.write(f"benchmark: {text}\n")
    sys.stderr.flush()
