"""`new`: a skeleton of a criterion or a task that works as it is."""

from __future__ import annotations

import argparse
import sys


def add(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("kind", help="criterion or task")
    parser.add_argument("name", help="small letters, digits and _, as in my_criterion")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Write the files and say what comes next."""
    from benchmark.submission import skeletons

    written = skeletons.write(options.kind, options.name)
    named = f"--criterion {options.name} --task all" if options.kind == "criterion" else f"--task {options.name}"
    lines = [f"wrote {path}" for path in written]
    lines += [
        f"it works as it is; make it yours, then: python -m benchmark check {options.name}",
        f"to see it run, in seconds a task: python -m benchmark run {named} --profile smoke --seeds 0",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
