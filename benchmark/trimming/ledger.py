"""What is known while a forward is being traced."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from benchmark.trimming.shadow import MADE, Shadow, compact, padded, varying
from benchmark.trimming.units import FIXED, Units

Role = Literal["write", "read", "side"]
"""A tensor's dim writes the units (rows of a weight), reads them (columns), or goes along (bias, norm)."""


@dataclass
class Traced:
    """One dim of one tensor of the model, with an id for each of its positions."""

    ids: Tensor
    roles: set[Role] = field(default_factory=set)


@dataclass(frozen=True)
class Facet:
    """One dim of a tensor that was computed from the model's tensors alone, such as a weight with weight norm."""

    ids: Tensor
    sources: tuple[tuple[str, int], ...]
    """The (tensor of the model, dim) that the dim comes from; the first is the weight, others scale it."""


Facets = tuple[Facet | None, ...]
"""For each dim; None where it has nothing of any tensor's dim (broadcast, or of fixed size)."""


@dataclass(frozen=True)
class Check:
    """A condition on a layout operation that can only be judged when all unions are known."""

    pattern: Tensor
    holds: Callable[[Tensor], bool]
    reason: str


@dataclass
class Ledger:
    """Ids of activations and of the model's tensors, and what was refused.

    A *pattern* is the compact, resolved form of an activation's ids: dims along which they do not vary have length 1.
    An activation with nothing but FIXED ids has no pattern and is called plain.
    """

    model: nn.Module
    refused: dict[str, str] = field(default_factory=dict)
    """Tensors of the model that must keep their size, with the reason."""
    units: Units = field(default_factory=Units)
    shadow: Shadow = field(default_factory=Shadow)
    axes: dict[tuple[str, int], Traced] = field(default_factory=dict)
    norms: dict[str, list[Tensor]] = field(default_factory=dict)
    """Modules that normalise over units, with the units: what remains of these does not stay what it was."""
    gains: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Weight norm: direction -> its gain and the dim that has a gain each (-1: one gain for all)."""
    modules: list[str] = field(default_factory=list)
    """Names of the modules being run, outermost first."""

    def __post_init__(self) -> None:
        self.names: dict[int, str] = {}
        for name, tensor in [*self.model.named_parameters(), *self.model.named_buffers()]:
            self.names.setdefault(id(tensor), name)
        self._derived: dict[int, tuple[weakref.ref[Tensor], Facets]] = {}
        self._checks: list[Check] = []

    # Activations

    def pattern(self, tensor: Tensor) -> Tensor | None:
        """The pattern of an activation, None where it is plain. Of the model's own tensors see :meth:`as_pattern`."""
        facets = self.facets(tensor)
        if facets is not None:
            return self.as_pattern(tensor, facets)
        ids = self.shadow.read(tensor)
        if ids is None:
            return None
        pattern = compact(ids)
        if bool((pattern == MADE).any()):
            pattern = padded(pattern)
        pattern = compact(self.units.resolve(pattern))
        return None if bool((pattern == FIXED).all()) else pattern

    def write(self, tensor: Tensor, pattern: Tensor | None) -> None:
        """Say which units the elements of an activation belong to (None: none)."""
        if id(tensor) in self.names:
            return
        if pattern is not None and not self.shadow.write(tensor, pattern):
            self.units.freeze(pattern, self.because("it is written into memory of another layout"))

    def made(self, tensor: Tensor) -> bool:
        """Is the activation a constant that the forward makes."""
        ids = self.shadow.read(tensor)
        return ids is not None and bool((compact(ids) == MADE).all())

    def make(self, tensor: Tensor, constant: bool = True) -> None:
        """Note that the activation is a constant that the forward makes, or that it is so no more."""
        self.shadow.write(tensor, torch.tensor(MADE if constant else FIXED))

    def freeze(self, tensor: Tensor, why: str) -> None:
        """Freeze the units that an activation or a tensor of the model holds."""
        facets = self.facets(tensor)
        if facets is not None:
            for facet in facets:
                self.fix(facet, why)
            return
        pattern = self.pattern(tensor)
        if pattern is not None:
            self.units.freeze(pattern, self.because(why))

    def vector(self, tensor: Tensor, dim: int) -> Tensor | None:
        """The ids along one dim, (length,); what else varies is tied, or frozen and None where this dim does not."""
        facets = self.facets(tensor)
        dim %= tensor.dim()
        pattern = self.pattern(tensor) if facets is None else self.as_pattern(tensor, facets, [dim])
        if pattern is None:
            return None
        others = varying(pattern) - {dim}
        if others and dim not in varying(pattern):
            self.units.freeze(pattern, self.because("its units lie along a dim that a layer does not read"))
            return None
        pattern = self.tie(pattern, others, "a layer shares its weights over them")
        return pattern.flatten().expand(tensor.shape[dim])

    def tie(self, pattern: Tensor, dims: Collection[int], why: str) -> Tensor:
        """The pattern with units along these dims made one."""
        if dims:
            self.units.tie(pattern, dims, self.because(why))
            for dim in dims:
                pattern = pattern.narrow(dim, 0, 1)
        return pattern

    def check(self, pattern: Tensor | None, holds: Callable[[Tensor], bool], why: str) -> None:
        """Freeze the units of a pattern unless `holds(pattern)` when all unions are known."""
        if pattern is not None and not holds(pattern):
            self._checks.append(Check(pattern, holds, self.because(why)))

    def settle(self) -> None:
        """Judge the conditions that had to wait, until no more units freeze."""
        waiting, failed = self._checks, True
        while failed:
            failed = False
            for check in waiting:
                pattern = compact(self.units.resolve(check.pattern))
                if not bool((pattern == FIXED).all()) and not check.holds(pattern):
                    self.units.freeze(pattern, check.reason)
                    failed = True

    # Tensors of the model, and what is computed from them alone

    def facets(self, tensor: Tensor) -> Facets | None:
        """Of a parameter or buffer, or of what was derived from them alone; None for an activation."""
        name = self.names.get(id(tensor))
        if name is not None:
            return tuple(Facet(self._axis(name, d, size).ids, ((name, d),)) for d, size in enumerate(tensor.shape))
        entry = self._derived.get(id(tensor))
        return entry[1] if entry is not None and entry[0]() is tensor else None

    def derive(self, tensor: Tensor, facets: Sequence[Facet | None]) -> None:
        """Note that a tensor was computed from the model's tensors alone."""
        if id(tensor) not in self.names:
            self._derived[id(tensor)] = (weakref.ref(tensor), tuple(facets))

    def owned(self, *tensors: Tensor | None) -> bool:
        """Do all tensors (None is left out) have facets."""
        return all(tensor is None or self.facets(tensor) is not None for tensor in tensors)

    def as_pattern(self, tensor: Tensor, facets: Facets, among: Sequence[int] | None = None) -> Tensor | None:
        """A tensor of the model taken as values: units along one dim, the last of `among`; the others are fixed."""
        dims = [d for d, facet in enumerate(facets) if facet is not None and tensor.shape[d] > 1]
        chosen = [d for d in dims if among is None or d in among][-1:]
        for dim in dims:
            if dim not in chosen:
                self.fix(facets[dim], "it is used as values, and keeps its size")
        for dim in chosen:
            pattern = compact(spread(self.units.resolve(self.dim(tensor, dim, "side")), dim, tensor.dim()))
            return None if bool((pattern == FIXED).all()) else pattern
        return None

    def fix(self, facet: Facet | None, why: str) -> None:
        """The dim keeps its size."""
        if facet is not None:
            self.units.freeze(facet.ids, self.because(why))

    def join(self, tensor: Tensor | None, dim: int, role: Role, ids: Tensor | None) -> None:
        """The dim of a weight has these units (None: values of fixed width)."""
        if tensor is None:
            return
        why = self.because("its layer is fed values of fixed width")
        self.units.unite(self.dim(tensor, dim, role), torch.tensor(FIXED) if ids is None else ids, why)

    def dim(self, tensor: Tensor, dim: int, role: Role) -> Tensor:
        """The ids of one dim of a weight, (length,); the dim has that role from now on."""
        facets = self.facets(tensor)
        facet = None if facets is None else facets[dim]
        if facet is None:
            return torch.full((tensor.shape[dim],), FIXED)
        for index, source in enumerate(facet.sources):
            self.axes[source].roles.add(role if index == 0 else "side")
        return facet.ids

    def _axis(self, name: str, dim: int, size: int) -> Traced:
        if (name, dim) not in self.axes:
            self.axes[name, dim] = Traced(self.units.fresh(size))
            if name in self.refused:
                self.units.freeze(self.axes[name, dim].ids, self.refused[name])
            elif size == 1:
                self.units.freeze(self.axes[name, dim].ids, "it has one unit only")
        return self.axes[name, dim]

    def norm(self, units: Tensor) -> None:
        """Note that the running module normalises over these units."""
        self.norms.setdefault(self.modules[-1] if self.modules else "", []).append(units)

    def because(self, why: str) -> str:
        """The reason with the name of the module where it arose."""
        name = self.modules[-1] if self.modules else ""
        return f"{why} (in {name})" if name else why


def spread(ids: Tensor, dim: int, ndim: int) -> Tensor:
    """A vector of ids as a pattern of `ndim` dims that varies along `dim`."""
    return ids.view([-1 if d == dim % ndim else 1 for d in range(ndim)])
