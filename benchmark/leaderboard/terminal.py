"""The table of rounds that a person reads when runs have ended."""

from __future__ import annotations

from benchmark.leaderboard.summary import Cell, Row, Section


def rounds_table(section: Section) -> str:
    """Primary score of every method by round, mean over seeds, with the 95 % interval's half width."""
    from tabulate import tabulate

    rows = [row for row in section.rows if any(cell.score for cell in row.cells)]
    head = ["round", "parameters left", *(f"{row.method} ({len(row.seeds)})" for row in rows)]
    body = [
        [k, f"{100 * asked:.2f} %", *(_shown(row, k) for row in rows)]
        for k, asked in section.rounds
        if any(row.cell(k) for row in rows)
    ]
    place = f"{section.task}, {section.data}, {section.profile}"
    title = f"{place}: {section.rules.metric} (seeds), +- half of the 95 % interval"
    return f"{title}\n{tabulate(body, head, disable_numparse=True, stralign='right')}"


def _shown(row: Row, k: int) -> str:
    cell: Cell | None = row.cell(k)
    if cell is None:
        return ""
    if cell.score is None:
        return f"{cell.have} of {cell.of} seeds"
    return f"{cell.score.value:.3f} +- {(cell.score.high - cell.score.low) / 2:.3f}"
