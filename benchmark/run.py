"""One run: a method on one (task, data, profile, seed), measured round by round into its record."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn

from benchmark import ahead, composition, methods, plugins, protocol, records
from benchmark.audio.examples import write_examples
from benchmark.budgets import BUDGETS, CONTROL_ROUNDS, MINIMUM_UNITS
from benchmark.dense import trained_dense
from benchmark.environment import environment
from benchmark.errors import BenchError, UsageError
from benchmark.hardware.footprint import footprint
from benchmark.hardware.graph import UnknownOperator
from benchmark.journal import Journal
from benchmark.measure import artefact_bytes, latency, macs, nonzero, parameters
from benchmark.methods import Method
from benchmark.protocol import Last, Point
from benchmark.records import Record, Round, RunKey
from benchmark.selection import floor, minimum_widths
from benchmark.setting import Setting, built
from benchmark.staleness import code_digests
from benchmark.task import Evaluation, Profile
from benchmark.training import test
from benchmark.trimming import couple

CLOCK_SECONDS: dict[Profile, float] = {"smoke": 0.1, "quick": 0.6, "full": 2.0}
"""How long a net's latency is measured."""

Report = Callable[[str, dict[str, Any]], None]
"""Called with what happens (`data`, `dense`, `check`, `round`) and its facts."""


def perform(key: RunKey, results: Path, home: Path | None, report: Report = lambda event, facts: None) -> Record:
    """Do one run, or what is left of it; its record is on disk after every round.

    A run that was broken off in any round and is done again gives the same record, clock readings aside.

    Raises
    ------
    BenchError
        What failed. If rounds were under way, the record says so too, with status `failed`.
    """
    method = methods.method(key.method)
    shared = composition.prepared(method, setting(key, home, report))
    dense_net = built(shared, shared.dense.state)
    journal = Journal(results, _fresh_record(key, method, shared), shared.data.test.sources)
    try:
        for point in points(key, shared, journal.done, journal.last(), results, report):
            entry, evaluation = measured(method, shared, point, dense_net)
            entry = _heard(entry, evaluation, journal)
            journal.enter(entry, evaluation, point)
            _warn_if_undertrained(journal, shared)
            _warn_if_unplanned(journal)
            report("round", {"round": point.round, "reached": entry.reached, "test": entry.test})
    except Exception as error:
        journal.close("failed", str(error) if isinstance(error, BenchError) else f"{type(error).__name__}: {error}")
        raise
    return journal.close("complete")


def setting(key: RunKey, home: Path | None, report: Report) -> Setting:
    """Data, the dense net (trained, unless the cache has it) and its coupling."""
    task, profile = plugins.task(key.task).on(key.data), cast(Profile, key.profile)
    report("data", {})
    data = task.data(key.data, home, profile, key.seed)

    def on_check(step: int, score: float) -> None:
        report("dense", {"step": step, "of": task.training(profile).steps, "score": score})

    fit, cached = trained_dense(plugins.tasks()[key.task], task, data, profile, key.seed, on_check)
    if cached:
        report("dense", {"cached": True, "score": fit.validation})
    model = task.model(profile)
    model.load_state_dict(fit.state)
    coupling = couple(model, (task.example(profile),), protect=task.protected)
    return Setting(task, data, profile, key.seed, task.training(profile), fit, coupling)


def train_ahead(key: RunKey, k: int, home: Path | None, report: Report) -> None:
    """Train the net of one round of `narrow+`, for the run to find."""
    others = set(CONTROL_ROUNDS) - {k}
    for _ in points(key, setting(key, home, report), others, None, Path(), report):
        pass


def points(
    key: RunKey, setting: Setting, done: Container[int], last: Last | None, results: Path, report: Report
) -> Iterator[Point]:
    """The nets of a run, trained one after the other.

    Parameters
    ----------
    setting
        As the method has it prepared.
    done
        Rounds that are not wanted: of a sweep round 0 at most, of a control any.
    last
        Where a sweep goes on: the net of the round before; None where it begins.
    results
        Where the records are whose widths a control takes.
    """

    def on_check(step: int, score: float) -> None:
        report("check", {"step": step, "score": score})

    method = methods.method(key.method)
    if method.kind != "control":
        if 0 not in done:
            yield Point(0, {}, built(setting, setting.dense.state), setting.dense)
        yield from composition.rounds(method, setting, on_check, last)
        return
    rounds = [k for k in CONTROL_ROUNDS if k not in done]
    if method.needs:
        widths = _widths(key, method.needs, results)
        yield from protocol.reinit(setting, {k: widths[k] for k in rounds if k in widths}, on_check)
    elif method.name == "dense+":
        yield from protocol.dense_plus(setting, [k for k in (0,) if k not in done], on_check)
    elif method.name == "narrow+":
        yield from (ahead.narrow_plus(key, setting, k, on_check) for k in rounds if setting.reachable(k))
    else:
        controls = {"narrow": protocol.narrow, "narrow-again": protocol.narrow_again}
        yield from controls[method.name](setting, rounds, on_check)


def _widths(key: RunKey, needed: str, results: Path) -> dict[int, dict[str, int]]:
    """Round -> widths of the tickets of another method on the same seed."""
    other = RunKey(key.task, key.data, key.profile, needed, key.seed)
    path = other.path(results)
    if not path.exists() or (record := records.read(path)).status != "complete":
        raise UsageError(
            f"{key.method} takes its widths from {other}, which is not complete in {results}; do that first"
        )
    return {r.round: r.widths for r in record.rounds}


def measured(method: Method, setting: Setting, point: Point, dense_net: nn.Module) -> tuple[Round, Evaluation]:
    """What the record of the method's run says of a net, and the scores behind it."""
    task, example = setting.task, setting.task.example(setting.profile)
    evaluation = test(task, point.model, setting.data.test)
    count, left = parameters(point.model), nonzero(point.model)
    operations = macs(point.model, example)
    clock = latency({"dense": dense_net, "net": point.model}, example, seconds=CLOCK_SECONDS[setting.profile])["net"]
    entry = Round(
        round=point.round,
        asked=BUDGETS[point.round],
        reached=(left if method.kind == "masked" else count) / setting.parameters,
        parameters=count,
        nonzero=left,
        bytes=artefact_bytes(point.model),
        macs=operations,
        macs_per_second=operations / task.seconds(setting.profile),
        latency_ms=[1000 * x for x in (clock.lower, clock.median, clock.upper)],
        latency_ratio=[clock.ratio_lower, clock.ratio, clock.ratio_upper],
        widths=setting.coupling.widths | {name: len(units) for name, units in point.keep.items()},
        steps=point.fit.steps,
        best_step=point.fit.best_step,
        train_seconds=point.fit.seconds,
        validation={task.metrics[0].id: point.fit.validation},
        test=dict(evaluation.scores),
        memory=_memory(point.model, example),
    )
    return entry, evaluation


def _heard(entry: Round, evaluation: Evaluation, journal: Journal) -> Round:
    """Write what the net made beside the record; a sound that cannot be written costs a warning, not the round."""
    if (heard := evaluation.examples) is None:
        return entry
    record = journal.record.run.path(journal.results)
    folder = record.with_suffix("")
    written = []
    try:
        write_examples(folder / "wanted", heard.wanted, heard.rate)
        written = write_examples(folder / f"round-{entry.round:02d}", heard.made, heard.rate)
    except BenchError as error:
        journal.warn(f"round {entry.round} is not to be heard: {error}")
    path = f"{folder.name}/round-{entry.round:02d}"
    return replace(entry, examples=[example.entry() | {"path": f"{path}/{example.path}"} for example in written])


def _memory(model: nn.Module, example: Tensor) -> dict[str, int]:
    """Empty where nobody has stated what an operator takes: no reason to lose what was trained."""
    try:
        return footprint(model, example).entry()
    except UnknownOperator:
        return {}


def _fresh_record(key: RunKey, method: Method, setting: Setting) -> Record:
    task, coupling = setting.task, setting.coupling
    single_weights = method.name == "masking"
    return Record(
        run=key,
        status="partial",
        kind=method.kind,
        criterion=method.criterion,
        reset=method.reset,
        reason="",
        protocol={
            "version": protocol.VERSION,
            "minimum_units": MINIMUM_UNITS,
            "steps": setting.recipe.steps,
            "rewind_step": setting.rewind_step,
            "round_steps": setting.round_steps,
            "dense_parameters": setting.parameters,
            "cuttable": coupling.cuttable,
            "floor_parameters": protocol.sparsest(setting) if single_weights else floor(coupling),
            "floor_widths": coupling.widths if single_weights else minimum_widths(coupling),
            "frozen": {f.name: f.reason for f in coupling.frozen},
            **(_selection(method, setting) if method.criterion else {}),
        },
        task={
            "version": task.version,
            "metrics": [
                {"id": m.id, "reduction": m.reduction, "higher_is_better": m.higher_is_better} for m in task.metrics
            ],
            "tolerance": task.tolerance,
            "seconds": task.seconds(setting.profile),
        },
        data={"digest": setting.data.digest, "manifest": dict(setting.data.manifest)},
        code=code_digests(method, key.task),
        environment=environment(),
    )


def _selection(method: Method, setting: Setting) -> dict[str, object]:
    """How units are chosen, and on how many rows evidence is gathered where it takes a run of the model."""
    return {
        "selection": {"scope": method.scope, "scale": method.scale, "schedule": method.schedule},
        "calibration": {"split": "validation", "rows": len(setting.calibration.rows)},
    }


def _warn_if_unplanned(journal: Journal) -> None:
    if not journal.record.rounds[-1].memory:
        task = journal.record.run.task
        journal.warn(f"memory was not measured; `python -m benchmark fit --task {task}` says which operator is unknown")


def _warn_if_undertrained(journal: Journal, setting: Setting) -> None:
    """A net with less that beats dense by more than the tolerance says that dense had not converged."""
    record, metric = journal.record, setting.task.metrics[0]
    if record.rounds[0].round != 0 or record.kind == "control":
        return
    gain = record.rounds[-1].test[metric.id] - record.rounds[0].test[metric.id]
    if (gain if metric.higher_is_better else -gain) > setting.task.tolerance:
        journal.warn(f"round {record.rounds[-1].round} beats dense by {abs(gain):.4f}; is the reference undertrained?")
