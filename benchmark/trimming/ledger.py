"""What is known while a forward is being traced."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from benchmark.trimming.shadow import Shadow, compact, varying
from benchmark.trimming.units import FIXED, Units

Role = Literal["write", "read", "side"]
"""A tensor's dim writes the units (rows of a weight), reads them (columns), or goes along (bias, norm)."""


@dataclass(frozen=True)
class Traced:
    """One dim of one tensor of the model, with an id for each of its positions."""

    ids: Tensor
    role: Role


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
    units: Units = field(default_factory=Units)
    shadow: Shadow = field(default_factory=Shadow)
    axes: dict[tuple[str, int], Traced] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """Tensors of the model that must keep their size, with the reason."""
    norms: set[str] = field(default_factory=set)
    """Weights of layer norms: the one layer where the rest of a cut axis does not stay what it was."""
    zeros: list[Tensor] = field(default_factory=list)
    """What `torch.zeros` made during the forward."""
    modules: list[str] = field(default_factory=list)
    """Names of the modules being run, outermost first."""

    def __post_init__(self) -> None:
        tensors = [*self.model.named_parameters(remove_duplicate=False), *self.model.named_buffers()]
        self.names: dict[int, str] = {}
        for name, tensor in tensors:
            self.names.setdefault(id(tensor), name)
        self._owners: dict[int, list[str]] = {}
        for name, tensor in tensors:
            if tensor.layout == torch.strided:
                self._owners.setdefault(tensor.untyped_storage()._cdata, []).append(name)
        self._checks: list[Check] = []

    # Activations

    def pattern(self, tensor: Tensor) -> Tensor | None:
        """The pattern of an activation, None where it is plain."""
        ids = self.shadow.read(tensor)
        if ids is None:
            return None
        pattern = compact(self.units.resolve(compact(ids)))
        return None if bool((pattern == FIXED).all()) else pattern

    def write(self, tensor: Tensor, pattern: Tensor | None) -> None:
        """Say which units the elements of an activation belong to (None: none)."""
        if pattern is not None and not self.shadow.write(tensor, pattern):
            self.units.freeze(pattern, self.because("it is written into memory of another layout"))

    def freeze(self, tensor: Tensor, why: str) -> None:
        """Freeze the units that an activation holds."""
        pattern = self.pattern(tensor)
        if pattern is not None:
            self.units.freeze(pattern, self.because(why))

    def vector(self, tensor: Tensor, dim: int) -> Tensor | None:
        """The ids along one dim, (length,); frozen and None where they vary along any other."""
        pattern = self.pattern(tensor)
        if pattern is None:
            return None
        dim %= tensor.dim()
        if varying(pattern) - {dim}:
            self.units.freeze(pattern, self.because("units follow each other along a dim that a layer shares"))
            return None
        return pattern.flatten().expand(tensor.shape[dim])

    def check(self, tensor: Tensor, holds: Callable[[Tensor], bool], why: str) -> None:
        """Freeze the activation's units unless `holds(pattern)` when all unions are known."""
        pattern = self.pattern(tensor)
        if pattern is not None and not holds(pattern):
            self._checks.append(Check(pattern, holds, self.because(why)))

    def settle(self) -> None:
        """Judge the conditions that had to wait, and freeze what belongs to tensors that keep their size."""
        for check in self._checks:
            pattern = compact(self.units.resolve(check.pattern))
            if not check.holds(pattern):
                self.units.freeze(pattern, check.reason)
        for (name, _), axis in self.axes.items():
            if name in self.refused:
                self.units.freeze(axis.ids, self.refused[name])

    # Tensors of the model

    def owned(self, *tensors: Tensor | None) -> bool:
        """Are all tensors (None is left out) parameters or buffers of the model themselves, no views or products."""
        return all(tensor is None or id(tensor) in self.names for tensor in tensors)

    def is_own_memory(self, tensor: Tensor) -> bool:
        """Does the tensor share memory with a parameter or buffer."""
        return tensor.layout == torch.strided and tensor.untyped_storage()._cdata in self._owners

    def refuse(self, tensors: Iterable[Tensor | None], why: str) -> None:
        """The parameters and buffers that share memory with the tensors keep their size."""
        for tensor in tensors:
            if tensor is not None and self.is_own_memory(tensor):
                for name in self._owners[tensor.untyped_storage()._cdata]:
                    self.refused.setdefault(name, self.because(why))

    def axis(self, tensor: Tensor, dim: int, role: Role) -> Tensor:
        """The ids of one dim of a parameter or buffer, (length,)."""
        key = self.names[id(tensor)], dim
        if key not in self.axes:
            self.axes[key] = Traced(self.units.fresh(tensor.shape[dim]), role)
        axis = self.axes[key]
        if axis.role != role:
            self.units.freeze(axis.ids, self.because(f"one dim of {key[0]} both writes and reads units"))
        return axis.ids

    def join(self, tensor: Tensor | None, dim: int, role: Role, ids: Tensor | None) -> None:
        """The dim of a parameter or buffer has these units (None: values of fixed width)."""
        if tensor is not None:
            own = self.axis(tensor, dim, role)
            why = self.because("its layer is fed values of fixed width")
            self.units.unite(own, torch.tensor(FIXED) if ids is None else ids, why)

    def because(self, why: str) -> str:
        """The reason with the name of the module where it arose."""
        name = self.modules[-1] if self.modules else ""
        return f"{why} (in {name})" if name else why
