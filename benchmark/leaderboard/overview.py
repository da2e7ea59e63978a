"""The top of the page: one row a table, and one row a claim of the papers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchmark.leaderboard.claims import Judged
from benchmark.leaderboard.measures import Measured
from benchmark.leaderboard.origin import ORIGINS, origin
from benchmark.leaderboard.statistics import Comparison
from benchmark.leaderboard.summary import NARROW, Section
from benchmark.leaderboard.text import NOTHING, amount, change, decimals, percent, safe, score, signed
from benchmark.leaderboard.verdict import removed

PLACES = 3
Table = tuple[list[str], list[list[str]]]
"""Header and rows."""

RULES = """\
Each row is a claim and the difference that decides it, turned so that above zero speaks for the claim; its interval is
the 95 % one of the bootstrap over seeds and sources.

- **held**: of "without loss", the first net with the claimed share removed (of "fits", the largest that fits), and
  every larger one, is within the tolerance of dense by the one-sided 95 % bound; of a difference, the interval widened
  for the number of tables in the row *and* the t interval over seeds are above zero.
- **contradicted**: both intervals are below zero; of "without loss", of the last net with *less* than the claimed share
  removed, and below minus the tolerance. Of "fits", also where no net of the sweep does.
- **cannot be told**: neither, or a single seed.
- **not measured yet**: no table has all of the methods that the row needs, complete and on the same data. A table that
  lacks one is part of no figure, nor of "fits" one whose dense net fits.

A criterion is held against the plain mean of the others; a smaller net against dense by the round that is best on
validation. Differences of several tables are in several units, so they are shown from the least to the most, and one by
one at each table. Nets, data and steps are those of this bench and not the papers': a verdict is of these tables.
"""


def in_order(sections: Sequence[Section]) -> list[Section]:
    """Rendered data, then recordings; within each as they come."""
    order = list(ORIGINS)
    return sorted(sections, key=lambda s: order.index(origin(s.task, s.data)))


def overview(sections: Sequence[Section]) -> Table:
    """Header and rows of the summary, each linked to its table."""
    header = ["task", "data", "profile", "n", "test sources", "parameters", "dense", "lossless: removed"]
    header += ["best criterion − random", f"best ticket − {NARROW}"]  # noqa: RUF001
    targets = anchors(sections)
    return header, [_row(s, target) for s, target in zip(sections, targets, strict=True)]


def claim_rows(found: Sequence[Judged], tables: int) -> Table:
    """Header and rows of the claims, numbered from 1, over so many tables."""
    header = ["", "claim", "verdict", "difference", "n", "tables", "measured as", "paper"]
    return header, [[str(number), *_claim(j, tables)] for number, j in enumerate(found, 1)]


def claims_here(found: Sequence[Judged], table: int, places: int) -> Table:
    """Header and rows of the claims that one table measures."""
    header = ["", "claim", "verdict", "difference", "n", "measured as"]
    rows = []
    for number, j in enumerate(found, 1):
        for m, verdict in ((f.measured, f.verdict) for f in j.findings if f.table == table):
            at = f", {percent(m.budget)} removed" if m.budget is not None else ""
            rows.append([str(number), safe(j.claim.text), verdict, change(m.interval, places), _n([m]), _how(j) + at])
    return header, rows


def anchor(title: str) -> str:
    """The link target that a heading has where the page is shown: letters, digits, `-` and `_` are kept."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def anchors(sections: Sequence[Section]) -> list[str]:
    """Of every section's heading; headings of the same words are numbered from the second on."""
    found: list[str] = []
    for section in sections:
        name = anchor(section.title)
        earlier = sum(other == name or re.fullmatch(re.escape(name) + r"-\d+", other) is not None for other in found)
        found.append(f"{name}-{earlier}" if earlier else name)
    return found


def _row(s: Section, target: str) -> list[str]:
    places = decimals(s.rules.tolerance)
    first = next((row for row in s.rows if row.rank == 1), None)
    gone = f"{removed(first)} ({safe(first.method)})" if first and first.lossless and first.lossless.round else "none"
    rows = [row for row in s.rows if row.kind == "sweep" and row.status == "complete"]
    lower = "" if s.rules.higher_is_better else " (lower is better)"
    return [
        f"[{safe(s.task)}](#{target})",
        safe(s.data) + (f" (without {len(s.missing)} files)" if s.missing else ""),
        safe(s.profile),
        str(len(s.seeds)),
        "–".join(map(str, sorted({min(s.sources), max(s.sources)}))) if s.sources else NOTHING,  # noqa: RUF001
        amount(s.dense.parameters) if s.dense and s.dense.parameters else NOTHING,
        score(s.dense.score, places) + lower if s.dense and s.dense.score else "missing",
        gone if first else NOTHING,
        _best(s, [row.against_random for row in rows], places),
        _best(s, [row.against_narrow for row in rows], places),
    ]


def _best(s: Section, found: Sequence[Comparison | None], places: int) -> str:
    """The best difference, in bold where it is shown to be a gain."""
    known = [c for c in found if c]
    if not known:
        return "not measured"
    best = max(known, key=lambda c: (s.direction * c.interval.value, c.method))
    shown = f"{safe(best.method)} {change(best.interval, places)}"
    return f"**{shown}**" if best.sign == s.direction else shown


def _claim(j: Judged, tables: int) -> list[str]:
    claim, found = j.claim, [f.measured for f in j.findings]
    measured = f"{len(found)} of {tables}"
    if not found:
        return [
            *(safe(claim.text), j.verdict, NOTHING, NOTHING, measured),
            *(safe(claim.why) or _how(j), safe(claim.paper)),
        ]
    values = [m.interval for m in found]
    least, most = (signed(pick(v.value for v in values), PLACES) for pick in (min, max))
    shown = change(values[0], PLACES) if len(values) == 1 else f"{least} to {most}"
    return [safe(claim.text), f"**{j.verdict}**", shown, _n(found), measured, _how(j), safe(claim.paper)]


def _n(found: Sequence[Measured]) -> str:
    seeds = sorted({m.interval.n for m in found})
    return f"{'–'.join(map(str, {seeds[0]: 0, seeds[-1]: 0}))} seeds, {sum(sum(m.sources) for m in found)} sources"  # noqa: RUF001


def _how(j: Judged) -> str:
    claim = j.claim
    if claim.measure == "difference":
        over = safe(claim.over[0]) if len(claim.over) == 1 else f"mean of {', '.join(map(safe, claim.over))}"
        pair = f"{safe(claim.method)} − {over}"  # noqa: RUF001
        return f"{over} − {safe(claim.method)}" if claim.less else pair  # noqa: RUF001
    if claim.measure == "multiplier":
        return f"{claim.factor:g} × error of dense − error of {safe(claim.method)}"  # noqa: RUF001
    if claim.measure == "embedded":
        return f"largest net of {safe(claim.method)} that fits − dense"  # noqa: RUF001
    return f"{safe(claim.method)} − dense"  # noqa: RUF001
