"""Groups of units that can be cut, and what a cut of them does to every tensor of the model."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor, nn

from benchmark.trimming.plan import Cut, Gain, Plan
from benchmark.trimming.words import did_you_mean, module_of


@dataclass(frozen=True)
class Frozen:
    """Units or tensors that are never cut, and why."""

    name: str
    """A module."""
    reason: str


@dataclass(frozen=True)
class Axis:
    """Where the units of a group are in one dim of one tensor."""

    tensor: str
    dim: int
    writes: bool
    """The tensor's values along the dim compute the units (rows of a weight)."""
    reads: bool
    """They multiply the units (columns of a weight). Neither: they go along (bias, norm)."""
    positions: tuple[tuple[int, ...], ...]
    """For each unit its positions: one for a channel, one a gate for a recurrent unit, many after a flatten."""
    gain: Gain | None = None
    """Where the tensor is the direction of a weight with weight norm."""

    @property
    def module(self) -> str:
        """The module that the tensor belongs to."""
        return module_of(self.tensor)


@dataclass(frozen=True)
class Stored:
    """An integer that a module stores and its forward computes with: it follows the size of a tensor's dim."""

    module: str
    attribute: str
    index: int | None
    """Where the attribute is a tuple or list: which of its entries."""
    tensor: str
    dim: int
    divisor: int
    """How many positions one of what is counted has: features of a head where the attribute is a number of heads."""

    def value(self, model: nn.Module, state: Mapping[str, Tensor]) -> int | list[int] | tuple[int, ...]:
        """What the module must store for tensors of these sizes.

        Raises
        ------
        ValueError
            The model has no such integer, or the state no such dim.
        """
        modules = dict(model.named_modules(remove_duplicate=False))
        held = getattr(modules.get(self.module), "__dict__", {}).get(self.attribute)
        entry = held if self.index is None else None
        if isinstance(held, list | tuple) and self.index is not None and self.index < len(held):
            entry = held[self.index]
        if type(entry) is not int or self.tensor not in state or self.dim >= state[self.tensor].dim():
            raise ValueError(f"nothing can follow here: {self}")
        new = state[self.tensor].shape[self.dim] // max(1, self.divisor)
        if self.index is None:
            return new
        assert isinstance(held, list | tuple)
        return type(held)([new if index == self.index else old for index, old in enumerate(held)])

    def __str__(self) -> str:
        place = f"{self.module}.{self.attribute}" if self.module else self.attribute
        place += "" if self.index is None else f"[{self.index}]"
        return f"{place} = size of {self.tensor} at dim {self.dim}" + (f" / {self.divisor}" if self.divisor > 1 else "")


@dataclass(frozen=True)
class Group:
    """Units that stand in the same tensors. One unit is kept or cut as a whole, wherever it stands."""

    name: str
    axes: tuple[Axis, ...]

    def __len__(self) -> int:
        return len(self.axes[0].positions)

    @property
    def writers(self) -> tuple[str, ...]:
        """Modules whose weights compute the units."""
        return tuple(dict.fromkeys(axis.module for axis in self.axes if axis.writes))

    @property
    def readers(self) -> tuple[str, ...]:
        """Modules whose weights multiply the units; a recurrent layer reads its own."""
        return tuple(dict.fromkeys(axis.module for axis in self.axes if axis.reads))

    def weights(self, state: Mapping[str, Tensor]) -> list[Tensor]:
        """The weights that compute the units, row i = unit i.

        Parameters
        ----------
        state
            State dict of the model that this coupling describes.

        Returns
        -------
        list of Tensor
            For each writer a copy of shape (units, fan): what its weights hold for one unit in one row. A unit with
            several positions has them side by side, so a recurrent unit has all its gates, layers and directions in
            its row. Biases and norms are left out; of a weight with weight norm it is what the layer multiplies with.

        Raises
        ------
        ValueError
            The state lacks a tensor, or has it in another size.
        """
        rows: dict[str, list[Tensor]] = {}
        for axis in self.axes:
            if not axis.writes:
                continue
            if axis.tensor not in state:
                raise ValueError(f"the state has no {axis.tensor!r}, which writes group {self.name!r}")
            tensor = state[axis.tensor].detach()
            index = torch.tensor(axis.positions, device=tensor.device)
            if axis.dim >= tensor.dim() or int(index.max()) >= tensor.shape[axis.dim]:
                shape = tuple(tensor.shape)
                raise ValueError(f"{axis.tensor} has shape {shape}, too small at dim {axis.dim} for {self.name!r}")
            if axis.gain is not None:
                lengths = axis.gain.lengths(tensor)
                tensor = tensor * (state[axis.gain.name].detach().reshape(lengths.shape) / lengths)
            picked = tensor.movedim(axis.dim, 0)[index.flatten()]
            rows.setdefault(axis.module, []).append(picked.reshape(len(self), -1))
        return [torch.cat(parts, 1) for parts in rows.values()]


_Term = tuple[int, tuple[tuple[int, tuple[tuple[str, int], ...]], ...]]
"""A product: a factor, and for each dim with units its fixed positions and (group, positions a unit)."""


@dataclass(frozen=True)
class Coupling:
    """All groups of a model, what is frozen, and the shapes of its tensors."""

    groups: tuple[Group, ...]
    frozen: tuple[Frozen, ...]
    shapes: Mapping[str, tuple[int, ...]] = field(repr=False)
    """Of every parameter (a shared one under one name) and of every buffer that has units."""
    learnable: frozenset[str] = field(repr=False)
    """Names of the parameters."""
    norms: Mapping[str, frozenset[str]] = field(repr=False)
    """Modules that normalise over units, with the groups: a cut changes what is left of these."""
    gains: Mapping[str, Gain] = field(repr=False)
    """Weights with weight norm that a cut goes through, by the name of the direction."""
    aliases: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Further names of a tensor that has several."""
    stored: tuple[Stored, ...] = ()
    """Integers in modules that follow a cut."""

    @property
    def widths(self) -> dict[str, int]:
        """Units by group name."""
        return dict(self._widths)

    def parameters(self, widths: Mapping[str, int] | None = None) -> int:
        """How many parameters the model has when each group keeps that many units.

        Parameters
        ----------
        widths
            Units to keep by group name; a group that is not named stays whole.

        Raises
        ------
        ValueError
            An unknown group, or a width that is not between 1 and the group's.
        """
        keep = self._widths
        if widths is not None:
            for name, width in widths.items():
                if not 1 <= width <= keep.get(name, 0):
                    self._known(name)
                    raise ValueError(f"group {name!r} cannot have {width} units, only 1 to {keep[name]}")
            keep = {**keep, **widths}
        total, terms = self._terms
        for (factor, dims), times in terms.items():
            for fixed, parts in dims:
                factor *= fixed + sum(each * keep[name] for name, each in parts)
            total += times * factor
        return total

    @cached_property
    def _widths(self) -> dict[str, int]:
        return {group.name: len(group) for group in self.groups}

    @cached_property
    def _terms(self) -> tuple[int, Counter[_Term]]:
        """Parameters that no cut changes, and the others as products of linear forms in the widths."""
        parts: dict[tuple[str, int], list[tuple[str, int]]] = {}
        for group in self.groups:
            for axis in group.axes:
                parts.setdefault((axis.tensor, axis.dim), []).append((group.name, len(axis.positions[0])))
        constant = 0
        terms: Counter[_Term] = Counter()
        for name in self.learnable:
            factor, dims = 1, []
            for dim, size in enumerate(self.shapes[name]):
                of_groups = parts.get((name, dim), [])
                if of_groups:
                    fixed = size - sum(each * self._widths[group] for group, each in of_groups)
                    dims.append((fixed, tuple(of_groups)))
                else:
                    factor *= size
            if dims:
                terms[factor, tuple(dims)] += 1
            else:
                constant += factor
        return constant, terms

    @property
    def cuttable(self) -> float:
        """The share of the parameters that belong to at least one unit, 0 to 1: the others no cut can remove."""
        constant, terms = self._terms
        fixed = constant
        for (factor, dims), times in terms.items():
            for rest, _ in dims:
                factor *= rest
            fixed += times * factor
        return 1 - fixed / max(1, self.parameters())

    def plan(self, keep: Mapping[str, Sequence[int]]) -> Plan:
        """The cut that keeps these units.

        Parameters
        ----------
        keep
            Unit indices, increasing, by group name; a group that is not named is kept whole.

        Raises
        ------
        ValueError
            An unknown group, or indices that are none, not increasing or out of range.
        """
        cuts: dict[str, dict[int, Cut]] = {}
        for (tensor, dim), gone in self._gone(keep).items():
            size = self.shapes[tensor][dim]
            for name in (tensor, *self.aliases.get(tensor, ())):
                cuts.setdefault(name, {})[dim] = Cut(size, tuple(i for i in range(size) if i not in gone))
        return Plan(cuts, {name: gain for name, gain in self.gains.items() if name in cuts})

    def trimmed(self, keep: Mapping[str, Sequence[int]]) -> Coupling:
        """The same groups in the model that `plan(keep)` leaves. Takes and raises what `plan` does."""
        shapes = {name: list(shape) for name, shape in self.shapes.items()}
        moved: dict[tuple[str, int], dict[int, int]] = {}
        for (tensor, dim), gone in self._gone(keep).items():
            left = [i for i in range(self.shapes[tensor][dim]) if i not in gone]
            moved[tensor, dim] = {old: new for new, old in enumerate(left)}
            shapes[tensor][dim] = len(left)

        def renumber(axis: Axis, units: Sequence[int]) -> Axis:
            to = moved.get((axis.tensor, axis.dim))
            kept = tuple(axis.positions[i] for i in units)
            return replace(axis, positions=kept if to is None else tuple(tuple(to[p] for p in unit) for unit in kept))

        groups = []
        for group in self.groups:
            units = keep.get(group.name, range(len(group)))
            groups.append(Group(group.name, tuple(renumber(axis, units) for axis in group.axes)))
        return replace(self, groups=tuple(groups), shapes={name: tuple(shape) for name, shape in shapes.items()})

    def explain(self) -> str:
        """Who is coupled to whom, and what is frozen and why, for a person to read."""
        lines = []
        for group in self.groups:
            readers = ", ".join(group.readers) or "nothing"
            lines.append(f"{group.name}: {len(group)} units, written by {', '.join(group.writers)}, read by {readers}")
        lines += [f"{frozen.name or 'the model'}: frozen: {frozen.reason}" for frozen in self.frozen]
        lines += [f"follows the cut: {stored}" for stored in self.stored]
        least = self.parameters(dict.fromkeys(self.widths, 1))
        share = f"{100 * self.cuttable:.1f} % of them of units"
        lines.append(f"{self.parameters()} parameters, {share}, {least} with one unit in every group")
        return "\n".join(lines)

    def _known(self, name: str) -> None:
        if name not in self._widths:
            raise ValueError(f"no group {name!r}: {did_you_mean(name, self._widths)}")

    def _gone(self, keep: Mapping[str, Sequence[int]]) -> dict[tuple[str, int], set[int]]:
        """Positions that go, by tensor and dim; only where some go."""
        for name, units in keep.items():
            self._known(name)
            indices = [operator.index(unit) for unit in units]
            if not indices:
                raise ValueError(f"group {name!r} would be empty: keep at least one unit")
            if any(a >= b for a, b in pairwise(indices)):
                raise ValueError(f"the units to keep of group {name!r} must increase")
            if indices[0] < 0 or indices[-1] >= self._widths[name]:
                outside = indices[0] if indices[0] < 0 else indices[-1]
                raise ValueError(f"group {name!r} has units 0 to {self._widths[name] - 1}, not {outside}")
        gone: dict[tuple[str, int], set[int]] = {}
        for group in self.groups:
            dropped = set(range(len(group))).difference(map(operator.index, keep.get(group.name, range(len(group)))))
            for axis in group.axes if dropped else ():
                positions = (position for unit in dropped for position in axis.positions[unit])
                gone.setdefault((axis.tensor, axis.dim), set()).update(positions)
        return gone
