"""The leaderboard: a pure function of the results folder.

The same records give the same bytes, whatever the machine, the day, or the order in which files are read.
"""

from __future__ import annotations

from pathlib import Path

from benchmark.leaderboard.markdown import page
from benchmark.leaderboard.rows import section
from benchmark.leaderboard.runs import load
from benchmark.leaderboard.summary import Section

__all__ = ["Section", "build", "path_of", "sections"]


def build(results: Path) -> str:
    """The page, as markdown.

    Raises
    ------
    RecordError
        Which record is damaged or contradicts another, and how to mend it.
    """
    benches, unranked = load(results)
    return page([section(*key, bench) for key, bench in benches.items()], unranked)


def sections(results: Path, only: str | None = None) -> list[Section]:
    """What the page says, as data.

    Parameters
    ----------
    only
        The beginning of a path below the results folder: `chords`, `chords/rendered/quick`. The smoke profile is read
        only where this names it, and never ranked.

    Raises
    ------
    RecordError
        Which record is damaged or contradicts another, and how to mend it.
    """
    benches, _ = load(results, only)
    return [section(*key, bench) for key, bench in benches.items()]


def path_of(results: Path) -> Path:
    """Where the page belongs: beside the results folder."""
    return results.parent / "leaderboard.md"
