"""Whether a record says of its method, task, protocol and rounds what they say of themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark import protocol, records
from benchmark.budgets import BUDGETS, CONTROL_ROUNDS, MINIMUM_UNITS
from benchmark.errors import RecordError
from benchmark.hardware.rebuild import Reference, reference
from benchmark.methods import STANDARD, Method, share
from benchmark.records import Record, Round, RunKey
from benchmark.selection import floor, minimum_widths, uniform_widths
from benchmark.setting import rewind_step
from benchmark.submission.equality import same
from benchmark.submission.findings import Findings
from benchmark.task import Training
from benchmark.trimming.masking import weight_floor

OPTIONAL = ("cuttable", "selection", "calibration")
"""Of the protocol: not in records that are older than them."""


def check_protocol(path: Path, record: Record, method: Method, mend: str, found: Findings) -> None:
    """Hold a record's statements to what the code says now.

    Raises
    ------
    BenchError
        The task's model cannot be built or cut.
    """
    where = str(path)
    run = record.run
    whole = reference(run.task, run.data, run.profile)
    recipe = _recipe(method, whole)
    for name, wanted in _task(whole).items():
        said = record.task.get(name)
        found.require(same(said, wanted), where, f"task {name} is {_short(said)}, the task says {_short(wanted)}", mend)
    for name in sorted(set(record.task) - set(_task(whole))):
        found.fail(where, f"task has the unknown field {name!r}", mend)
    expected = _protocol(method, whole, recipe)
    for name, wanted in expected.items():
        if name in OPTIONAL and name not in record.protocol and method.scope == STANDARD["scope"]:
            continue
        said = record.protocol.get(name)
        if name == "frozen":
            said = sorted(said) if isinstance(said, Mapping) else said
        what = f"protocol {name} is {_short(said)}, where {run.method} has {_short(wanted)}"
        found.require(same(said, wanted), where, what, mend)
    for name in sorted(set(record.protocol) - set(expected) - {"calibration"}):
        found.fail(where, f"protocol has the unknown field {name!r}", mend)
    for what in _numbers(record, method, whole):
        found.fail(where, what, mend)
    for entry, before in zip(record.rounds, (None, *record.rounds), strict=False):
        for what in _round(record, entry, before, method, whole, recipe):
            found.fail(where, f"round {entry.round}: {what}", mend)
    if method.needs:
        for what in _of_ticket(path, record, method.needs):
            found.fail(where, what, mend)


def _recipe(method: Method, whole: Reference) -> Training:
    """As `composition.prepared` has it, without training anything."""
    recipe = whole.task.training(whole.profile)
    if method.reset == "fresh":
        return replace(recipe, rewind=0.0)
    if method.kind == "sweep" and method.reset not in ("rewind", "finetune"):
        return replace(recipe, rewind=share(str(method.reset)))
    return recipe


def _task(whole: Reference) -> dict[str, Any]:
    task = whole.task
    metrics = [{"id": m.id, "reduction": m.reduction, "higher_is_better": m.higher_is_better} for m in task.metrics]
    return {
        "version": task.version,
        "metrics": metrics,
        "tolerance": float(task.tolerance),
        "seconds": float(task.seconds(whole.profile)),
    }


def _protocol(method: Method, whole: Reference, recipe: Training) -> dict[str, Any]:
    coupling = whole.coupling
    expected = {
        "version": protocol.VERSION,
        "minimum_units": MINIMUM_UNITS,
        "steps": recipe.steps,
        "rewind_step": rewind_step(recipe),
        "round_steps": recipe.steps - rewind_step(recipe),
        "dense_parameters": coupling.parameters(),
        "cuttable": float(coupling.cuttable),
        "floor_parameters": _floor(method, whole),
        "floor_widths": coupling.widths if method.name == "masking" else minimum_widths(coupling),
        "frozen": sorted(f.name for f in coupling.frozen),
    }
    if method.criterion:
        expected["selection"] = {"scope": method.scope, "scale": method.scale, "schedule": method.schedule}
    return expected


def _floor(method: Method, whole: Reference) -> int:
    if method.name == "masking":
        return weight_floor(whole.model.state_dict(), whole.coupling.learnable)
    return floor(whole.coupling)


def _numbers(record: Record, method: Method, whole: Reference) -> Iterator[str]:
    """Whether the rounds are those that the method has."""
    numbers = [entry.round for entry in record.rounds]
    if numbers and numbers[-1] >= len(BUDGETS):
        yield f"has a round {numbers[-1]}, of {len(BUDGETS) - 1}"
        return
    complete = record.status == "complete"
    if record.status != "failed" and record.reason:
        yield f"is {record.status} and has a reason for failing"
    dense = whole.coupling.parameters()
    able = [k for k in range(len(BUDGETS)) if _floor(method, whole) <= int(BUDGETS[k] * dense)]
    if method.kind == "control":
        wanted = [0] if method.name == "dense+" else [k for k in CONTROL_ROUNDS if k in able]
        short = complete and method.needs is None and numbers != wanted
        if short or not set(numbers) <= set(wanted):
            yield f"has rounds {numbers}, and a {record.status} run of {method.name} has {wanted}"
        return
    if method.schedule.startswith("units"):
        if numbers and numbers[0] != 0:
            yield "begins without its dense net, round 0"
        return
    if numbers != list(range(len(numbers))):
        yield f"has rounds {numbers}: one is missing"
    elif complete and method.reset != "hybrid" and len(numbers) != len(able):
        yield f"is complete with rounds up to {numbers[-1] if numbers else 'none'}, and the floor allows {able[-1]}"


def _round(
    record: Record, entry: Round, before: Round | None, method: Method, whole: Reference, recipe: Training
) -> Iterator[str]:
    if entry.round >= len(BUDGETS):
        return
    dense, coupling = whole.coupling.parameters(), whole.coupling
    wanted = {
        "asked": BUDGETS[entry.round],
        "reached": (entry.nonzero if method.kind == "masked" else entry.parameters) / dense,
        "macs_per_second": entry.macs / whole.task.seconds(whole.profile),
    }
    for name, value in wanted.items():
        if not same(getattr(entry, name), value):
            yield f"{name} is {getattr(entry, name):.6g}, and it is {value:.6g}"
    if entry.nonzero > entry.parameters:
        yield f"{entry.nonzero} non-zeros of {entry.parameters} parameters"
    if set(entry.widths) != set(coupling.widths):
        odd = sorted(set(entry.widths) ^ set(coupling.widths))
        yield f"widths of other groups than the model's: {_short(odd)}"
        return
    least = minimum_widths(coupling)
    for name, width in entry.widths.items():
        if not least[name] <= width <= coupling.widths[name]:
            yield f"{width} units in {name!r}, which has {least[name]} to {coupling.widths[name]}"
            return
    yield from _size(entry, before, method, whole)
    steps = _steps(entry.round, method, recipe)
    if entry.steps != steps:
        yield f"{entry.steps} steps, and the protocol has {steps}"
    last = steps if method.kind == "control" or entry.round == 0 else recipe.steps
    if not 0 < entry.best_step <= last:
        yield f"its best step is {entry.best_step} of {last}"
    primary = record.primary
    if primary not in entry.validation:
        yield f"no validation score {primary!r}"


def _size(entry: Round, before: Round | None, method: Method, whole: Reference) -> Iterator[str]:
    """Whether the net holds the budget of its round, as the method would have it."""
    coupling, k = whole.coupling, entry.round
    dense = coupling.parameters()
    if (k == 0 or method.name == "masking") and entry.widths != coupling.widths:
        yield "is the whole net, and its widths are not"
    if k == 0:
        return
    budget = int(BUDGETS[k] * dense)
    held = entry.nonzero if method.kind == "masked" else entry.parameters
    if held > budget:
        yield f"{held} parameters, where the budget is {budget}"
    if method.name.startswith("narrow") and entry.widths != uniform_widths(coupling, budget):
        yield "its widths are not those of the uniformly narrower net"
    units = coupling.parameters(entry.widths)
    allowed = int(BUDGETS[k] ** 0.5 * dense) if method.reset == "hybrid" else budget
    if method.kind == "masked" and method.name != "masking" and units > allowed:
        yield f"its units make {units} parameters, where {allowed} are allowed"
    if method.kind == "control" or before is None:
        return
    if method.schedule.startswith("units") and k + 1 < len(BUDGETS) and held <= int(BUDGETS[k + 1] * dense):
        yield f"holds the budget of round {k + 1} too, so that is its number"
    if method.schedule != "oneshot":
        wider = [name for name, width in entry.widths.items() if width > before.widths.get(name, width)]
        if wider:
            yield f"{wider[0]!r} is wider than in round {before.round}"


def _steps(k: int, method: Method, recipe: Training) -> int:
    one_round = recipe.steps - rewind_step(recipe)
    if method.name == "dense+":
        return 2 * recipe.steps
    if method.name == "narrow+":
        return recipe.steps + k * one_round
    if method.kind != "control" and k == 0:
        return recipe.steps
    return one_round


def _of_ticket(path: Path, record: Record, needed: str) -> Iterator[str]:
    """Whether the widths are those of the tickets that they are said to be of, where their record is at hand."""
    run, results = record.run, path.parents[4]
    other = RunKey(run.task, run.data, run.profile, needed, run.seed).path(results)
    if not other.is_file():
        return
    try:
        tickets = {entry.round: entry.widths for entry in records.read(other).rounds}
    except RecordError:
        return  # that record's own failure
    for entry in record.rounds:
        if tickets.get(entry.round) != entry.widths:
            yield f"round {entry.round}: its widths are not those of {needed}, whose they are said to be"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
