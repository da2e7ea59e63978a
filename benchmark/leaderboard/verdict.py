"""What a section shows, in plain sentences that are computed from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmark.leaderboard.statistics import Comparison
from benchmark.leaderboard.summary import Row, Section
from benchmark.leaderboard.text import amount, change, decimals, number, percent, signed

MAX_SHOWN = 2
"""Comparisons of a sentence that are given with their figures."""


def verdict(section: Section) -> tuple[str, ...]:
    """Sentences: how far without loss, whether a criterion beats random units, a ticket a narrow net, and the reset."""
    # A method that chose its seeds, or failed on some, has no part in a sentence.
    sweeps = [row for row in section.rows if row.kind == "sweep" and row.status == "complete"]
    random = [row.against_random for row in sweeps if row.against_random]
    narrow = [row.against_narrow for row in sweeps if row.against_narrow]
    return (
        _lossless(section),
        *_contest(section, random, "criterion", "random units", "the curve"),
        *_contest(section, narrow, "ticket", "a narrow net trained as long (narrow+)", "the control budgets"),
        *_resets(section),
    )


def _lossless(section: Section) -> str:
    ranked = [row for row in section.rows if row.rank is not None]
    if not ranked:
        return "Undecided: no sweep is complete."
    first, deepest = ranked[0], [row.method for row in ranked if row.rank == 1]
    tolerance = f"{section.rules.tolerance:g}"
    if not first.lossless or first.lossless.round == 0:
        return f"No sweep is shown to hold the dense score within {tolerance}, not even at its first cut."
    size = f"{amount(section.dense.parameters)} " if section.dense and section.dense.parameters else ""
    gone = f"{removed(first)} of the {size}parameters gone"
    return f"Held within {tolerance} of dense: {gone} ({_names(deepest)})."


def removed(row: Row) -> str:
    """How much of the parameters is gone at the lossless point, `94.2 %`; with a sign where none was seen to fail."""
    cell = row.cell(row.lossless.round) if row.lossless else None
    if not row.lossless or cell is None or cell.reached is None:
        return ""
    return ("≥ " if row.lossless.open else "") + percent(1 - cell.reached)


def _contest(section: Section, found: Sequence[Comparison], who: str, whom: str, where: str) -> Iterator[str]:
    if not found:
        yield f"Whether a {who} beats {whom} was not measured."
        return
    places, sign = decimals(section.rules.tolerance), section.direction
    best_first = sorted(found, key=lambda c: (-sign * c.interval.value, c.method))
    wins = [c for c in best_first if c.sign == sign]
    losses = [c for c in best_first if c.sign == -sign]
    of = f"{len(found)} compared over {where}"
    if max(c.interval.n for c in found) < 2:
        yield f"Whether a {who} beats {whom} is open: one seed says nothing about the luck of training."
    elif wins:
        yield f"Better than {whom}: {_listed(wins, places)} ({of})."
    else:
        yield f"No {who} is shown to beat {whom}: the best difference is {_shown(best_first[0], places)} ({of})."
    if losses:
        yield f"Worse than {whom}: {_listed(losses[::-1], places)}."


def _resets(section: Section) -> Iterator[str]:
    places, sign = decimals(section.rules.tolerance), section.direction
    for wanted, said in ((sign, "better than"), (-sign, "worse than"), (0, "not shown to differ from")):
        if found := [c for c in section.resets if c.sign == wanted]:
            yield f"Finetuning is {said} rewinding over the curve: {_listed(found, places)}."


def _listed(found: Sequence[Comparison], places: int) -> str:
    """The first in full, then names: a sentence has an end."""
    shown = "; ".join(_shown(c, places) for c in found[:MAX_SHOWN])
    return f"{shown}; and {_names([c.method for c in found[MAX_SHOWN:]])}" if len(found) > MAX_SHOWN else shown


def _shown(c: Comparison, places: int) -> str:
    seeds = ", ".join(signed(x, places) for x in c.interval.seeds)
    return f"{c.method} {change(c.interval, places)}, by seed {seeds}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {number(len(names) - 4, 0)} more" if len(names) > 4 else "")
