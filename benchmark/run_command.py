"""The command `run`: from options to keys, jobs, records, a table and a plot."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

from benchmark import asking, leaderboard, plugins, records
from benchmark.errors import UsageError, did_you_mean
from benchmark.leaderboard.runs import UNRANKED
from benchmark.methods import method, with_controls
from benchmark.progress import progress
from benchmark.records import RunKey
from benchmark.sweep import REDO, Outcome, Plan, execute, plan
from benchmark.task import PROFILES


def run(options: argparse.Namespace) -> int:
    """Do what is left of the runs asked for; 0 if all is done, 1 if some run failed."""
    keys = _keys(options)
    results: Path = options.results
    processes = _processes(options.jobs)
    asking.require_known(options.redo, REDO, "--redo")
    todo = plan(keys, results, options.data_home, options.redo)
    _announce(todo, keys, results, processes, options.redo)
    if options.dry_run:
        return 0
    _require_writable(results)
    _set_damaged_aside(todo, results)
    outcomes: list[Outcome] = []
    if todo.jobs:
        with progress(len(todo.jobs)) as on_event:
            outcomes = execute(todo.jobs, results, processes, on_event)
    for outcome in outcomes:
        if outcome.reason:
            sys.stderr.write(f"benchmark: {outcome.job.name} failed: {outcome.reason}\n")
    board = leaderboard.write(results)
    _show_sections(keys, results)
    _show_missing(keys, results)
    again = f"python -m benchmark leaderboard --results {results} --csv nets.csv"
    unranked = f", in which {options.profile} has no rank" if options.profile == UNRANKED else ""
    sys.stdout.write(f"leaderboard: {board}{unranked}\nnext, every net as a row of a table: {again}\n")
    return 1 if any(outcome.reason for outcome in outcomes) else 0


def _keys(options: argparse.Namespace) -> list[RunKey]:
    """The runs asked for, checked before anything heavy is imported."""
    tasks = asking.names(options.task, plugins.tasks(), "task")
    asking.require_known(options.profile, PROFILES, "--profile")
    named = list(plugins.criteria()) if options.criterion == "all" else options.criterion.split(",")
    wanted = [method(n) for n in named] if options.no_controls else with_controls(named)
    seeds = asking.seeds(options.seeds)
    for name in {m.criterion for m in wanted if m.criterion}:
        plugins.criterion(name)  # a file that breaks the contract is told now, not after an hour of other runs
    keys = []
    for task in tasks:
        data = _data_set(task, options.data, options.data_home)
        keys += [RunKey(task, data, options.profile, m.name, seed) for m in wanted for seed in seeds]
    return keys


def _data_set(task_name: str, wanted: str | None, home: Path | None) -> str:
    sets = {data.name: data for data in plugins.task(task_name).datasets}
    name = wanted or next(iter(sets))
    if name not in sets:
        raise UsageError(f"task {task_name!r} has no data set {name!r}: {did_you_mean(name, sets)}")
    if sets[name].needs_home and home is None:
        raise UsageError(f"data set {name!r} of task {task_name!r} are recordings: say where with --data-home DIR")
    return name


def _processes(jobs: int | None) -> int:
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs}: give 1 or more")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return jobs or cores


def _announce(todo: Plan, keys: list[RunKey], results: Path, processes: int, redo: str) -> None:
    counts = Counter(todo.standing.values())
    runs = sum(job.is_run for job in todo.jobs)
    lines = [f"{len(keys)} runs asked for: {', '.join(f'{n} {what}' for what, n in sorted(counts.items()))}"]
    for what in ("stale", "failed"):
        if counts[what] and what not in REDO[redo]:
            lines.append(f"{counts[what]} {what} left as they are; --redo {what} does them again")
    if todo.jobs:
        from benchmark.estimate import estimate  # imports torch, which a typo must not wait for

        minutes = estimate(todo.jobs, processes) / 60
        lines.append(f"to do: {runs} runs, {processes} at a time, at least {minutes:.0f} min once data are prepared")
        lines += [f"  {job.name}" for job in todo.jobs]
    else:
        lines.append("nothing to do")
    lines.append(f"records: {results}")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _require_writable(results: Path) -> None:
    probe = results / f".writable.{os.getpid()}"
    try:
        results.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(f"cannot write into {results}: {error.strerror}; name another with --results") from error


def _set_damaged_aside(todo: Plan, results: Path) -> None:
    for key, standing in todo.standing.items():
        if standing == "damaged":
            path = key.path(results)
            aside = path.with_name(f"{path.name}.damaged")
            path.replace(aside)
            sys.stderr.write(f"benchmark: {path} is damaged; it is kept as {aside.name}, the run is done again\n")


def _show_sections(keys: list[RunKey], results: Path) -> None:
    for place in dict.fromkeys(f"{key.task}/{key.data}/{key.profile}" for key in keys):
        for section in leaderboard.sections(results, only=place):
            sys.stdout.write(f"\n{leaderboard.rounds_table(section)}\nplot: {leaderboard.picture(section, results)}\n")


def _show_missing(keys: list[RunKey], results: Path) -> None:
    """Files of a data set that could not be used, by name, as the manifests of the records have them."""
    for data in dict.fromkeys((key.task, key.data) for key in keys):
        paths = [key.path(results) for key in keys if (key.task, key.data) == data]
        manifests = [records.read(path).data["manifest"] for path in paths if path.exists()]
        missing = dict.fromkeys(str(name) for manifest in manifests for name in manifest.get("missing", ()))
        if missing:
            sys.stdout.write(f"{data[1]}: not used of its files: {len(missing)}\n")
            sys.stdout.writelines(f"  {name}\n" for name in missing)
