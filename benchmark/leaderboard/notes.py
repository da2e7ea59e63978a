"""What a reader must know of the records behind a table: which machines, what is mixed, what warns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from benchmark.leaderboard.runs import Bench, Rules, Run

FEW_SOURCES = 10
MAX_WARNINGS = 8


def machines(bench: Bench) -> tuple[str, ...]:
    """Every machine and torch that a number comes from, in words."""
    return tuple(sorted({_machine(run.record.environment) for run in _runs(bench)}))


def missing(bench: Bench) -> tuple[str, ...]:
    """What no run of one seed could use of its data, in the words of the task; sorted."""
    said = (run.record.data.get("manifest") for run in _runs(bench))
    lists = (manifest.get("missing") for manifest in said if isinstance(manifest, dict))
    return tuple(sorted({str(entry) for found in lists if isinstance(found, list) for entry in found}))


def notes(bench: Bench, rules: Rules, reference: str | None, sweeps: list[str], masked: list[str]) -> tuple[str, ...]:
    """Sentences for below the table."""
    return (
        *_mixed_data(bench),
        *_mixed_code(bench),
        *_test_set(bench, rules, reference),
        *_dense_nets(bench, [*sweeps, *masked]),
        *_masked(bench, masked),
        *_warnings(bench),
    )


def _runs(bench: Bench) -> list[Run]:
    return [run for runs in bench.methods.values() for run in runs.values()]


def _machine(environment: Mapping[str, Any]) -> str:
    packages = environment.get("packages")
    torch = packages.get("torch") if isinstance(packages, dict) else None
    gpus = environment.get("gpus")
    parts = [str(environment.get("cpu") or environment.get("machine") or environment.get("platform") or "unknown CPU")]
    parts += [str(gpu) for gpu in gpus] if isinstance(gpus, list) else []
    parts += [f"torch {torch}"] if torch else []
    return ", ".join(parts)


def _mixed_data(bench: Bench) -> Iterator[str]:
    for seed in sorted({run.record.run.seed for run in _runs(bench)}):
        methods: dict[str, list[str]] = {}
        for method, runs in bench.methods.items():
            if seed in runs:
                methods.setdefault(runs[seed].digest, []).append(method)
        if len(methods) > 1:
            groups = sorted(f"{', '.join(names)} ({digest[:8]})" for digest, names in methods.items())
            yield f"Seed {seed} was scored on different data, and no pair across is compared: {'; '.join(groups)}."


def _mixed_code(bench: Bench) -> Iterator[str]:
    """A criterion's own code differs between criteria, so it is looked at within each."""
    digests: dict[str, set[str]] = {}
    for run in _runs(bench):
        for part, digest in run.record.code.items():
            name = f"{part} {run.record.criterion}" if part == "criterion" else part
            digests.setdefault(name, set()).add(str(digest))
    for part in sorted(name for name, found in digests.items() if len(found) > 1):
        yield f"The records were made with {len(digests[part])} versions of the code of: {part}."


def _test_set(bench: Bench, rules: Rules, reference: str | None) -> Iterator[str]:
    dense = bench.scores(reference, 0) if reference else None
    if dense is not None and (error := float(np.std(dense.draws))) > rules.tolerance:
        yield (
            f"The test sets are too small: the standard error of the dense score, {error:.2g}, "
            f"is larger than the tolerance, {rules.tolerance:g}."
        )
    fewest = min((len(run.sources) for run in _runs(bench) if run.sums), default=FEW_SOURCES)
    if fewest < FEW_SOURCES:
        yield f"A test set has only {fewest} sources: read its intervals as too narrow."
    if lone := max((run.lone_classes for run in _runs(bench)), default=0):
        yield (
            f"Up to {lone} {'class has' if lone == 1 else 'classes have'} a single source in a test set: intervals do "
            "not know the luck of that source, and are too narrow by it."
        )


def _dense_nets(bench: Bench, sweeps: Iterable[str]) -> Iterator[str]:
    """All sweeps of a seed start from one dense net, unless somebody trained it again."""
    scores: dict[tuple[int, str], set[float]] = {}
    for method in sweeps:
        for seed, run in bench.methods[method].items():
            if 0 in run.sums:
                scores.setdefault((seed, run.digest), set()).add(round(run.score(0), 9))
    seeds = sorted({seed for (seed, _), found in scores.items() if len(found) > 1})
    if seeds:
        yield f"Sweeps of seed {', '.join(map(str, seeds))} do not all start from the same dense net."


def _masked(bench: Bench, methods: list[str]) -> Iterator[str]:
    whole = [m for m in methods if not saves(bench, m)]
    if whole:
        yield (
            f"Masked, not cut: {', '.join(whole)}. Their budgets are non-zeros; the zeros stay in the tensors and "
            "dense kernels multiply by them, so no operations, bytes or time are saved, and they have no rank."
        )
    if partly := [m for m in methods if m not in whole]:
        yield (
            f"Partly cut, partly masked: {', '.join(partly)}. Their budgets are non-zeros; what was cut is saved, the "
            "zeros stay in the tensors of what is left, so they cost more than their budget says, and have no rank."
        )


def saves(bench: Bench, method: str) -> bool:
    """Whether a net of the method has fewer parameters, zeros counted, than its dense net."""
    rounds = [r for run in bench.methods[method].values() for r in run.record.rounds]
    return min((r.parameters for r in rounds), default=0) < max((r.parameters for r in rounds), default=0)


def _warnings(bench: Bench) -> Iterator[str]:
    lines = Counter(f"{run.record.run.method}: {line}" for run in _runs(bench) for line in run.record.warnings)
    for line in sorted(lines)[:MAX_WARNINGS]:
        yield f"Warning in {lines[line]} record{'s' if lines[line] > 1 else ''} of {line}"
    if len(lines) > MAX_WARNINGS:
        yield f"{len(lines) - MAX_WARNINGS} more warnings are in the records."
