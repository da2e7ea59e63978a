"""The nets of a record, built again from the widths that it states: same shapes, weights that mean nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import cast

from torch import Tensor, nn

from benchmark import plugins, records
from benchmark.errors import RecordError
from benchmark.hardware.footprint import Footprint, footprint
from benchmark.measure import macs, parameters
from benchmark.records import Record, Round
from benchmark.task import Profile, Task
from benchmark.trimming import Coupling, couple, load


@dataclass(frozen=True, eq=False)
class Reference:
    """A task's dense net and how it can be cut."""

    task: Task
    profile: Profile
    model: nn.Module
    coupling: Coupling

    @property
    def example(self) -> Tensor:
        """One input."""
        return self.task.example(self.profile)

    def net(self, widths: dict[str, int]) -> nn.Module:
        """The net with so many units in each group.

        Raises
        ------
        RecordError
            The task's model has no such groups, or fewer units.
        """
        if unknown := sorted(set(widths) ^ set(self.coupling.widths)):
            raise RecordError(f"the task's model has other groups than the record: {', '.join(unknown[:4])}")
        if wider := [name for name, units in widths.items() if not 0 < units <= self.coupling.widths[name]]:
            raise RecordError(f"{widths[wider[0]]} units in {wider[0]!r}, of {self.coupling.widths[wider[0]]}")
        keep = {name: range(units) for name, units in widths.items()}
        state = self.coupling.plan(keep).apply(self.model.state_dict())
        return load(self.task.model(self.profile), state, self.coupling.stored)


@lru_cache(maxsize=32)
def reference(task: str, data: str, profile: str) -> Reference:
    """The dense net of a task with fresh weights.

    Raises
    ------
    UsageError
        There is no such task.
    """
    found, of = plugins.task(task).on(data), cast(Profile, profile)
    model = found.model(of)
    return Reference(found, of, model, couple(model, (found.example(of),), protect=found.protected))


def footprints(record: Record) -> Iterator[tuple[Round, Footprint]]:
    """What the net of every round takes: as recorded, or measured now on the net built again.

    Raises
    ------
    RecordError
        The task's code no longer gives a net with the record's parameters and MACs.
    """
    for entry in record.rounds:
        yield entry, Footprint.of(entry.memory) if entry.memory else _measured(record, entry)


def fill(path: Path, record: Record) -> Record:
    """Write the record with the memory figures of today's planner; nothing else in it changes.

    Raises
    ------
    RecordError
        The task's code no longer gives a net with the record's parameters and MACs.
    """
    filled = complete(replace(record, rounds=tuple(replace(entry, memory={}) for entry in record.rounds)))
    if filled != record:
        records.amend(path, filled)
    return filled


def complete(record: Record) -> Record:
    """The record with the memory figures that its rounds lack.

    Raises
    ------
    RecordError
        The task's code no longer gives a net with the record's parameters and MACs.
    """
    return replace(record, rounds=tuple(replace(r, memory=found.entry()) for r, found in footprints(record)))


def _measured(record: Record, entry: Round) -> Footprint:
    run = record.run
    whole = reference(run.task, run.data, run.profile)
    # Masked units are there, held at zero; of a hybrid half are cut.
    widths = whole.coupling.widths if record.kind == "masked" and record.reset != "hybrid" else entry.widths
    return _footprint(run.task, run.data, run.profile, tuple(sorted(widths.items())), entry.parameters, entry.macs)


@lru_cache(maxsize=4096)
def _footprint(
    task: str, data: str, profile: str, widths: tuple[tuple[str, int], ...], wanted: int, operations: int
) -> Footprint:
    whole = reference(task, data, profile)
    model = whole.net(dict(widths))
    count, counted = parameters(model), macs(model, whole.example)
    if (count, counted) != (wanted, operations):
        raise RecordError(
            f"{task}/{data}/{profile}: a net of the record's widths has {count} parameters and {counted} MACs, the "
            f"record says {wanted} and {operations}; the task has changed since, run it again"
        )
    return footprint(model, whole.example)
