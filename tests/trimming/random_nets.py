"""Random nets: a small description that prints and shrinks, from which a net is built.

An activation is (batch, channels, time). A stage is a frozen dataclass that says what it is, and builds a module for
whatever it is given. So stages can be left out or exchanged one by one, and widths are equal by accident as often as
they differ. No forward holds a width: all come from tensors, layers or, in :class:`Remembered`, attributes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from math import gcd

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.trimming.nets import Net

ACTIVATIONS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda width: nn.Identity(),
    "relu": lambda width: nn.ReLU(),
    "tanh": lambda width: nn.Tanh(),
    "gelu": lambda width: nn.GELU(),
    "prelu": lambda width: nn.PReLU(),
    "prelu of each": nn.PReLU,
}
NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda width: nn.Identity(),
    "batch": nn.BatchNorm1d,
    "layer": lambda width: Net(lambda s, x: s.norm(x.transpose(1, 2)).transpose(1, 2), norm=nn.LayerNorm(width)),
    "instance": lambda width: nn.InstanceNorm1d(width, affine=True),
    "instance, plain": nn.InstanceNorm1d,
    "one group": lambda width: nn.GroupNorm(1, width),
    "two groups": lambda width: nn.GroupNorm(gcd(2, width), width),
    "three groups": lambda width: nn.GroupNorm(gcd(3, width), width),
}


def formed(layer: nn.Module, form: str) -> nn.Module:
    """The layer, with weight norm in one of torch's two forms or without."""
    if form == "weight_norm":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return nn.utils.weight_norm(layer)
    return nn.utils.parametrizations.weight_norm(layer) if form == "parametrized" else layer


def conv(before: int, width: int, form: str = "plain", kernel: int = 3) -> nn.Module:
    return formed(nn.Conv1d(before, width, kernel, padding=kernel // 2), form)


def over_time(module: nn.Module, x: Tensor) -> Tensor:
    """A module whose features come last, on channels."""
    return module(x.transpose(1, 2)).transpose(1, 2)


def cropped(*tensors: Tensor) -> list[Tensor]:
    """The same last frames of all."""
    time = min(tensor.shape[-1] for tensor in tensors)
    return [tensor[..., tensor.shape[-1] - time :] for tensor in tensors]


@dataclass(frozen=True)
class Layer:
    """A layer, a norm and an activation. `up` doubles the frames."""

    width: int
    kind: str = "conv"
    norm: str = "none"
    act: str = "relu"
    form: str = "plain"

    def build(self, h: Tensor, c: Tensor) -> nn.Module:
        after = {"norm": NORMS[self.norm](self.width), "act": ACTIVATIONS[self.act](self.width)}
        if self.kind == "linear":
            layer = formed(nn.Linear(h.shape[1], self.width), self.form)
            return Net(lambda s, x, c: s.act(s.norm(over_time(s.layer, x))), layer=layer, **after)
        if self.kind == "conv":
            layer = conv(h.shape[1], self.width, self.form)
        else:
            twice = h.shape[-1] <= 16
            layer = nn.ConvTranspose1d(h.shape[1], self.width, 4 if twice else 3, stride=2 if twice else 1, padding=1)
            layer = formed(layer, self.form)
        return Net(lambda s, x, c: s.act(s.norm(s.layer(x))), layer=layer, **after)


@dataclass(frozen=True)
class Grouped:
    """A grouped convolution, `each` channels wide in each group; as many groups as channels where `groups` is None."""

    groups: int | None
    each: int = 1
    transposed: bool = False
    form: str = "plain"

    def build(self, h: Tensor, c: Tensor) -> nn.Module:
        groups = h.shape[1] if self.groups is None else gcd(self.groups, h.shape[1])
        width = groups * self.each if groups > 1 else self.each + 1
        kind = nn.ConvTranspose1d if self.transposed else nn.Conv1d
        layer = kind(h.shape[1], width, 3, padding=1, groups=groups)
        return Net(lambda s, x, c: torch.tanh(s.layer(x)), layer=formed(layer, self.form))


@dataclass(frozen=True)
class Gate:
    """tanh times sigmoid, of two layers or of two halves of one."""

    width: int
    how: str = "two layers"
    form: str = "plain"

    def build(self, h: Tensor, c: Tensor) -> nn.Module:
        if self.how == "two layers":
            a, b = (conv(h.shape[1], self.width, self.form) for _ in range(2))
            return Net(lambda s, x, c: torch.tanh(s.a(x)) * torch.sigmoid(s.b(x)), a=a, b=b)

        def chunk(s: Net, x: Tensor, c: Tensor) -> Tensor:
            a, b = s.both(x).chunk(2, 1)
            return torch.tanh(a) * torch.sigmoid(b)

        def sliced(s: Net, x: Tensor, c: Tensor) -> Tensor:
            y = s.both(x)
            half = y.shape[1] // 2
            return torch.tanh(y[:, :half]) * torch.sigmoid(y[:, half:])

        forward = {"chunk": chunk, "slice": sliced, "glu": lambda s, x, c: F.glu(s.both(x), 1)}[self.how]
        return Net(forward, both=conv(h.shape[1], 2 * self.width, self.form))


@dataclass(frozen=True)
class Residual:
    """x + body(x). An open body is not closed by a layer where it happens to be as wide as its input.

    `width`: of the sum, where the shortcut has a layer of its own.
    """

    body: tuple[Stage, ...]
    width: int | None = None
    open: bool = False

    def build(self, h: Tensor, c: Tensor) -> nn.Module:
        body, y = chain(self.body, h, c)
        shortcut = nn.Identity() if self.width is None else conv(h.shape[1], self.width, kernel=1)
        width = self.width or h.shape[1]
        close = nn.Identity() if self.open and y.shape[1] == width else conv(y.shape[1], width, kernel=1)

        def forward(s: Net, x: Tensor, c: Tensor) -> Tensor:
            a, b = cropped(s.shortcut(x), s.close(s.body(x, c)))
            return a + b

        return Net(forward, body=body, close=close, shortcut=shortcut)


@dataclass(frozen=True)
class Concat:
    """Branches side by side; an empty branch is the input itself."""

    branches: tuple[tuple[Stage, ...], ...]

    def build(self, h: Tensor, c: Tensor) -> nn.Module:
        branches = nn.ModuleList([chain(stages, h, c)[0] for stages in self.branches])
        return Net(lambda s, x, c: torch.cat(cropped(*(branch(x, c) for branch in s.branches)), 1), branches=branches)


@dataclass(frozen=True)
class Skips:
    """Blocks with a residual and a skip output each; the skips are summed."""

    width: int
    skip: int
    blocks: int = 2

    def build(self, h: Tensor, c: Tensor) -> nn.Module:
        def layers(before: int, width: int) -> nn.ModuleList:
            return nn.ModuleList([conv(before, width, kernel=1) for _ in range(self.blocks)])

        def forward(s: Net, x: Tensor, c: Tensor) -> Tensor:
            total: Tensor | int = 0
            for inner, residual, skip in zip(s.inner, s.residual, s.skip, strict=True):
                z = torch.tanh(inner(x))
                x = x + residual(z)
                total = total + skip(z)
            return F.relu(total)

        width = h.shape[1]
        inner, residual, skip = layers(width, self.width), layers(self.width, width), layers(self.width, self.skip)
        return Net(forward, inner=inner, residual=residual, skip=skip)


@dataclass(frozen=True)
class Recurrent:
    """A GRU or LSTM over time. `last`: its last state at all times, where it goes one way."""

    width: int
    kind: str = "GRU"
    layers: int = 1
    both_ways: bool = False
    last: bool = False

    def build(self, h: Tensor, c: Tensor) -> nn.Module:
        def states(s: Net, x: Tensor, c: Tensor) -> Tensor:
            return s.layer(x.transpose(1, 2))[0].transpose(1, 2)

        def last(s: Net, x: Tensor, c: Tensor) -> Tensor:
            final = s.layer(x.transpose(1, 2))[1]
            final = final[0] if isinstance(final, tuple) else final
            return final[-1].unsqueeze(-1).expand(-1, -1, x.shape[-1])

        layer = getattr(nn, self.kind)(
            h.shape[1], self.width, self.layers, batch_first=True, bidirectional=self.both_ways
        )
        return Net(last if self.last and not self.both_ways else states, layer=layer)


@dataclass(frozen=True)
class SqueezeExcite:
    """Channels scaled by what two layers make of their means over time."""

    width: int

    def build(self, h: Tensor, c: Tensor) -> nn.Module:
        return Net(
            lambda s, x, c: x * torch.sigmoid(s.up(F.relu(s.down(x.mean(-1))))).unsqueeze(-1),
            down=nn.Linear(h.shape[1], self.width),
            up=nn.Linear(self.width, h.shape[1]),
        )


@dataclass(frozen=True)
class FiLM:
    """Channels scaled and shifted by the second input."""

    width: int

    def build(self, h: Tensor, c: Tensor) -> nn.Module:
        def forward(s: Net, x: Tensor, c: Tensor) -> Tensor:
            scale, shift = s.up(F.relu(s.down(c))).unsqueeze(-1).chunk(2, 1)
            return x * (1 + scale) + shift

        return Net(forward, down=nn.Linear(c.shape[1], self.width), up=nn.Linear(self.width, 2 * h.shape[1]))


@dataclass(frozen=True)
class Twice:
    """One layer, used twice."""

    form: str = "plain"

    def build(self, h: Tensor, c: Tensor) -> nn.Module:
        layer = conv(h.shape[1], h.shape[1], self.form)
        return Net(lambda s, x, c: torch.tanh(s.layer(torch.tanh(s.layer(x)))), layer=layer)


def _zeros_before(s: Net, x: Tensor, c: Tensor) -> Tensor:
    return torch.cat([x.new_zeros(len(x), x.shape[1], 2), x], -1)


def _zeros_beside(s: Net, x: Tensor, c: Tensor) -> Tensor:
    return torch.cat([x, torch.zeros(len(x), 2, x.shape[-1]).to(x)], 1)


FUNCTIONS: dict[str, Callable[[Net, Tensor, Tensor], Tensor]] = {
    "halves gated": lambda s, x, c: F.glu(x, 1),
    "input beside": lambda s, x, c: torch.cat([x, c.unsqueeze(-1).expand(-1, -1, x.shape[-1])], 1),
    "padded beside": lambda s, x, c: F.pad(x, (0, 0, 1, 2)),
    "zeros beside": _zeros_beside,
    "padded before": lambda s, x, c: F.pad(x, (2, 0)),
    "zeros before": _zeros_before,
    "later": lambda s, x, c: x[..., 2:],
    "earlier": lambda s, x, c: x[:, :, :-1],
    "every second": lambda s, x, c: x[:, :, ::2],
    "largest of two": lambda s, x, c: F.max_pool1d(x, 2),
    "mean of two": lambda s, x, c: F.avg_pool1d(x, 2),
}
SHORTER = tuple(FUNCTIONS)[6:]


@dataclass(frozen=True)
class Function:
    """What needs no weights. Nothing where there are few frames to shorten, or no halves."""

    how: str

    def build(self, h: Tensor, c: Tensor) -> nn.Module:
        odd = self.how == "halves gated" and (h.shape[1] % 2 or h.shape[1] == 2)
        short = self.how in SHORTER and h.shape[-1] < 8
        return Net((lambda s, x, c: x) if odd or short else FUNCTIONS[self.how])


@dataclass(frozen=True)
class Remembered:
    """A reshape with a width that the module remembers as a number."""

    def build(self, h: Tensor, c: Tensor) -> nn.Module:
        net = Net(lambda s, x, c: x.reshape(len(x), s.width, -1))
        net.width = h.shape[1]
        return net


Stage = (
    Layer | Grouped | Gate | Residual | Concat | Skips | Recurrent | SqueezeExcite | FiLM | Twice | Function
    | Remembered
)  # fmt: skip


def chain(stages: tuple[Stage, ...], h: Tensor, c: Tensor) -> tuple[nn.Module, Tensor]:
    """The stages one after the other, and what they make of h."""
    built = nn.ModuleList()
    for stage in stages:
        built.append(stage.build(h, c).eval())
        h = built[-1](h, c).detach()

    def forward(s: Net, x: Tensor, c: Tensor) -> Tensor:
        for module in s.stages:
            x = module(x, c)
        return x

    return Net(forward, stages=built), h


@dataclass(frozen=True)
class Description:
    """A net on (2, channels, time) and (2, side), and how its head sees the last activation."""

    stages: tuple[Stage, ...]
    head: str = "mean"
    channels: int = 3
    side: int = 2
    time: int = 12
    heads: int = 1

    def inputs(self) -> tuple[Tensor, Tensor]:
        noise = torch.Generator().manual_seed(1)
        shapes = (2, self.channels, self.time), (2, self.side)
        return torch.randn(shapes[0], generator=noise), torch.randn(shapes[1], generator=noise)

    def build(self) -> nn.Module:
        """The net, always with the same weights."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            body, h = chain(self.stages, *self.inputs())
            see = HEADS[self.head]
            net = Net(
                lambda s, x, c: tuple(head(see(s, s.body(x, c))) for head in s.heads), body=body, flat=h[0].numel()
            )
            width = see(net, h).shape[-1]
            net.heads = nn.ModuleList([nn.Linear(width, 3 + index) for index in range(self.heads)])
            return scattered(net)

    def elements(self) -> Iterator[Stage]:
        """All stages, however deep."""

        def inside(value: object) -> Iterator[Stage]:
            if isinstance(value, tuple):
                for part in value:
                    yield from inside(part)
            elif isinstance(value, Stage):
                yield value
                for field in fields(value):
                    yield from inside(getattr(value, field.name))

        return inside(self.stages)

    @property
    def free(self) -> bool:
        """Must every layer but the heads have units that can be cut.

        Not so where units meet the net's input. And what ties units to each other, whole groups of channels or the
        halves of a gate, leaves some that could only go all at once, unless nothing else in the net puts units side by
        side; and then no tensor may have the size that a module remembers.
        """
        elements = list(self.elements())
        ties, arranges = any(map(_ties, elements)), sum(map(_arranges, elements))
        plain = not (ties and arranges > 1) and not (Remembered() in elements and arranges)
        return isinstance(self.stages[0], Layer | Gate | Recurrent) and plain


HEADS: dict[str, Callable[[Net, Tensor], Tensor]] = {
    "mean": lambda s, h: h.mean(-1),
    "mean and largest": lambda s, h: torch.cat([h.mean(-1), h.amax(-1)], -1),
    "last frame": lambda s, h: h[..., -1],
    "every frame": lambda s, h: h.transpose(1, 2),
    "channels first": lambda s, h: h.flatten(1),
    "time first": lambda s, h: h.transpose(1, 2).reshape(len(h), -1),
    "channels first, size remembered": lambda s, h: h.reshape(-1, s.flat),
}


def _ties(stage: Stage) -> bool:
    """Does it make units of several others."""
    return (
        stage == Function("halves gated")
        or (isinstance(stage, Residual) and stage.open)
        or (isinstance(stage, Grouped) and stage.groups is not None)
        or (isinstance(stage, Layer) and stage.norm in ("two groups", "three groups"))
    )


def _arranges(stage: Stage) -> bool:
    """Does it put units or other values side by side, or expect them so."""
    return (
        _ties(stage)
        or isinstance(stage, Concat | Grouped)
        or (isinstance(stage, Recurrent) and stage.both_ways)
        or (isinstance(stage, Function) and "beside" in stage.how)
    )


def scattered(model: nn.Module) -> nn.Module:
    """The model with norms and gains that differ from unit to unit, so that a mix-up shows."""
    kinds = (nn.LayerNorm, nn.GroupNorm, nn.PReLU, nn.modules.batchnorm._NormBase)
    for module in model.modules():
        if isinstance(module, kinds):
            for tensor in (*module.parameters(), *module.buffers()):
                if tensor.is_floating_point():
                    nn.init.uniform_(tensor, 0.5, 1.5)
    return model
