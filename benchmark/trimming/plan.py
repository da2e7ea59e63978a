"""A cut as data: which positions of which tensors stay."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Cut:
    """What stays of one dim of one tensor."""

    size: int
    """Length of the dim before the cut."""
    keep: tuple[int, ...]
    """The kept positions, strictly increasing, at least one.

    Raises
    ------
    ValueError
        The positions are not such.
    """

    def __post_init__(self) -> None:
        if type(self.size) is not int or any(type(i) is not int for i in self.keep):
            raise ValueError("sizes and positions must be integers")
        if not self.keep:
            raise ValueError("nothing would be kept")
        if any(a >= b for a, b in pairwise(self.keep)):
            raise ValueError("the kept positions must increase")
        if self.keep[0] < 0 or self.keep[-1] >= self.size:
            raise ValueError(f"positions {self.keep[0]} to {self.keep[-1]} are kept of a size of {self.size}")


@dataclass(frozen=True)
class Gain:
    """A gain of weight norm, `w = g * v / |v|`: it shrinks with the length that its direction v loses in a cut."""

    name: str
    dim: int
    """Each position of this dim of the direction has its own gain; -1: one gain for all."""

    def lengths(self, direction: Tensor) -> Tensor:
        """The length of each row of a direction, (1, .., rows, .., 1); never 0."""
        over = [d for d in range(direction.dim()) if d != self.dim]
        lengths: Tensor = torch.linalg.vector_norm(direction.detach(), dim=over, keepdim=True)
        return lengths.clamp_min(torch.finfo(lengths.dtype).tiny)


@dataclass(frozen=True)
class Plan:
    """Kept positions of tensors of an untrimmed model, by tensor name and dim.

    A plan needs no model. It cuts whatever has the untrimmed shapes: weights of a rewind step, optimizer moments,
    another seed.
    """

    cuts: Mapping[str, Mapping[int, Cut]]
    gains: Mapping[str, Gain] = field(default_factory=dict)
    """By the name of the direction, where a cut goes through the rows of one."""

    def apply(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Cut a state dict of the untrimmed shapes, so that what is left of every weight stays what it was.

        That is `select`, and where a weight has weight norm, its gain is scaled by the length that the rows lose.
        Takes and raises what `select` does.
        """
        trimmed = self.select(state)
        for direction, gain in self.gains.items():
            if direction in trimmed and gain.name in trimmed:
                along = {gain.dim: self.cuts[direction][gain.dim]} if gain.dim in self.cuts[direction] else {}
                whole = Plan({direction: along}).select({direction: state[direction]})[direction]
                left = gain.lengths(trimmed[direction]) / gain.lengths(whole)
                trimmed[gain.name] = trimmed[gain.name] * left.reshape(trimmed[gain.name].shape)
        return trimmed

    def select(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Cut tensors of the untrimmed shapes by position and nothing else: moments of an optimizer, masks, gradients.

        Parameters
        ----------
        state
            Tensors by name. Names that the plan does not cut are copied whole; names of the plan that are absent are
            skipped, since moments have no buffers.

        Returns
        -------
        dict of str to Tensor
            New contiguous tensors without gradient history.

        Raises
        ------
        ValueError
            A tensor has another size than the plan was made for, or the plan cuts none of the names.
        """
        if self.cuts and not self.cuts.keys() & state.keys():
            raise ValueError(f"the plan cuts {_some(self.cuts)}; the state has none of them but {_some(state)}")
        trimmed = {}
        for name, tensor in state.items():
            new = tensor.detach()
            for dim, cut in self.cuts.get(name, {}).items():
                if dim >= new.dim() or new.shape[dim] != cut.size:
                    shape = tuple(tensor.shape)
                    raise ValueError(f"{name} has shape {shape}; the plan was made for size {cut.size} at dim {dim}")
                new = new.index_select(dim, torch.tensor(cut.keep, device=new.device))
            trimmed[name] = new.clone(memory_format=torch.contiguous_format)
        return trimmed

    def compose(self, later: Plan) -> Plan:
        """One plan for this cut and a later one, which was made for what this one leaves.

        Raises
        ------
        ValueError
            The later plan was not made for what this one leaves.
        """
        merged = {name: dict(dims) for name, dims in self.cuts.items()}
        for name, dims in later.cuts.items():
            for dim, cut in dims.items():
                first = merged.setdefault(name, {}).get(dim)
                if first is None:
                    merged[name][dim] = cut
                    continue
                if len(first.keep) != cut.size:
                    left = len(first.keep)
                    raise ValueError(f"{name}: dim {dim} has {left} left, but the later plan was made for {cut.size}")
                merged[name][dim] = Cut(first.size, tuple(first.keep[i] for i in cut.keep))
        return Plan(merged, {**self.gains, **later.gains})

    def to_json(self) -> str:
        """The plan as one line of JSON."""
        tensors = {
            name: {str(dim): {"size": cut.size, "keep": list(cut.keep)} for dim, cut in dims.items()}
            for name, dims in self.cuts.items()
        }
        content: dict[str, Any] = {"version": 1, "tensors": tensors}
        if self.gains:
            content["gains"] = {name: {"gain": gain.name, "dim": gain.dim} for name, gain in self.gains.items()}
        return json.dumps(content, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read what `to_json` wrote, trusting nothing.

        Raises
        ------
        ValueError
            What is wrong, and where.
        """
        try:
            data = json.loads(text, object_pairs_hook=_without_repeats)
        except RecursionError:
            raise ValueError("not a plan: JSON nested too deep") from None
        except ValueError as error:
            raise ValueError(f"not a plan: {error}") from None
        content = {"gains": {}} | _mapping(data, "the plan")
        content = _fields(content, ("version", "tensors", "gains"), "the plan")
        if type(content["version"]) is not int or content["version"] != 1:
            raise ValueError(f"not a plan: version {content['version']!r}, this reads version 1")
        cuts: dict[str, dict[int, Cut]] = {}
        for name, dims in _mapping(content["tensors"], "tensors").items():
            cuts[name] = {}
            for dim, value in _mapping(dims, name).items():
                where = f"{name}, dim {dim}"
                if not (dim.isascii() and dim.isdecimal() and dim == str(int(dim[:3]))):
                    raise ValueError(f"not a plan: {where!r} is no dim")
                entry = _fields(value, ("size", "keep"), where)
                if not isinstance(entry["keep"], list):
                    raise ValueError(f"not a plan: {where}: 'keep' must be a list")
                try:
                    cuts[name][int(dim)] = Cut(entry["size"], tuple(entry["keep"]))
                except ValueError as error:
                    raise ValueError(f"not a plan: {where}: {error}") from None
        gains = {}
        for name, value in _mapping(content["gains"], "gains").items():
            entry = _fields(value, ("gain", "dim"), f"the gain of {name}")
            if type(entry["gain"]) is not str or type(entry["dim"]) is not int or name not in cuts:
                raise ValueError(f"not a plan: the gain of {name}: wanted a name and a dim, of a tensor that is cut")
            gains[name] = Gain(entry["gain"], entry["dim"])
        return cls(cuts, gains)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError(f"a name is given twice among {_some(result)}")
    return result


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"not a plan: {where}: wanted an object, got {type(value).__name__}")
    return value


def _fields(value: object, names: tuple[str, ...], where: str) -> dict[str, Any]:
    content = _mapping(value, where)
    if content.keys() != set(names):
        raise ValueError(f"not a plan: {where}: wanted {', '.join(names)}, got {_some(content)}")
    return content


def _some(names: Iterable[str], most: int = 4) -> str:
    listed = list(names)
    rest = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(map(repr, listed[:most])) + rest if listed else "nothing"
