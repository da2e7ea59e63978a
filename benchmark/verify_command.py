"""`verify`: records recomputed."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from benchmark.errors import RecordError, UsageError

MOST = 12
"""Failures of one record that are printed."""


def add(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.description = (
        "Recompute records: where they lie, what they say of their method, protocol and budgets, parameters, MACs, "
        "bytes and memory from the widths, scores from the items, and, on data made again, scores from the weights "
        "that are at hand (in the cache, or beside the record). Exit code 3 if anything does not hold."
    )
    parser.add_argument(
        "record", nargs="*", metavar="RECORD", help="task/data/profile/method/seed0, or a file; none: all"
    )
    parser.add_argument("--sample", type=int, metavar="N", help="data and weights of N rounds only, by a fixed draw")
    parser.add_argument("--no-data", action="store_true", help="make no data again, so score no weights")
    parser.add_argument("--data-home", type=Path, metavar="DIR", help="where recordings are")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of records (default results/)")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print what does not hold, and what was done; 3 if anything does not hold."""
    if options.sample is not None and options.sample < 0:
        raise UsageError(f"--sample {options.sample}: give 0 or more")
    import torch

    from benchmark import records
    from benchmark.hardware.fit_command import find
    from benchmark.submission.findings import plain
    from benchmark.submission.record_check import misplaced, verify

    torch.set_num_threads(1)
    everything = not options.record
    if everything:
        records.require_folder(options.results)
    paths = sorted(records.find(options.results)) if everything else [find(n, options.results) for n in options.record]
    found, tally = verify(list(dict.fromkeys(paths)), options.data_home, options.sample, not options.no_data)
    lines = misplaced(options.results) if everything else []
    for path, of in found:
        shown = [str(failure) for failure in of.failures]
        lines += shown[:MOST] + ([f"{path}: and {len(shown) - MOST} more"] if len(shown) > MOST else [])
    failed = bool(lines)
    remarks = Counter(remark for _, of in found for remark in of.remarks)
    lines += [f"note: {count} of {tally.records} records: {plain(remark)}" for remark, count in remarks.items()]
    again = tally.again
    lines.append(
        f"{tally.records} records: {tally.records - tally.bad} hold, {tally.bad} do not; "
        f"{tally.nets} nets counted again, {len(again.data)} data sets made again, "
        f"{again.scored} nets scored again from weights ({again.without} without weights here)"
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return RecordError.exit_code if failed else 0
