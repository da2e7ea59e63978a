"""From runs to rows: what is compared with what, what is shown, what is ranked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import mean, median

from benchmark.leaderboard import boards, claims, statistics
from benchmark.leaderboard.notes import machines, missing, notes
from benchmark.leaderboard.runs import UNRANKED, Bench, Rules
from benchmark.leaderboard.statistics import Comparison, Scores, interval
from benchmark.leaderboard.summary import DENSE_PLUS, NARROW, RANDOM, Cell, Row, Section, Variant
from benchmark.records import KINDS, Record

Rounds = tuple[int, ...]


def section(task: str, data: str, profile: str, rules: Rules, bench: Bench) -> Section:
    """Sum up one bench.

    Raises
    ------
    RecordError
        Its scores cannot be resampled, or two records contradict each other.
    """
    firsts = {method: _first(bench, method) for method in bench.methods}
    sweeps, masked = ([m for m, record in firsts.items() if record.kind == kind] for kind in ("sweep", "masked"))
    reference = RANDOM if RANDOM in sweeps else min(sweeps or masked, default=None)

    def curve(method: str, other: str) -> Rounds:
        return tuple(sorted({*bench.rounds(method), *bench.rounds(other)} - {0}))

    def controls(method: str, other: str) -> Rounds:
        return bench.rounds(other)

    variants = {m: m.removeprefix(str(firsts[m].criterion)) for m in sweeps}
    random = {m: r for m in sweeps if (r := RANDOM + variants[m]) in sweeps and r != m}
    narrow = {m: NARROW for m in bench.methods if m not in (NARROW, DENSE_PLUS)}
    finetuned = [m for m in sweeps if firsts[m].reset == "finetune"]
    rewound = {m: c for m in finetuned if (c := m.removesuffix("-finetune")) in sweeps}
    against_random = _compared(bench, random, curve)
    against_narrow = _compared(bench, narrow, controls)

    rows = [
        replace(
            _row(bench, method, firsts[method], rules, reference),
            against_random=against_random.get(method),
            against_narrow=against_narrow.get(method),
        )
        for method in bench.methods
    ]
    rows = _in_order(rows, rules, ranked=profile != UNRANKED)
    gain = bench.differences(DENSE_PLUS, reference, (0,)) if reference and DENSE_PLUS in bench.methods else None
    return Section(
        *(task, data, profile, rules, _seeds(bench)),
        sources=_sources(bench, reference),
        reference=reference,
        dense=next((row.cell(0) for row in rows if row.method == reference), None),
        dense_plus=interval(gain[0]) if gain else None,
        noise=statistics.training_noise(bench.pairs("narrow", "narrow-again")),
        rows=tuple(rows),
        resets=tuple(_compared(bench, rewound, curve).values()),
        machines=machines(bench),
        notes=notes(bench, rules, reference, sweeps, masked),
        boards=boards.summary(bench, rows, rules),
        variants=_variants(bench, firsts),
        claims=claims.measured(bench, rules, [row.method for row in rows if row.status == "complete"]),
        missing=missing(bench),
    )


def _first(bench: Bench, method: str) -> Record:
    return next(iter(bench.methods[method].values())).record


def _seeds(bench: Bench) -> tuple[int, ...]:
    return tuple(sorted({seed for method in bench.methods for seed in bench.seeds(method)}))


def _sources(bench: Bench, reference: str | None) -> tuple[int, ...]:
    order = [*bench.methods, *([reference] if reference else [])]
    counts = {seed: len(run.sources) for m in order for seed, run in bench.methods[m].items() if run.sums}
    return tuple(counts[seed] for seed in sorted(counts))


def _compared(bench: Bench, partners: Mapping[str, str], rounds: Callable[[str, str], Rounds]) -> dict[str, Comparison]:
    """Mean differences over rounds, of every pair that is whole; all of them are one family."""
    found: dict[str, Scores] = {}
    for method, other in partners.items():
        differences = bench.differences(method, other, rounds(method, other))
        if differences is not None:
            found[method] = statistics.mean(differences)
    return {m: statistics.difference(m, partners[m], scores, len(found)) for m, scores in found.items()}


def _variants(bench: Bench, firsts: Mapping[str, Record]) -> tuple[Variant, ...]:
    """Every variant against its criterion's standard, over the rounds that both have in full."""

    def whole(method: str) -> set[int]:
        return {k for k in bench.rounds(method) if k and bench.scores(method, k) is not None}

    standard = {m: str(record.criterion) for m, record in firsts.items() if record.criterion not in (None, m)}
    rounds = {m: tuple(sorted(whole(m) & whole(c))) for m, c in standard.items() if c in bench.methods}
    compared = _compared(bench, {m: standard[m] for m in rounds}, lambda method, _: rounds[method])
    return tuple(Variant(comparison, rounds[m]) for m, comparison in compared.items())


def _row(bench: Bench, method: str, first: Record, rules: Rules, reference: str | None) -> Row:
    scores = {k: s for k in bench.rounds(method) if (s := bench.scores(method, k)) is not None}
    dense = None if rules.higher_is_better else _dense(bench, method, reference)
    cells = tuple(_cell(bench, method, k, scores.get(k), dense) for k in bench.rounds(method))
    swept = first.kind != "control" and 0 in scores
    return Row(
        *(method, first.kind, first.criterion, first.reset),
        status=_status(bench, method, reference),
        rank=None,
        seeds=bench.seeds(method),
        cells=cells,
        lossless=statistics.lossless(scores, rules.tolerance, rules.higher_is_better) if swept else None,
        best=_best(cells, rules) if swept else None,
        against_random=None,
        against_narrow=None,
    )


def _dense(bench: Bench, method: str, reference: str | None) -> Scores | None:
    """Of the dense net that a method begins with, or, as a control has none, that of the reference on its seeds."""
    if own := bench.scores(method, 0) if method != DENSE_PLUS else None:
        return own
    if reference is None or not bench.same_data(method, reference):
        return None
    return bench.scores(reference, 0, bench.seeds(method))


def _cell(bench: Bench, method: str, k: int, scores: Scores | None, dense: Scores | None) -> Cell:
    rounds = [r for run in bench.methods[method].values() for r in run.record.rounds if r.round == k]
    counts = (k, rounds[0].asked, len(rounds), len(bench.seeds(method)))
    if scores is None:
        return Cell(*counts)
    lower, middle, upper = (median(r.latency_ratio[i] for r in rounds) for i in range(3))
    return Cell(
        *counts,
        score=interval(scores),
        reached=mean(r.reached for r in rounds),
        parameters=mean(r.parameters for r in rounds),
        macs=mean(r.macs for r in rounds),
        bytes=mean(r.bytes for r in rounds),
        latency_ratio=(lower, middle, upper),
        multiplier=statistics.ratio(scores, dense) if dense else None,
    )


def _best(cells: Sequence[Cell], rules: Rules) -> Cell | None:
    """The larger net where two are equal."""
    sign = 1 if rules.higher_is_better else -1
    return max((c for c in cells if c.score), key=lambda c: (sign * c.score.value if c.score else 0, -c.round))


def _status(bench: Bench, method: str, reference: str | None) -> str:
    runs, seeds = bench.methods[method], _seeds(bench)
    complete = sum(run.record.status == "complete" for run in runs.values())
    parts = [f"{complete} of {len(seeds)} complete"] if complete < len(seeds) else []
    for seed, run in runs.items():
        if run.record.status == "failed":
            parts.append(f"seed {seed} failed: {run.record.reason}")
        if run.record.status == "partial":
            parts.append(f"seed {seed} partial" + (f", up to round {max(run.sums)}" if run.sums else ""))
    if missing := [str(seed) for seed in seeds if seed not in runs]:
        parts.append(f"no run of seed {', '.join(missing)}")
    if not parts and reference and not bench.same_data(method, reference):
        parts.append(f"complete, on other data than {reference}")
    return "; ".join(parts) or "complete"


def _in_order(rows: Sequence[Row], rules: Rules, ranked: bool) -> list[Row]:
    """Complete sweeps that cut by lossless round, where equal ones share a rank, then by the curve; then the others."""
    sign = 1 if rules.higher_is_better else -1

    def curve(row: Row) -> float:
        return sign * mean(c.score.value for c in row.cells if c.score)

    able = [row for row in rows if ranked and row.kind == "sweep" and row.status == "complete"]
    whole = [(row.lossless.round, row) for row in able if row.lossless]
    whole.sort(key=lambda pair: (-pair[0], -curve(pair[1]), pair[1].method))
    depths = [depth for depth, _ in whole]
    first = [replace(row, rank=depths.index(depth) + 1) for depth, row in whole]
    names = {row.method for row in first}
    return first + sorted((r for r in rows if r.method not in names), key=lambda r: (KINDS.index(r.kind), r.method))
