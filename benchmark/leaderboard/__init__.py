"""The leaderboard: a pure function of the results folder.

The same records give the same bytes, whatever the machine, the day, or the order in which files are read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmark.errors import RecordError, UsageError
from benchmark.files import write_whole
from benchmark.leaderboard.frame import frame
from benchmark.leaderboard.markdown import page
from benchmark.leaderboard.overview import anchors, in_order
from benchmark.leaderboard.plots import plot_sweep
from benchmark.leaderboard.rows import section
from benchmark.leaderboard.runs import load
from benchmark.leaderboard.summary import Section
from benchmark.leaderboard.terminal import rounds_table
from benchmark.records import Record

__all__ = [
    "Section",
    "build",
    "check",
    "frame",
    "path_of",
    "picture",
    "rounds_table",
    "sections",
    "write",
    "write_csv",
    "write_figures",
    "write_html",
]


def build(results: Path) -> str:
    """The page, as markdown.

    Raises
    ------
    RecordError
        Which record is damaged or contradicts another, and how to mend it.
    """
    return page(*_content(results))


def sections(
    results: Path, only: str | None = None, complete: Callable[[Record], Record] = lambda record: record
) -> list[Section]:
    """What the page says, as data.

    Parameters
    ----------
    only
        The beginning of a path below the results folder: `chords`, `chords/rendered/quick`. The smoke profile is read
        only where this names it, and never ranked.
    complete
        Adds to a record what it lacks; the page itself is made of nothing but what records hold.

    Raises
    ------
    RecordError
        Which record is damaged or contradicts another, and how to mend it.
    """
    benches, _ = load(results, only, complete)
    return [section(*key, bench) for key, bench in benches.items()]


def path_of(results: Path) -> Path:
    """Where the page belongs: beside the results folder."""
    return results.parent / "leaderboard.md"


def write(results: Path) -> Path:
    """Make the page anew where it belongs, and say where that is.

    Raises
    ------
    RecordError
        Which record is damaged or contradicts another, and how to mend it.
    """
    path = path_of(results)
    write_whole(path, build(results).encode())
    return path


def check(results: Path) -> None:
    """Compare the page with what the records give.

    Raises
    ------
    RecordError
        It is absent or differs.
    """
    path = path_of(results)
    if not path.is_file() or path.read_text(encoding="utf-8") != build(results):
        mend = f"python -m benchmark leaderboard --results {results}"
        raise RecordError(f"{path} is not what {results} gives; run: {mend}")


def write_html(results: Path, path: Path) -> None:
    """Write the page with its plots as one HTML file that needs nothing else.

    Raises
    ------
    RecordError
        Which record is damaged or contradicts another.
    UsageError
        The file cannot be written.
    """
    from benchmark.leaderboard.html import html

    found, unranked = _content(results)
    try:
        write_whole(path, html(page(found, unranked), found).encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def write_figures(results: Path, folder: Path) -> list[Path]:
    """Plot every table into a folder, and say where.

    Raises
    ------
    RecordError
        Which record is damaged or contradicts another.
    UsageError
        A file cannot be written.
    """
    found, _ = _content(results)
    paths = [folder / f"{anchor}.png" for anchor in anchors(found)]
    for section_, path in zip(found, paths, strict=True):
        plot_sweep(section_, path)
    return paths


def write_csv(results: Path, path: Path) -> None:
    """Write :func:`frame` as CSV.

    Raises
    ------
    RecordError
        Which record is damaged.
    UsageError
        The file cannot be written.
    """
    table = frame(results)
    try:
        table.to_csv(path, index=False)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def _content(results: Path) -> tuple[list[Section], int]:
    benches, unranked = load(results)
    return in_order([section(*key, bench) for key, bench in benches.items()]), unranked


def picture(section: Section, results: Path) -> Path:
    """Plot a section into `figures/` beside the results folder, and say where."""
    path = results.parent / "figures" / f"{section.task}-{section.data}-{section.profile}.png"
    plot_sweep(section, path)
    return path
