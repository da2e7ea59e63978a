"""Everything that the harness will ask of a task: its card, its nets, its data, its score."""

from __future__ import annotations

import ast
import math
from pathlib import Path

from benchmark.errors import BenchError
from benchmark.metrics import REDUCTIONS
from benchmark.plugins import Plugin, task_of
from benchmark.submission.findings import Findings
from benchmark.submission.net_check import check_net
from benchmark.submission.skeletons import misnamed
from benchmark.submission.split_check import check_data
from benchmark.submission.stated_card import check_card, check_docstring
from benchmark.task import PROFILES, Card, DataSet, Metric, Task

USUAL_TOLERANCE = 0.02


def check_task(plugin: Plugin, data: str | None, home: Path | None) -> Findings:
    """All that is wrong with a task.

    Parameters
    ----------
    data
        The data set to look at; None: its first.
    home
        Where its recordings are, if it has any.
    """
    found = Findings()
    where = str(plugin.path)
    if why := misnamed(plugin.name):
        found.fail(where, f"{plugin.name!r} cannot be the name of a task: {why}", "rename the folder")
    check_docstring(plugin, found)
    _imports(plugin, found)
    try:
        task = task_of(plugin)
    except BenchError as error:
        found.fail(where, str(error).removeprefix(f"{where} "), "the contract is benchmark/task.py")
        return found
    if not _stated(plugin, task, found):
        return found
    names = [of.name for of in task.datasets]
    chosen = data or names[0]
    if not found.require(chosen in names, where, f"has no data set {chosen!r}", f"it has {', '.join(names)}"):
        return found
    task = task.on(chosen)
    whole = []
    for profile in PROFILES:
        with found.guarding(f"model, profile {profile}", "the contract is benchmark/task.py"):
            whole.append(check_net(task, profile, found))
    if len(whole) == len(PROFILES) and all(whole):
        _data(plugin, task, chosen, home, found)
    return found


def _imports(plugin: Plugin, found: Findings) -> None:
    """A copy of the folder under another name is another task, so it must not name itself."""
    for path in sorted(plugin.path.rglob("*.py")):
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue  # importing it says so
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            if any(name == "tasks" or name.startswith("tasks.") for name in names):
                line = getattr(node, "lineno", 0)
                found.fail(
                    f"{path}:{line}", "imports from `tasks` by name", "inside the folder write from .data import ..."
                )


def _stated(plugin: Plugin, task: Task, found: Findings) -> bool:
    """Whether what a task is rests on whole attributes."""
    where = str(plugin.path)
    missing = [name for name in ("card", "version", "metrics", "datasets") if not hasattr(task, name)]
    if missing:
        found.fail(where, f"the task has no {' and no '.join(missing)}", "the contract is benchmark/task.py")
        return False
    before = len(found.failures)
    if found.require(isinstance(task.card, Card), where, "`card` is no Card", "card = Card(title=..., ...)"):
        check_card(task.card, where, found)
    version = task.version
    found.require(type(version) is int and version > 0, where, f"version {version!r}", "give 1, 2, ...")
    metrics = [metric for metric in task.metrics if isinstance(metric, Metric)]
    found.require(
        bool(metrics) and len(metrics) == len(task.metrics),
        where,
        "`metrics` is no tuple of Metric",
        "name one or more",
    )
    for metric in metrics:
        _metric(plugin.name, metric, where, found)
    tolerance = task.tolerance
    usable = isinstance(tolerance, float) and math.isfinite(tolerance) and tolerance > 0
    found.require(usable, where, f"tolerance {tolerance!r}", f"give a number above 0, as {USUAL_TOLERANCE}")
    if usable and tolerance != USUAL_TOLERANCE and "tolerance" not in task.card.notes:
        found.fail(where, f"the tolerance is {tolerance:g} and not {USUAL_TOLERANCE}", "say why in the card's notes")
    sets = [of for of in task.datasets if isinstance(of, DataSet)]
    found.require(
        bool(sets) and len(sets) == len(task.datasets), where, "`datasets` is no tuple of DataSet", "name one"
    )
    for of in sets:
        found.require(bool(of.title and of.licence), where, f"data set {of.name!r} lacks title or licence", "add it")
    if len(found.failures) == before and sets[0].needs_home:
        found.remark(f"its default data set {sets[0].name!r} needs recordings: nobody can try the task without them")
    return len(found.failures) == before


def _metric(name: str, metric: Metric, where: str, found: Findings) -> None:
    known = ", ".join(REDUCTIONS)
    found.require(
        metric.reduction in REDUCTIONS,
        where,
        f"metric {metric.id!r} has the unknown reduction {metric.reduction!r}",
        f"known: {known}",
    )
    stem, _, version = metric.id.rpartition(".v")
    found.require(
        stem.startswith(f"{name}.") and version.isdigit(),
        where,
        f"metric id {metric.id!r}",
        f"begin it with {name}. and end it with its version, as in {name}.accuracy.v1",
    )


def _data(plugin: Plugin, task: Task, name: str, home: Path | None, found: Findings) -> None:
    needs_home = next(of for of in task.datasets if of.name == name).needs_home
    if needs_home and home is None:
        found.remark(f"data of {name!r} were not looked at: they are recordings, say where with --data-home DIR")
        return
    with found.guarding(f"data {name!r}, smoke, seed 0", "the contract is benchmark/task.py"):
        check_data(plugin, task, name, home, found)
