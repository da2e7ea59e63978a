"""The errors a person can mend, each one line, each with its exit code.

Exit codes of the command line: 0 done, 1 some run failed, 2 usage, 3 an invalid record or submission.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class BenchError(Exception):
    """What is wrong, where, and how to mend it, in one line."""

    exit_code = 1


class UsageError(BenchError):
    """The command line, or what it names, is wrong."""

    exit_code = 2


class CriterionError(BenchError):
    """A criterion raised, or its scores cannot rank units."""


class DataError(BenchError):
    """A data set is absent, incomplete or damaged beyond rebuilding."""


class RecordError(BenchError):
    """A record does not say what a record must say."""

    exit_code = 3


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """End of an error line: the known names that begin so, else the nearest, else all of them."""
    known = sorted(known)
    begun = [other for other in known if name and other.startswith(name)]
    near = begun if 0 < len(begun) <= 3 else get_close_matches(name, known, n=2, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(repr(n) for n in near)}?"
    return f"known: {', '.join(known) if known else 'none'}"
