"""A cut as data: which positions of which tensors stay."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
class Plan:
    """Kept positions of tensors of an untrimmed model, by tensor name and dim.

    A plan needs no model. It cuts whatever has the untrimmed shapes: weights of a rewind step, optimizer moments,
    another seed.
    """

    cuts: Mapping[str, Mapping[int, Cut]]

    def apply(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Cut a state dict of the untrimmed shapes.

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
        return Plan(merged)

    def to_json(self) -> str:
        """The plan as one line of JSON."""
        tensors = {
            name: {str(dim): {"size": cut.size, "keep": list(cut.keep)} for dim, cut in dims.items()}
            for name, dims in self.cuts.items()
        }
        return json.dumps({"version": 1, "tensors": tensors}, separators=(",", ":"))

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
        content = _fields(data, ("version", "tensors"), "the plan")
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
        return cls(cuts)


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
