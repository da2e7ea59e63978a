"""A comparison as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from benchmark.leaderboard.statistics import Comparison
from benchmark.leaderboard.text import change, decimals, number
from benchmark.submission.comparing import Compared, Table
from benchmark.submission.findings import plain


def text(compared: Compared) -> str:
    """Tables, then what can be said over all of them."""
    blocks = ["\n".join(_table(compared, table)) for table in compared.tables]
    return "\n\n".join([*blocks, "\n".join(_overall(compared))])


def _table(compared: Compared, table: Table) -> Iterator[str]:
    from tabulate import tabulate

    a, b = compared.a, compared.b
    better = "higher" if table.rules.higher_is_better else "lower"
    yield f"{table.place}: {plain(table.rules.metric)} ({better} is better), {a} - {b}"
    if not table.cells:
        yield f"  {table.note or 'nothing to compare'}"
        return
    places = decimals(table.rules.tolerance)
    rows = []
    for cell in table.cells:
        shown = (
            (
                change(cell.difference.interval, places),
                cell.difference.interval.n,
                _who(compared, table, cell.difference),
            )
            if cell.difference
            else ("missing", "", cell.missing)
        )
        rows.append([cell.round, f"{100 * cell.asked:.2f} %", *shown])
    head = ["round", "parameters left", "difference, 95 % interval", "n", "told apart"]
    yield tabulate(rows, head, disable_numparse=True, colalign=("right", "right", "right", "right", "left"))
    if table.note:
        yield table.note
    yield _curve(compared, table, places)


def _curve(compared: Compared, table: Table, places: int) -> str:
    lacking = sum(cell.difference is None for cell in table.cells)
    if table.curve is None:
        return f"over the curve: not computed, {lacking} of {len(table.cells)} rounds are missing"
    c = table.curve
    said = f"over the curve: {change(c.interval, places)}, n = {c.interval.n} seeds"
    who = _who(compared, table, c)
    if c.interval.n < 2:
        return f"{said}; one seed says nothing about the luck of training, so nothing can be told apart"
    return f"{said}; {f'{who} is better' if who else f'{compared.a} and {compared.b} cannot be told apart'}"


def _who(compared: Compared, table: Table, c: Comparison) -> str:
    """The better one, where both the joint interval and the t interval over seeds say so."""
    sign = c.sign * table.direction
    return compared.a if sign > 0 else compared.b if sign < 0 else ""


def _overall(compared: Compared) -> Iterator[str]:
    a, b = compared.a, compared.b
    whole = [table for table in compared.tables if table.curve is not None]
    yield f"over all: {len(whole)} of {len(compared.tables)} tables are whole"
    if compared.ranks is None:
        yield f"  nothing can be told of {a} and {b}: no table is whole"
        return
    for name, rank in ((a, compared.ranks.a), (b, compared.ranks.b)):
        shown = f"{number(rank.value, 2)} [{number(rank.low, 2)}, {number(rank.high, 2)}]"
        yield f"  mean rank of {name}: {shown}, n = {compared.ranks.tables} tables"
    wins = {name: sum(_who(compared, t, t.curve) == name for t in whole if t.curve) for name in (a, b)}
    open_ = len(whole) - sum(wins.values())
    yield f"  better on {wins[a]}: {a}; better on {wins[b]}: {b}; not told apart on {open_}"
    if not sum(wins.values()):
        yield f"  nothing shows that {a} and {b} differ"
    yield "  told apart: 0 is outside the interval, widened for all that are read together, and a t interval over seeds"
