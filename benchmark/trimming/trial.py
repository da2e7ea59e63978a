"""A cut tried on a copy: what a trace cannot see, widths that the model's own code stores or computes with."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.trimming.comparison import Comparison, StoppedError
from benchmark.trimming.coupling import Coupling, Frozen, Group, Stored
from benchmark.trimming.fits import FITS

MOST_TRIALS = 400
"""A model whose code stores widths in so many places that they are not found by then is frozen where it fails."""


@dataclass(frozen=True)
class Failure:
    """How far a trial came, in operations, and what then was wrong."""

    progress: float
    reason: str
    modules: tuple[str, ...] = ()
    """Names of the modules that were running."""


def tried(model: nn.Module, inputs: tuple[Tensor, ...], coupling: Coupling) -> Coupling:
    """The coupling with what a cut must update, without the groups whose cut goes wrong.

    All groups are cut at once; where that fails, integers of modules are tried that could be one of the widths; where
    none helps, groups are added one by one, and those that fail are frozen.
    """
    if not coupling.groups:
        return coupling
    try:
        comparison = Comparison(model, inputs)
    except Exception as error:  # whatever a model does in its own copying or running
        why = f"no cut can be tried: {_line(error)}"
        return _without(coupling, {group.name: why for group in coupling.groups})
    trials = _Trials(comparison, coupling)
    stored, failure = trials.search(coupling.groups, ())
    if failure is None:
        return replace(coupling, stored=stored)
    kept: list[Group] = []
    found: tuple[Stored, ...] = ()
    wrong: dict[str, str] = {}
    for group in sorted(coupling.groups, key=lambda g: -_weight(coupling, g)):
        more, failure = trials.search((*kept, group), found)
        if failure is None:
            kept.append(group)
            found = more
        else:
            wrong[group.name] = failure.reason
    return replace(_without(coupling, wrong), stored=found)


def _without(coupling: Coupling, wrong: Mapping[str, str]) -> Coupling:
    """The coupling with groups frozen, for the reasons given."""
    frozen = {entry.name: entry.reason for entry in coupling.frozen}
    for group in coupling.groups:
        for writer in group.writers if group.name in wrong else ():
            frozen.setdefault(writer, wrong[group.name])
    left = {name: groups - wrong.keys() for name, groups in coupling.norms.items()}
    return replace(
        coupling,
        groups=tuple(group for group in coupling.groups if group.name not in wrong),
        frozen=tuple(Frozen(name, reason) for name, reason in frozen.items()),
        norms={name: groups for name, groups in left.items() if groups},
    )


def _weight(coupling: Coupling, group: Group) -> int:
    """Parameters that go with all units but one of the group."""
    return coupling.parameters() - coupling.parameters({group.name: 1})


class _Trials:
    def __init__(self, comparison: Comparison, coupling: Coupling) -> None:
        self.comparison = comparison
        self.coupling = coupling
        self.left = MOST_TRIALS

    def search(self, groups: Sequence[Group], stored: tuple[Stored, ...]) -> tuple[tuple[Stored, ...], Failure | None]:
        """Integers whose update makes a cut of these groups right, or how the best trial failed."""
        coupling = replace(self.coupling, groups=tuple(groups))
        failure = self._fails(coupling, stored)
        while failure is not None:
            better = self._better(coupling, stored, failure)
            if better is None:
                return stored, failure
            stored, failure = better
        return stored, None

    def _better(
        self, coupling: Coupling, stored: tuple[Stored, ...], failure: Failure
    ) -> tuple[tuple[Stored, ...], Failure | None] | None:
        """One more integer: with which the cut is right, else with which the cut model comes furthest.

        Of the modules that were running; of the others where none of theirs helps.
        """
        running = list(dict.fromkeys(reversed(failure.modules)))
        others = [name for name, _ in self.comparison.model.named_modules() if name not in running]
        return self._furthest(running, coupling, stored, failure) or self._furthest(others, coupling, stored, failure)

    def _furthest(
        self, modules: Sequence[str], coupling: Coupling, stored: tuple[Stored, ...], failure: Failure
    ) -> tuple[tuple[Stored, ...], Failure | None] | None:
        taken = {_integer(entry) for entry in stored}
        reached = failure.progress
        best: list[tuple[Stored, Failure]] = []
        for entry in _candidates(self.comparison.model, coupling, modules):
            if _integer(entry) in taken:
                continue
            if self.left == 0:
                break
            self.left -= 1
            after = self._fails(coupling, (*stored, entry))
            if after is None:
                return (*stored, entry), None
            if after.progress > reached:
                reached, best = after.progress, []
            if after.progress == reached > failure.progress:
                best.append((entry, after))
        if not best:
            return None
        # One integer, several widths that it could be: equal in the cut of all groups, told apart by cuts of some.
        rivals = [(entry, after) for entry, after in best if _integer(entry) == _integer(best[0][0])]
        entry, after = rivals[0]
        if len(rivals) > 1:
            entry, after = max(rivals, key=lambda rival: self._far(coupling, (*stored, rival[0])))
        return (*stored, entry), after

    def _fails(self, coupling: Coupling, stored: tuple[Stored, ...]) -> Failure | None:
        """What is wrong with a cut of one unit each, of about half of them, of all but two, or of some groups alone."""
        coupling = replace(coupling, stored=stored)
        cuts = [_all_but_one(coupling.groups), _uneven(coupling.groups), _two(coupling.groups)]
        if stored:
            cuts += _apart(coupling.groups)
        return next((failure for keep in cuts if (failure := self._fails_at(coupling, keep)) is not None), None)

    def _far(self, coupling: Coupling, stored: tuple[Stored, ...]) -> tuple[int, float]:
        """How far the cuts of some groups come: how many to the end, the others how many operations in all."""
        coupling = replace(coupling, stored=stored)
        failures = [self._fails_at(coupling, keep) for keep in _apart(coupling.groups)]
        return failures.count(None), sum(failure.progress for failure in failures if failure is not None)

    def _fails_at(self, coupling: Coupling, keep: dict[str, list[int]]) -> Failure | None:
        try:
            difference, scale = self.comparison.of(coupling, keep)
        except StoppedError as stops:
            return Failure(stops.progress, _stopped(stops), stops.modules)
        except RuntimeError as error:
            return Failure(float("inf"), f"a cut changes what the model gives: {_line(error)}")
        if difference > self.comparison.tolerance * max(1.0, scale):
            return Failure(float("inf"), "a cut changes what the model computes: its code computes with the width")
        return None


def _all_but_one(groups: Sequence[Group]) -> dict[str, list[int]]:
    """A width that is no part of the old one: what was written for the old width then fits nowhere."""
    return {group.name: [unit for unit in range(len(group)) if unit != len(group) // 2] for group in groups}


def _apart(groups: Sequence[Group]) -> list[dict[str, list[int]]]:
    """Cuts of some groups only, such that any two groups are told apart: a stored integer may follow the wrong one."""
    cuts = []
    for bit in range((len(groups) - 1).bit_length()):
        for side in (0, 1):
            whole = [group for index, group in enumerate(groups) if index >> bit & 1 != side]
            cuts.append(_all_but_one(groups) | {group.name: list(range(len(group))) for group in whole})
    return cuts


def _two(groups: Sequence[Group]) -> dict[str, list[int]]:
    return {group.name: sorted({0, len(group) - 1}) for group in groups}


def _uneven(groups: Sequence[Group]) -> dict[str, list[int]]:
    """About half of each group's units, and not as many of two groups of one size, so that a mix-up shows."""
    seen: dict[int, int] = {}
    keep = {}
    for group in groups:
        size = len(group)
        turn = seen[size] = seen.get(size, -1) + 1
        sizes = sorted(range(1, size), key=lambda n: (abs(2 * n - size), n))
        chosen = torch.randperm(size, generator=torch.Generator().manual_seed(turn + 31 * size))
        keep[group.name] = sorted(chosen[: sizes[turn % len(sizes)]].tolist())
    return keep


def _integer(entry: Stored) -> tuple[str, str, int | None]:
    return entry.module, entry.attribute, entry.index


def _candidates(model: nn.Module, coupling: Coupling, names: Sequence[str]) -> Iterator[Stored]:
    """Integers that these modules store and that are as large as something that is cut."""
    sizes: dict[int, list[tuple[str, int, int]]] = {}
    for group in coupling.groups:
        for axis in group.axes:
            size, each = coupling.shapes[axis.tensor][axis.dim], len(axis.positions[0])
            for divisor in {1, each}:
                where = sizes.setdefault(size // divisor, [])
                if size % divisor == 0 and (axis.tensor, axis.dim, divisor) not in where:
                    where.append((axis.tensor, axis.dim, divisor))
    modules = dict(model.named_modules())
    for name in names:
        for attribute, index, value in _integers(modules[name]):
            for tensor, dim, divisor in _distinct(coupling, sizes.get(value, [])):
                yield Stored(name, attribute, index, tensor, dim, divisor)


def _distinct(coupling: Coupling, places: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Of places that hold the same units the first: they shrink alike."""
    first: dict[Any, tuple[str, int, int]] = {}
    for tensor, dim, divisor in places:
        units = frozenset(
            (group.name, len(axis.positions[0]))
            for group in coupling.groups
            for axis in group.axes
            if (axis.tensor, axis.dim) == (tensor, dim)
        )
        first.setdefault((units, divisor), (tensor, dim, divisor))
    return list(first.values())


def _integers(module: nn.Module) -> Iterator[tuple[str, int | None, int]]:
    if _fitted(module):
        return
    for attribute, value in module.__dict__.items():
        if attribute.startswith("_") or attribute == "training":
            continue
        if type(value) is int:
            yield attribute, None, value
        elif isinstance(value, tuple | list) and len(value) <= 64:
            yield from ((attribute, index, entry) for index, entry in enumerate(value) if type(entry) is int)


def _fitted(module: nn.Module) -> bool:
    """A layer of torch's own, all whose integers follow from the shapes of its tensors or are no widths."""
    tensors = [*module._parameters.values(), *module._buffers.values()]
    own = type(module).__module__.startswith("torch.nn.") and isinstance(module, tuple(kind for kind, _ in FITS))
    return own and any(tensor is not None for tensor in tensors)


def _stopped(stops: StoppedError) -> str:
    name = stops.modules[-1] if stops.modules else ""
    frames = [frame for frame in traceback.extract_tb(stops.error.__traceback__) if not _of_library(frame.filename)]
    line = f", {Path(frames[-1].filename).name} line {frames[-1].lineno}" if frames else ""
    return f"the cut model stops in {name or 'the model'} ({stops.kind}){line}: {_line(stops.error)}"


def _of_library(filename: str) -> bool:
    roots: Collection[Path] = (Path(torch.__file__).parent, Path(__file__).parent)
    return filename.startswith("<") or any(Path(filename).is_relative_to(root) for root in roots)


def _line(error: BaseException) -> str:
    first = (str(error).splitlines() or [""])[0]
    return first if first else type(error).__name__
