"""`renew`: stale records made current, where today's code gives the same."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmark.errors import BenchError, UsageError


def add(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.description = (
        "Do rounds of stale records again with the code that is here: the dense net and one round by lot, from the "
        "weights that their run left on this computer. A record whose rounds come out the same, to the last score of "
        "the last test item, is current from then on and says so; one that differs is left, to be measured again with "
        "run --redo stale. Exit code 1 if a record could not be renewed."
    )
    parser.add_argument(
        "record", nargs="*", metavar="RECORD", help="task/data/profile/method/seed0, or a file; none: all stale ones"
    )
    parser.add_argument("--rounds", metavar="K[,K]", help="these rounds instead")
    parser.add_argument("--data-home", type=Path, metavar="DIR", help="where recordings are")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of records (default results/)")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Renew, one line a record; 1 if any could not be."""
    try:
        wanted = tuple(int(k) for k in options.rounds.split(",")) if options.rounds else ()
    except ValueError as error:
        raise UsageError(f"--rounds {options.rounds}: whole numbers with commas between, as 0,7") from error
    import torch

    from benchmark import records
    from benchmark.hardware.fit_command import find

    torch.set_num_threads(1)
    paths = [find(name, options.results) for name in options.record] or sorted(records.find(options.results))
    found = [_renewed(path, wanted, options.data_home) for path in dict.fromkeys(paths)]
    left = found.count(False)
    sys.stdout.write(f"{len(found)} records: {found.count(True)} renewed, {found.count(None)} current, {left} left\n")
    return 1 if left else 0


def _renewed(path: Path, wanted: tuple[int, ...], home: Path | None) -> bool | None:
    """None where the record is current."""
    from benchmark import methods, records
    from benchmark.renewal import renew, representative
    from benchmark.staleness import code_digests

    try:
        record = records.read(path)
        if record.code == code_digests(methods.method(record.run.method), record.run.task):
            return None
        found = renew(path, wanted or representative(record), home)
    except BenchError as error:
        _say(str(error))
        return False
    done = ", ".join(map(str, found.repeated))
    _say(
        f"{record.run}: left: {found.differs}" if found.differs else f"{record.run}: renewed, the same in rounds {done}"
    )
    return not found.differs


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
