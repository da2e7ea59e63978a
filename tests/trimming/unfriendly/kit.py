"""What the unfriendly nets are made of and written down with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tests.trimming.nets import Hard, Net, conv

WAVE, SEQUENCE, TOKENS = (2, 4, 9), (2, 6, 4), (2, 7, 8)
BOTH = {"a": 16, "b": 12}
ALL_OF_A, A_THEN_B = {"o": "a"}, {"b": "a", "o": "b"}


@dataclass(frozen=True)
class Unfriendly(Hard):
    """A hard net, and what else must hold of it."""

    stored: tuple[str, ...] = ()
    """Attributes with a width in them, which must follow a cut; as paths from the net."""
    kept: tuple[str, ...] = ()
    """Attributes that are as large as a width, or count something else, and must stay."""
    reads: Mapping[str, str] = field(default_factory=dict)
    """Layers and the group that is all they read: units in order, each in equally many neighbouring features."""
    single: bool = False
    """It does not run in float64: its code casts to float32."""


Build = Callable[[], nn.Module]


class Nets(dict[str, Unfriendly]):
    """Nets by what they show."""

    def add(self, name: str, widths: dict[str, int], *shapes: tuple[int, ...], **more: Any) -> Callable[[Build], Build]:
        """Put in the net that a function builds."""

        def put(build: Build) -> Build:
            assert name not in self, name
            self[name] = Unfriendly(build, shapes or (SEQUENCE,), widths, **more)
            return build

        return put


def net(forward: Callable[..., object], **parts: Any) -> Net:
    """A net of modules, parameters, buffers (plain tensors) and attributes."""
    made = Net(forward)
    for name, part in parts.items():
        if isinstance(part, Tensor) and not isinstance(part, nn.Parameter):
            made.register_buffer(name, part)
        else:
            setattr(made, name, part)
    return made


def weight(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape) / shape[-1] ** 0.5)


def convs(middle: Callable[[Net, Tensor], Tensor], after: int = 16, **parts: Any) -> Net:
    """Something between two convolutions, from 16 channels to `after`."""
    return net(lambda s, x: s.o(middle(s, s.a(x))), a=conv(4, 16), o=conv(after, 3), **parts)


def linears(middle: Callable[[Net, Tensor], Tensor], after: int = 16, **parts: Any) -> Net:
    """Something between two linear layers, from 16 units to `after`."""
    return net(lambda s, x: s.o(middle(s, s.a(x))), a=nn.Linear(4, 16), o=nn.Linear(after, 3), **parts)
