"""Made-up results with known true scores: what a results folder looks like after a sweep, without a sweep."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import methods, records
from benchmark.leaderboard.summary import RANDOM
from benchmark.metrics import REDUCTIONS
from benchmark.records import Items, Record, Round, RunKey

METRIC = "toy.accuracy.v1"
DENSE_PARAMETERS = 1_000_000
CONTROL_ROUNDS = (4, 8, 12)
FLAT = dict.fromkeys(range(16), 0.9)


@dataclass(frozen=True)
class World:
    """How noisy the made-up scores are: an item is truth + its source + luck of the training + its own luck."""

    sources: int = 40
    items: int = 4
    source_sd: float = 0.05
    item_sd: float = 0.02
    training_sd: float = 0.0
    offset: int = 0
    """Another number: other luck throughout."""


@dataclass(frozen=True)
class Run:
    """A run to be made up."""

    method: str = "random"
    seed: int = 0
    truth: Mapping[int, float] = field(default_factory=lambda: FLAT)
    world: World = World()
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the record to be put in the place of the usual ones."""
    higher_is_better: bool = True
    profile: str = "quick"


def items(run: Run) -> Items:
    """The source's effect is the same for all methods of a seed, so methods are correlated."""
    world = run.world
    shared = np.random.default_rng([world.offset, run.seed])
    effects = shared.normal(0, world.source_sd, world.sources).repeat(world.items)
    # The dense net is one and the same for all sweeps of a seed.
    parts = []
    for k in run.truth:
        # All sweeps of a seed share one dense net; that of dense+ is another.
        name = "dense" if k == 0 and run.method != "dense+" else run.method
        own = np.random.default_rng([world.offset, run.seed, k, zlib.crc32(name.encode())])
        luck = own.normal(0, world.training_sd) if world.training_sd else 0.0
        parts.append(run.truth[k] + luck + effects + own.normal(0, world.item_sd, effects.size))
    part = np.array(parts).reshape(len(run.truth), effects.size)
    sources = np.arange(world.sources).repeat(world.items)
    arrays = {METRIC: {"part": part, "whole": np.ones((1, effects.size))}} if run.truth else {}
    return Items(sources, arrays)


def record(run: Run, with_items: Items) -> Record:
    criterion, dash, variants = run.method.partition("-")
    named = run.method not in methods.CONTROLS
    like = methods.method(RANDOM + dash + variants if named else run.method)
    # Of a hybrid half is cut.
    masked = like.kind == "masked" and like.reset != "hybrid"
    made = Record(
        run=RunKey("toy", "made", run.profile, run.method, run.seed),
        status="complete",
        kind=like.kind,
        criterion=criterion if named else None,
        reset=like.reset,
        reason="",
        protocol={"version": 1, "minimum_units": 2, "steps": 100},
        task={
            "version": 1,
            "metrics": [{"id": METRIC, "reduction": "ratio", "higher_is_better": run.higher_is_better}],
            "tolerance": 0.02,
            "seconds": 1.0,
        },
        data={"digest": f"da7a{run.seed}{run.world.offset}{run.world.sources}", "manifest": {}},
        code={"harness": "c0de", "task": "7a5c", **({"criterion": f"c-{criterion}"} if named else {})},
        environment={"cpu": "Toy CPU", "cores": 2, "packages": {"torch": "2.13.0"}},
        rounds=tuple(_round(k, row, with_items, masked) for row, k in enumerate(run.truth)),
    )
    return replace(made, **run.changes)


def _round(k: int, row: int, with_items: Items, masked: bool) -> Round:
    asked, left = 0.7**k, 1.0 if masked else 0.7**k
    nonzero, size = round(DENSE_PARAMETERS * asked), round(DENSE_PARAMETERS * left)
    score = REDUCTIONS["ratio"](with_items.of(METRIC, row))
    return Round(
        round=k,
        asked=asked,
        reached=nonzero / DENSE_PARAMETERS,
        parameters=size,
        nonzero=nonzero,
        bytes=4 * size,
        macs=20 * size,
        macs_per_second=20.0 * size,
        latency_ms=[0.9, 1.0, 1.1],
        latency_ratio=[0.9 * left, left, 1.1 * left],
        widths={"conv": 8},
        steps=100,
        best_step=90,
        train_seconds=1.0,
        validation={METRIC: score},
        test={METRIC: score},
    )


def write(results: Path, run: Run) -> Path:
    made = items(run)
    return records.write(results, record(run, made), made)


def write_all(results: Path, truths: Mapping[str, Mapping[int, float]], seeds: int = 3, **options: Any) -> None:
    """Every method on every seed."""
    for method, truth in truths.items():
        for seed in range(seeds):
            write(results, Run(method, seed, truth, **options))


def falling(last_good: int, rounds: int = 16, dense: float = 0.9, drop: float = 0.1) -> dict[int, float]:
    """As good as dense up to a round, then worse by `drop`."""
    return {k: dense if k <= last_good else dense - drop for k in range(rounds)}


def at_controls(score: float) -> dict[int, float]:
    return dict.fromkeys(CONTROL_ROUNDS, score)
