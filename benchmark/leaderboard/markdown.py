"""The page `leaderboard.md`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from benchmark.leaderboard.boards_text import blocks as board_blocks
from benchmark.leaderboard.claims import judged
from benchmark.leaderboard.origin import ORIGINS, origin
from benchmark.leaderboard.overview import RULES, Table, claim_rows, claims_here, overview
from benchmark.leaderboard.statistics import Comparison
from benchmark.leaderboard.summary import DENSE_PLUS, NARROW, Cell, Row, Section
from benchmark.leaderboard.text import NOTHING, amount, change, decimals, number, percent, safe, score
from benchmark.leaderboard.verdict import removed, verdict

MAX_MISSING = 5
MULTIPLIER_PLACES = 3

INTRODUCTION = """\
# Leaderboard

Trimming criteria on the same tasks, the same budgets and the same scales. This page is generated from the records in
the results folder by `python -m benchmark leaderboard`; do not edit it.
"""

READING = """\
## How to read the tables

- **Method.** A criterion's name alone is its sweep with survivors rewound to their early weights; `-finetune` goes on
  from their trained weights; `-reinit` has the widths of its tickets and fresh weights; `-masked` holds the units at
  zero instead of cutting them; `masking` does so with single weights. `random` cuts random units.
  `narrow` is the reference net made narrower, from scratch; `narrow-again` the same trained a second time; `narrow+`
  the same with all the steps that a ticket has had; `dense+` the dense net with more steps. What other variants do,
  `python -m benchmark show NAME` says.
- **Lossless** is the largest cut whose test score is not worse than dense by more than the task's tolerance, by the
  one-sided 95 % bound of the paired difference, where every larger net of the sweep holds too; "≥" where no smaller
  net was seen to fail. Equal lossless rounds share a rank. **Best** is the round with the best mean: the best of many,
  so a little flattered.
- **Intervals** [low, high] are 95 % percentile intervals of a paired bootstrap over seeds and over the sources of each
  seed's test set (2,000 draws); where every source is of one class, sources are drawn class by class. Every seed has
  its own test set, the same for all methods. With few seeds they cover the luck of training only roughly, so training
  noise is shown beside them. A sentence that calls one method better or worse than another wants more: an interval
  widened for the number of comparisons *and* a t interval over seeds, both on one side of zero.
- A cell that not every seed of a method has is *missing*, and no mean is taken over it. Time is one call on one CPU
  thread over the dense net's in the same run [quartiles].
- **Boards**: the smallest lossless ticket that fits, else the best that does, else the one that is nearest to fitting;
  of the seed that takes most. *fits*: inside the board's rules (a share of flash and RAM, half of the time; 70 % under
  Linux); *tight*: inside its datasheet; *slow*: in memory, but slower than the audio; *no*: not even in memory; "?"
  where the other end of the time's error band says otherwise. *Executed*: compiled for the board and run in emulation
  or on the processor; *estimated*: by counting; *paper rule*: by the limits of the second paper's Table 1. A score is
  that of the fp32 net unless a table says that it is of what was executed.
"""

EMPTY = """\
There are no ranked results yet. Make some, and this page again:

    python -m benchmark run --task all
    python -m benchmark leaderboard
"""


def page(sections: Sequence[Section], unranked: int) -> str:
    """The whole page.

    Parameters
    ----------
    sections
        Those of one origin one after another.
    unranked
        Number of records that were left out because their profile is not for ranking.
    """
    parts = [INTRODUCTION, *_body(sections)] if sections else [INTRODUCTION, EMPTY]
    if unranked:
        records = "1 record" if unranked == 1 else f"{unranked} records"
        parts.append(f"Left out: {records} of the smoke profile, which shows only that the code runs.\n")
    return "\n".join(parts)


def _body(sections: Sequence[Section]) -> Iterator[str]:
    bold = "In bold what is shown to be a gain; without it, a difference that luck can explain, or a loss."
    yield f"## Summary\n\n{_table(*overview(sections))}\n\n{bold}\n"
    found = judged([s.claims for s in sections])
    yield f"## What the papers claim\n\n{RULES}\n{_table(*claim_rows(found, len(sections)))}\n"
    yield READING
    for name, group in groupby(enumerate(sections), lambda pair: origin(pair[1].task, pair[1].data)):
        yield f"## {ORIGINS[name]}\n"
        yield from (_section(s, claims_here(found, n, decimals(s.rules.tolerance))) for n, s in group)


def _section(s: Section, claims: Table) -> str:
    places = decimals(s.rules.tolerance)
    better = "higher" if s.rules.higher_is_better else "lower"
    blocks = [
        f"### {safe(s.title)}",
        f"{safe(s.rules.metric)}, {better} is better, tolerance {s.rules.tolerance:g}; "
        f"task version {s.rules.task}, protocol version {safe(s.rules.protocol)}.",
        "\n".join(f"- {safe(line)}" for line in verdict(s)),
        _reference(s, places),
        *_partial(s),
        "#### Sweeps",
        _sweeps(s, places),
        *_variants(s, places),
        *_controls(s, places),
        "#### Curve",
        "Mean score by parameters left.",
        _curve(s, places),
        *_multipliers(s),
        *(["#### What the papers claim, here", _table(*claims)] if claims[1] else []),
        *(board_blocks(s, places) if any(row.kind == "sweep" for row in s.rows) else []),
        *(["\n".join(f"- {safe(note)}" for note in s.notes)] if s.notes else []),
    ]
    return "\n\n".join(blocks) + "\n"


def _reference(s: Section, places: int) -> str:
    facts = []
    if s.dense and s.dense.score and s.dense.parameters:
        facts.append(f"{amount(s.dense.parameters)} parameters, score {score(s.dense.score, places)}")
    else:
        facts.append("dense score missing")
    facts.append(f"{len(s.seeds)} seed{'s' if len(s.seeds) > 1 else ''} ({', '.join(map(str, s.seeds))})")
    if len(s.seeds) == 1:
        facts.append("intervals from sources only")
    if s.sources:
        facts.append(f"test sources by seed {', '.join(map(str, s.sources))}")
    facts.append(f"gain by more steps (dense+) {change(s.dense_plus, places) if s.dense_plus else 'not measured'}")
    if s.noise:
        facts.append(f"training noise of one net {number(s.noise.sd, places + 1)} (sd, {s.noise.n} pairs)")
    else:
        facts.append("training noise not measured")
    machines = "; ".join(map(safe, s.machines))
    several = " (more than one machine: compare times within a run only)" if len(s.machines) > 1 else ""
    return f"Reference: {'; '.join(facts)}. Measured on {machines}{several}."


def _partial(s: Section) -> Iterator[str]:
    if s.missing:
        shown = "; ".join(safe(entry) for entry in s.missing[:MAX_MISSING])
        more = f"; and {len(s.missing) - MAX_MISSING} more" if len(s.missing) > MAX_MISSING else ""
        files = "1 file" if len(s.missing) == 1 else f"{len(s.missing)} files"
        yield f"**Partial data**: without {files} that could not be used: {shown}{more}."


def _sweeps(s: Section, places: int) -> str:
    header = ["", "method", "n", "status", "dense", "lossless: removed", "parameters", "MACs", "bytes", "time / dense"]
    multiplied = ["best / dense"] if any(row.best and row.best.multiplier for row in s.rows) else []
    header += ["best (left)", *multiplied, "curve − random", f"control budgets − {NARROW}"]  # noqa: RUF001
    rows = []
    for row in (r for r in s.rows if r.kind != "control"):
        held = row.cell(row.lossless.round) if row.lossless else None
        rows.append(
            [
                str(row.rank) if row.rank else NOTHING,
                safe(row.method),
                str(len(row.seeds)),
                safe(row.status),
                _score(row.cell(0), places),
                *_costs(row, held),
                _best(row.best, places),
                *([_multiplier(row.best)] if multiplied else []),
                _change(row.against_random, places),
                _change(row.against_narrow, places),
            ]
        )
    return _table(header, rows) if rows else "No sweeps yet."


def _best(cell: Cell | None, places: int) -> str:
    if cell is None or cell.reached is None:
        return NOTHING
    return f"{_score(cell, places)} ({percent(cell.reached)})"


def _costs(row: Row, held: Cell | None) -> list[str]:
    if row.lossless and row.lossless.round == 0:
        return ["none", *([NOTHING] * 4)]
    if held is None or held.latency_ratio is None:
        return [NOTHING] * 5
    lower, middle, upper = held.latency_ratio
    dense = row.cell(0)
    figures = [_cost(getattr(held, name), getattr(dense, name, None)) for name in ("parameters", "macs", "bytes")]
    partly = row.kind == "masked" and held.parameters != getattr(dense, "parameters", None)
    gone = removed(row) + (" partly masked" if partly else " masked" if row.kind == "masked" else "")
    return [gone, *figures, f"{middle:.2f} [{lower:.2f}, {upper:.2f}]"]


def _cost(value: float | None, dense: float | None) -> str:
    if value is None:
        return NOTHING
    return "as dense" if value == dense else amount(value)


def _variants(s: Section, places: int) -> Iterator[str]:
    if not s.variants:
        return
    header = ["variant", "standard", "n", "rounds", "difference over rounds in common", "told apart"]
    said = {1: "better", 0: "no", -1: "worse"}
    rows = [
        [
            *(safe(v.comparison.method), safe(v.comparison.other), str(v.comparison.interval.n), str(len(v.rounds))),
            change(v.comparison.interval, places),
            said[v.comparison.sign * s.direction],
        ]
        for v in s.variants
    ]
    yield "#### Variants against the standard"
    yield _table(header, rows)


def _controls(s: Section, places: int) -> Iterator[str]:
    rounds = s.control_rounds
    if not rounds:
        return
    budgets = dict(s.rounds)
    header = ["method", "n", "status", *(f"{percent(budgets[k])} left" for k in rounds), f"mean − {NARROW}"]  # noqa: RUF001
    rows = [
        [
            *(safe(row.method), str(len(row.seeds)), safe(row.status)),
            *(_score(row.cell(k), places) for k in rounds),
            _change(row.against_narrow, places),
        ]
        for row in sorted(s.rows, key=lambda r: r.kind != "control")
        if any(row.cell(k) for k in rounds)
    ]
    yield "#### Controls beside the sweeps"
    yield _table(header, rows)


def _curve(s: Section, places: int) -> str:
    header = ["method", *(percent(asked) for _, asked in s.rounds)]
    rows = [[safe(row.method), *(_mean(row.cell(k), places) for k, _ in s.rounds)] for row in s.rows]
    return _table(header, rows)


def _multipliers(s: Section) -> Iterator[str]:
    rows = [row for row in s.rows if any(cell.multiplier for cell in row.cells)]
    if not rows:
        return
    rounds = [(k, asked) for k, asked in s.rounds if k or any(row.method == DENSE_PLUS for row in rows)]
    yield "#### Error multiplier"
    yield "Test error over that of dense on the same seeds, as the second paper has it, by parameters left."
    header = ["method", *(percent(asked) for _, asked in rounds)]
    yield _table(header, [[safe(row.method), *(_multiplier(row.cell(k)) for k, _ in rounds)] for row in rows])


def _multiplier(cell: Cell | None) -> str:
    if cell and cell.multiplier:
        return "1" if cell.multiplier.low == cell.multiplier.high == 1 else score(cell.multiplier, MULTIPLIER_PLACES)
    return _mean(cell, 0) if cell and not cell.score else NOTHING


def _score(cell: Cell | None, places: int) -> str:
    return score(cell.score, places) if cell and cell.score else _mean(cell, places)


def _mean(cell: Cell | None, places: int) -> str:
    if cell is None:
        return NOTHING
    return number(cell.score.value, places) if cell.score else f"missing ({cell.have} of {cell.of})"


def _change(comparison: Comparison | None, places: int) -> str:
    return change(comparison.interval, places) if comparison else NOTHING


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from tabulate import tabulate

    return tabulate(rows, header, tablefmt="github", disable_numparse=True)
