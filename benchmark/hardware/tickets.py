"""The net of a round of a record, with the weights that it was scored with, and the data that it was trained on.

A run leaves the weights of every round in the cache, under what they depend on: the run, the code and the data. A copy
beside the record, `seed<seed>.round-<two digits>.safetensors`, is taken first, so that a small ticket can be kept and
passed on with its record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmark.errors import BenchError, RecordError, UsageError
from benchmark.hardware.artefact import Artefact, artefact, quantised, streamed
from benchmark.hardware.boards import Format
from benchmark.hardware.exporting import Arrays
from benchmark.hardware.quantize import calibration_rows
from benchmark.hardware.rebuild import Reference, reference
from benchmark.hardware.streaming import NotStreamable
from benchmark.journal import KEEP, weights_file
from benchmark.measure import parameters
from benchmark.records import Record, Round
from benchmark.states import load_state
from benchmark.task import Data
from benchmark.trimming import load


@dataclass(frozen=True, eq=False)
class Ticket:
    """A trained net of a record."""

    record: Record
    round: Round
    reference: Reference
    """The task and its dense net."""
    model: nn.Module


def ticket(path: Path, record: Record, number: int) -> Ticket:
    """The net of round `number` of the record at `path`.

    Raises
    ------
    UsageError
        The record has no such round, or its weights are not here: how to get them.
    BenchError
        The weights are damaged, or do not fit the task's model as it is now.
    """
    entry = next((r for r in record.rounds if r.round == number), None)
    if entry is None:
        known = ", ".join(str(r.round) for r in record.rounds) or "none"
        raise UsageError(f"{record.run} has no round {number}: it has {known}")
    run = record.run
    place = _weights(path, record, number)
    whole = reference(run.task, run.data, run.profile)
    state = {name: value for name, value in load_state(place).items() if not name.startswith(KEEP)}
    try:
        model = load(whole.task.model(whole.profile), state, whole.coupling.stored).eval()
    except (RuntimeError, ValueError, KeyError, AttributeError) as error:
        raise RecordError(f"{run}, round {number}: its weights are not those of the task's model: {error}") from error
    if parameters(model) != entry.parameters:
        raise RecordError(
            f"{run}, round {number}: {parameters(model)} parameters where the record has {entry.parameters}; "
            "the task has changed since, run it again"
        )
    return Ticket(record, entry, whole, model)


@cache
def data_of(found: Ticket, home: Path | None) -> Data:
    """The data set that the net was trained on.

    Raises
    ------
    UsageError
        It consists of recordings, and nobody says where.
    RecordError
        It is not the one that the record was made with.
    """
    run = found.record.run
    task = found.reference.task
    if home is None and any(data.name == run.data and data.needs_home for data in task.datasets):
        raise UsageError(f"data set {run.data!r} of task {run.task!r} are recordings: say where with --data-home DIR")
    data = task.data(run.data, home, found.reference.profile, run.seed)
    if data.digest != found.record.data["digest"]:
        raise RecordError(f"{run}: the data are not those that the record was made with; run it again")
    return data


def exported(
    found: Ticket, number_format: Format, hop_by_hop: bool, home: Path | None, example: Tensor | None = None
) -> Artefact:
    """The net as a board takes it: quantised on validation rows, or one hop of a stream, where that is asked for.

    Parameters
    ----------
    example
        An input as it shall take them; None: the task's.

    Raises
    ------
    BenchError
        It cannot be exported so, or there are no data to quantise it on.
    """
    example = found.reference.example if example is None else example
    try:
        made = streamed(found.model, example) if hop_by_hop else artefact(found.model, (example,))
    except NotStreamable as error:
        run = found.record.run
        raise BenchError(f"{run}, round {found.round.round}, cannot be fed hop by hop: {error}") from error
    if number_format == "fp32":
        return made
    return quantised(made, calibration_rows(data_of(found, home).validation, shape=example.shape))


def for_rows(found: Ticket, made: Artefact, rows: Sequence[Arrays], home: Path | None) -> Artefact:
    """The same net for rows, where these are longer than the task's example; a stream takes any number of hops.

    Raises
    ------
    BenchError
        It cannot be exported so.
    """
    row = rows[0][0]
    if made.stream is not None or row.shape == tuple(found.reference.example.shape):
        return made
    return exported(found, made.format, False, home, torch.from_numpy(row))


def beside(path: Path, number: int) -> Path:
    """Where a copy of the weights of a round lies that is kept with the record at `path`."""
    return path.with_name(f"{path.stem}.round-{number:02d}.safetensors")


def _weights(path: Path, record: Record, number: int) -> Path:
    for place in (beside(path, number), weights_file(record, number)):
        if place.exists():
            return place
    run = record.run
    again = f"run --task {run.task} --data {run.data} --profile {run.profile} --criterion {run.method}"
    raise UsageError(
        f"the weights of {run}, round {number}, are not on this computer; do the run here: "
        f"python -m benchmark {again} --no-controls --seeds {run.seed} --redo all"
    )
