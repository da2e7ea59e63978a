"""The table of rounds that a person reads when runs have ended."""

from __future__ import annotations

from benchmark.leaderboard.summary import Cell, Row, Section
from benchmark.leaderboard.text import decimals, number


def rounds_table(section: Section) -> str:
    """Primary score of every method by round, mean over seeds, with the 95 % interval's half width."""
    from tabulate import tabulate

    places = decimals(section.rules.tolerance)
    rows = [row for row in section.rows if any(cell.score for cell in row.cells)]
    head = ["round", "parameters left", *(f"{row.method} ({len(row.seeds)})" for row in rows)]
    body = [
        [k, f"{100 * asked:.2f} %", *(_shown(row, k, places) for row in rows)]
        for k, asked in section.rounds
        if any(row.cell(k) for row in rows)
    ]
    place = f"{section.task}, {section.data}, {section.profile}"
    better = "higher" if section.rules.higher_is_better else "lower"
    title = f"{place}: {section.rules.metric}, {better} is better; mean over (seeds) +- half of the 95 % interval"
    return f"{title}\n{tabulate(body, head, disable_numparse=True, stralign='right')}"


def _shown(row: Row, k: int, places: int) -> str:
    cell: Cell | None = row.cell(k)
    if cell is None:
        return ""
    if cell.score is None:
        return f"{cell.have} of {cell.of} seeds"
    return f"{number(cell.score.value, places)} +- {number((cell.score.high - cell.score.low) / 2, places)}"
