"""`check`: a criterion or task through everything that the harness will ask of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import RecordError, UsageError, did_you_mean

if TYPE_CHECKING:
    from benchmark.plugins import Plugin
    from benchmark.submission.findings import Findings


def add(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.description = (
        "Run criteria and tasks through everything that the harness will ask of them, and say of each failure what, "
        "where and how to mend. Their code is executed, with all that it may do: check only what you would run."
    )
    parser.add_argument("plugin", nargs="+", metavar="PLUGIN", help="a name, a file (criterion) or a folder (task)")
    parser.add_argument("--data", help="of a task: the data set to look at (default: its first)")
    parser.add_argument("--data-home", type=Path, metavar="DIR", help="of a task: where the recordings are")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print what was found; 3 if anything fails."""
    chosen = [_find(name) for name in options.plugin]
    failed = 0
    for plugin in chosen:
        found = _checked(plugin, options)
        failed += len(found.failures)
        sys.stdout.write("\n".join(_lines(plugin, found)) + "\n")
        sys.stdout.flush()
    return RecordError.exit_code if failed else 0


def _find(name: str) -> Plugin:
    from benchmark import plugins

    known = plugins.criteria() | plugins.tasks()
    if name in known:
        return known[name]
    if Path(name).exists():
        return plugins.at(Path(name))
    raise UsageError(f"no criterion, task, file or folder {name!r}: {did_you_mean(name, known)}")


def _checked(plugin: Plugin, options: argparse.Namespace) -> Findings:
    import torch

    torch.set_num_threads(1)
    if plugin.path.is_dir():
        from benchmark.submission.task_check import check_task

        return check_task(plugin, options.data, options.data_home)
    from benchmark.submission.criterion_check import check_criterion

    return check_criterion(plugin)


def _lines(plugin: Plugin, found: Findings) -> list[str]:
    from benchmark.submission.findings import plain

    kind = "task" if plugin.path.is_dir() else "criterion"
    remarks = [f"  note: {plain(remark)}" for remark in found.remarks]
    if not found.failures:
        return [f"{kind} {plugin.name}: good, the harness can run it", *remarks]
    count = len(found.failures)
    head = f"{kind} {plugin.name}: {count} {'things' if count > 1 else 'thing'} to mend"
    return [head, *(f"  {finding}" for finding in found.failures), *remarks]
