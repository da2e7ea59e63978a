"""`compare`: two methods, paired, task by task and over all."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.description = (
        "Compare two methods on the tasks that both have records of: A - B with 95 % intervals from a paired bootstrap "
        "over seeds and the sources in them, round by round, over the curve, and as ranks over all tasks. What one of "
        "them lacks is shown as missing and never averaged over."
    )
    parser.add_argument("a", metavar="A", help="a method: magnitude, narrow+, random-finetune")
    parser.add_argument("b", metavar="B", help="another")
    parser.add_argument("--task", help="only these tasks, names with commas between")
    parser.add_argument("--profile", help="only this profile (default: all but smoke)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of records (default results/)")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print the comparison."""
    from benchmark.submission.comparing import compare
    from benchmark.submission.comparing_text import text

    tasks = options.task.split(",") if options.task else None
    compared = compare(options.results, options.a, options.b, tasks, options.profile)
    sys.stdout.write(text(compared) + "\n")
    return 0
