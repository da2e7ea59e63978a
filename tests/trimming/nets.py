"""Small nets, each with one thing that makes cutting hard, and the groups that a cut may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Net(nn.Module):
    """Modules by name and a forward that gets the net and its inputs."""

    def __init__(self, forward: Callable[..., object], **modules: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.run = forward
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *inputs: Tensor) -> object:
        return self.run(self, *inputs)


@dataclass(frozen=True)
class Hard:
    """A net, the shapes of its inputs, and the widths that its groups must have."""

    build: Callable[[], nn.Module]
    shapes: tuple[tuple[int, ...], ...]
    widths: dict[str, int]
    layered: bool = True
    """Are units written and read by layers alone, each with a weight of its own, as the oracle takes them to be."""

    def inputs(self) -> tuple[Tensor, ...]:
        return tuple(torch.randn(shape) for shape in self.shapes)


def conv(inputs: int, outputs: int, groups: int = 1) -> nn.Conv1d:
    return nn.Conv1d(inputs, outputs, 3, padding=1, groups=groups)


def _depthwise() -> Net:
    return Net(lambda s, x: s.o(F.relu(s.d(F.relu(s.a(x))))), a=conv(4, 16), d=conv(16, 16, 16), o=conv(16, 5))


def _softmax() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(torch.softmax(s.b(F.relu(s.a(x))), -1))

    return Net(forward, a=nn.Linear(8, 16), b=nn.Linear(16, 12), o=nn.Linear(12, 3))


def _attention() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(torch.softmax(s.q(x) @ s.k(x).transpose(1, 2) / 4, -1) @ s.v(x))

    return Net(forward, q=nn.Linear(8, 16), k=nn.Linear(8, 16), v=nn.Linear(8, 12), o=nn.Linear(12, 3))


def _unwrapped() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.relu(s.a(x) * s.g.view(1, -1, 1)))

    return Net(forward, a=conv(4, 16), g=nn.Parameter(torch.randn(16)), o=conv(16, 3))


def _unet() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        a = F.relu(s.a(x))
        return s.o(torch.cat([F.relu(s.u(F.relu(s.b(a)))), a], 1))

    down, up = nn.Conv1d(8, 16, 4, stride=2, padding=1), nn.ConvTranspose1d(16, 6, 4, stride=2, padding=1)
    return Net(forward, a=conv(1, 8), b=down, u=up, o=conv(14, 1))


def _twice() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(torch.tanh(s.m(torch.tanh(s.m(torch.tanh(s.i(x)))))))

    return Net(forward, i=nn.Linear(4, 16), m=nn.Linear(16, 16), o=nn.Linear(16, 2))


def _pooled() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = F.relu(s.a(x))
        return s.o(torch.cat([h.mean(-1), h.amax(-1)], -1))

    return Net(forward, a=conv(4, 16), o=nn.Linear(32, 3))


def _last_state() -> Net:
    return Net(lambda s, x: s.o(s.g(x)[1][-1]), g=nn.GRU(4, 16, batch_first=True), o=nn.Linear(16, 3))


def _states() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(s.d(x, s.e(x)[1])[0])

    return Net(forward, e=nn.GRU(4, 16, batch_first=True), d=nn.GRU(4, 16, batch_first=True), o=nn.Linear(16, 3))


def _tied() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.relu(s.d2(F.relu(s.d(F.relu(s.e(x)))))))

    net = Net(forward, e=nn.Linear(6, 16), d=nn.Linear(16, 16), d2=nn.Linear(16, 16), o=nn.Linear(16, 2))
    net.d2.weight = net.d.weight
    return net


def _functional() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = F.relu(s.e(x))
        return s.o(h) + F.linear(h, s.e.weight.t())

    return Net(forward, e=nn.Linear(6, 16), o=nn.Linear(16, 6))


# Fifteen nets on which pruning tools were compared.
HARD = {
    "depthwise": Hard(_depthwise, ((2, 4, 20),), {"a+d": 16}, layered=False),
    "softmax over units": Hard(_softmax, ((2, 7, 8),), {"a": 16}),
    "attention": Hard(_attention, ((2, 7, 8),), {}),
    "residual to the input": Hard(
        lambda: Net(lambda s, x: s.o(F.relu(x + s.a(x))), a=conv(6, 6), o=conv(6, 3)), ((2, 6, 9),), {}
    ),
    "unwrapped parameter": Hard(_unwrapped, ((2, 4, 9),), {"a": 16}),
    "group norm": Hard(
        lambda: Net(lambda s, x: s.o(F.relu(s.n(s.a(x)))), a=conv(4, 16), n=nn.GroupNorm(4, 16), o=conv(16, 3)),
        ((2, 4, 9),),
        {"a": 4},
    ),
    "u-net": Hard(_unet, ((2, 1, 16),), {"a": 8, "b": 16, "u": 6}),
    "one layer used twice": Hard(_twice, ((2, 5, 4),), {"i+m": 16}),
    "glu": Hard(lambda: Net(lambda s, x: s.o(F.glu(s.a(x), 1)), a=conv(4, 32), o=conv(16, 2)), ((2, 4, 9),), {"a": 16}),
    "pixel shuffle": Hard(
        lambda: Net(
            lambda s, x: s.o(F.pixel_shuffle(F.relu(s.a(x)), 2)),
            a=nn.Conv2d(1, 8, 3, padding=1),
            o=nn.Conv2d(2, 1, 1),
        ),
        ((2, 1, 6, 6),),
        {"a": 2},
    ),
    "two kinds of pooling": Hard(_pooled, ((2, 4, 9),), {"a": 16}),
    "last state of a gru": Hard(_last_state, ((2, 5, 4),), {"g": 16}),
    "state from another gru": Hard(_states, ((2, 5, 4),), {"e+d": 16}),
    "tied weights": Hard(_tied, ((2, 6),), {"e+d": 16}, layered=False),
    "weight used by a function": Hard(_functional, ((2, 6),), {"e": 16}, layered=False),
}


def between(middle: Callable[[Tensor], Tensor], wide: int = 16, after: int | None = None) -> Net:
    """A net with `middle` between two layers, on (2, 4, 6) -> (2, 6, units)."""

    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(middle(s.a(x.transpose(1, 2))))

    return Net(forward, a=nn.Linear(4, wide), o=nn.Linear(after or wide, 3))


def two(join: Callable[[Tensor, Tensor], Tensor], after: int = 16) -> Net:
    """A net that joins the outputs of two layers, on (2, 6, 4)."""
    return Net(lambda s, x: s.o(join(s.a(x), s.b(x))), a=nn.Linear(4, 16), b=nn.Linear(4, 16), o=nn.Linear(after, 3))


class LeftPadded(nn.Conv1d):
    """A subclass with its own forward and a residual path."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(F.pad(x, (2, 0)))


def _squeeze_excite() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = F.relu(s.a(x))
        return s.o(h * torch.sigmoid(s.up(F.relu(s.down(h.mean(-1))))).unsqueeze(-1))

    return Net(forward, a=conv(4, 16), down=nn.Linear(16, 5), up=nn.Linear(5, 16), o=conv(16, 3))


def _scalar_gate() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(s.a(x) * torch.sigmoid(s.g(F.relu(s.b(x)))))

    return Net(forward, a=nn.Linear(4, 16), b=nn.Linear(4, 6), g=nn.Linear(6, 1), o=nn.Linear(16, 3))


def _outer() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o((s.a(x)[..., :, None] * s.b(x)[..., None, :]).flatten(-2))

    return Net(forward, a=nn.Linear(4, 5), b=nn.Linear(4, 6), o=nn.Linear(30, 3))


def _halves_apart() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        a, b = s.a(x).chunk(2, -1)
        return s.p(a) + s.o(b)

    return Net(forward, a=nn.Linear(4, 16), p=nn.Linear(8, 3), o=nn.Linear(8, 3))


def _wider_shortcut() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = F.relu(s.a(x))
        return s.o(s.b(h) + F.pad(h, (0, 4)))

    return Net(forward, a=nn.Linear(4, 8), b=nn.Linear(8, 12), o=nn.Linear(12, 3))


def _cell() -> Net:
    """An LSTM cell by hand: four gates out of one layer."""

    def forward(s: Net, x: Tensor) -> Tensor:
        c: Tensor | float = 0.0
        h = s.first(x[:, 0])
        for t in range(x.shape[1]):
            i, f, g, o = (s.x(x[:, t]) + s.h(h)).chunk(4, -1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return s.o(h)

    return Net(forward, first=nn.Linear(4, 6), x=nn.Linear(4, 24), h=nn.Linear(6, 24), o=nn.Linear(6, 3))


def _directions_summed() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        y = s.g(x)[0]
        return s.o(y.view(*y.shape[:2], 2, y.shape[-1] // 2).sum(2))

    return Net(forward, g=nn.LSTM(4, 7, 2, batch_first=True, bidirectional=True), o=nn.Linear(7, 3))


def _packed() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(s.a(x), torch.tensor([6, 4]), batch_first=True)
        return s.o(nn.utils.rnn.pad_packed_sequence(s.g(packed)[0], batch_first=True)[0])

    return Net(forward, a=nn.Linear(4, 6), g=nn.GRU(6, 5, batch_first=True), o=nn.Linear(5, 3))


def _given_state() -> Net:
    def forward(s: Net, x: Tensor, state: Tensor) -> Tensor:
        return s.o(s.g(x, state)[0])

    return Net(forward, g=nn.GRU(4, 5, batch_first=True), o=nn.Linear(5, 3))


def _learned_state() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(s.g(x, s.start.expand(-1, len(x), -1).contiguous())[0])

    start = nn.Parameter(torch.zeros(1, 1, 5))
    return Net(forward, g=nn.GRU(4, 5, batch_first=True), start=start, o=nn.Linear(5, 3))


def _repeated_module() -> nn.Module:
    layer = nn.Linear(16, 16)
    return nn.Sequential(nn.Linear(4, 16), layer, nn.ReLU(), layer, nn.Linear(16, 3))


def _output_embedding() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return F.linear(s.o(s.e(x.argmax(-1))), s.e.weight)

    return Net(forward, e=nn.Embedding(6, 8), o=nn.Linear(8, 8))


def _weight_in_the_loss() -> Net:
    return Net(lambda s, x: s.o(s.a(x)) + s.a.weight.mean(), a=nn.Linear(4, 8), o=nn.Linear(8, 3))


def _old_weight_norm() -> Net:
    return Net(lambda s, x: s.o(s.b(s.a(x))), a=nn.Linear(4, 8), o=nn.Linear(6, 3),
               b=nn.utils.parametrizations.weight_norm(nn.Linear(8, 6)))  # fmt: skip


def _buffer_filled(h: Tensor) -> Tensor:
    buffer = h.new_zeros(*h.shape[:2], 20)
    buffer[..., : h.shape[-1]] = h
    return buffer


def _through_numpy(h: Tensor) -> Tensor:
    return torch.from_numpy(h.numpy() * 2)


def _half_in_place(h: Tensor) -> Tensor:
    h = h.clone()
    h[..., :8].mul_(2)
    return h


def _shuffled(h: Tensor) -> Tensor:
    return h.unflatten(-1, (2, -1)).transpose(-1, -2).flatten(-2)


def _chosen_word() -> Net:
    return Net(lambda s, x: s.o(s.e(s.a(x).argmax(1))), a=nn.Linear(4, 16), e=nn.Embedding(6, 5), o=nn.Linear(5, 3))


def _over_time() -> Net:
    """A layer whose features are time, on units that are as many."""
    return Net(lambda s, x: s.o(s.t(s.a(x))), a=conv(4, 9), t=nn.Linear(9, 9), o=conv(9, 3))


_SEQUENCE = ((2, 6, 4),)
_BETWEEN = ((2, 4, 6),)

MORE = {
    # what can be cut, and with whom
    "own conv class": Hard(
        lambda: nn.Sequential(conv(4, 8), LeftPadded(8, 8, 3), conv(8, 3)), ((2, 4, 9),), {"0..1": 8}
    ),
    "squeeze and excite": Hard(_squeeze_excite, ((2, 4, 9),), {"a+up": 16, "down": 5}),
    "cell by hand": Hard(_cell, _SEQUENCE, {"first+x+h": 6}),
    "directions summed": Hard(_directions_summed, _SEQUENCE, {"g": 7}),
    "in place": Hard(lambda: between(lambda h: h.mul_(2).relu_()), _BETWEEN, {"a": 16}),
    "one gain": Hard(
        lambda: nn.Sequential(conv(4, 8), nn.PReLU(), conv(8, 3)), ((2, 4, 9),), {"0": 8}
    ),
    "reversed": Hard(lambda: between(lambda h: h.flip(-1)), _BETWEEN, {"a": 16}),
    "repeated": Hard(lambda: between(lambda h: h.repeat(1, 1, 2), after=32), _BETWEEN, {"a": 16}),
    "repeated one by one": Hard(lambda: between(lambda h: h.repeat_interleave(2, -1), after=32), _BETWEEN, {"a": 16}),
    "selected in time": Hard(lambda: between(lambda h: h[:, [0, 2, 3]]), _BETWEEN, {"a": 16}),
    "every second in time": Hard(lambda: between(lambda h: h[:, ::2]), _BETWEEN, {"a": 16}),
    "padded beside": Hard(lambda: between(lambda h: F.pad(h, (1, 2)), after=19), _BETWEEN, {"a": 16}),
    "stacked in the batch": Hard(lambda: two(lambda a, b: torch.cat([a, b])), _SEQUENCE, {"a+b": 16}),
    "stacked and summed": Hard(lambda: two(lambda a, b: torch.stack([a, b]).sum(0)), _SEQUENCE, {"a+b": 16}),
    "side by side": Hard(lambda: two(lambda a, b: torch.cat([a, b], -1), 32), _SEQUENCE, {"a": 16, "b": 16}),
    "where": Hard(lambda: two(lambda a, b: torch.where(a > 0, a, b)), _SEQUENCE, {"a+b": 16}),
    "normalized without affine in batch": Hard(
        lambda: nn.Sequential(conv(4, 8), nn.BatchNorm1d(8, affine=False), conv(8, 3)), ((2, 4, 9),), {"0": 8}
    ),
    "wider shortcut": Hard(_wider_shortcut, _SEQUENCE, {"a+b": 8}),
    "halves in a dim of their own": Hard(
        lambda: between(lambda h: h.unflatten(-1, (2, -1)).tanh().prod(-2), after=8), _BETWEEN, {"a": 8}
    ),
    "halves in a dim, then gated": Hard(
        lambda: between(lambda h: (lambda y: y[:, :, 0] * y[:, :, 1])(h.unflatten(-1, (2, -1)).tanh()), after=8),
        _BETWEEN,
        {"a": 8},
    ),
    # what cannot
    "scalar gate": Hard(_scalar_gate, _SEQUENCE, {"a": 16, "b": 6}),
    "outer product": Hard(_outer, _SEQUENCE, {"a": 5}),
    "halves apart": Hard(_halves_apart, _SEQUENCE, {}),
    "one gain each": Hard(lambda: between(lambda h: h * torch.arange(16.0)), _BETWEEN, {}),
    "prelu with many": Hard(
        lambda: nn.Sequential(conv(4, 8), nn.PReLU(8), conv(8, 3)), ((2, 4, 9),), {"0": 8}
    ),
    "picked": Hard(lambda: between(lambda h: h[..., [5, 0, 9]], after=3), _BETWEEN, {}),
    "first few": Hard(lambda: between(lambda h: h[..., :5], after=5), _BETWEEN, {}),
    "every second": Hard(lambda: between(lambda h: h[..., ::2], after=8), _BETWEEN, {}),
    "one selected": Hard(lambda: between(lambda h: h[..., 3:4] * torch.ones(4), after=4), _BETWEEN, {}),
    "rolled": Hard(lambda: between(lambda h: h.roll(1, -1)), _BETWEEN, {}),
    "split and merged": Hard(lambda: between(lambda h: h.unflatten(-1, (2, -1)).flatten(-2)), _BETWEEN, {}),
    "linear over time": Hard(_over_time, ((2, 4, 9),), {}),
    "looked up by units": Hard(lambda: between(lambda h: torch.arange(6).to(h)[h.argmax(1)]), _BETWEEN, {}),
    "word chosen by units": Hard(_chosen_word, _SEQUENCE, {"e": 5}),
    "complex seen as real": Hard(
        lambda: between(lambda h: torch.view_as_real(h * 1j).flatten(-2), after=32), _BETWEEN, {"a": 16}, layered=False
    ),
    "shuffled": Hard(lambda: between(_shuffled), _BETWEEN, {}),
    "windows": Hard(lambda: between(lambda h: h.unfold(-1, 4, 4).sum(-1), after=4), _BETWEEN, {}),
    "sorted": Hard(lambda: between(lambda h: h.sort(-1).values), _BETWEEN, {}),
    "mean of units": Hard(lambda: between(lambda h: h - h.mean(-1, keepdim=True)), _BETWEEN, {}),
    "running sum": Hard(lambda: between(lambda h: h.cumsum(-1)), _BETWEEN, {}),
    "padded by reflection": Hard(lambda: between(lambda h: F.pad(h, (2, 2), mode="reflect"), after=20), _BETWEEN, {}),
    "written into a buffer": Hard(lambda: between(_buffer_filled, after=20), _BETWEEN, {}),
    "half in place": Hard(lambda: between(_half_in_place), _BETWEEN, {}),
    "through numpy": Hard(lambda: between(_through_numpy), _BETWEEN, {}),
    "through a list": Hard(lambda: between(lambda h: h.new_tensor(h.tolist())), _BETWEEN, {}),
    "through a number": Hard(lambda: between(lambda h: h * h.max().item()), _BETWEEN, {}),
    "spectrum": Hard(lambda: between(lambda h: torch.fft.rfft(h, dim=1).abs()), _BETWEEN, {"a": 16}),
    "seen as complex": Hard(
        lambda: between(lambda h: torch.view_as_real(torch.complex(h, h)).flatten(-2), after=32), _BETWEEN, {"a": 16}
    ),
    "layer norm without weight": Hard(
        lambda: between(lambda h: F.layer_norm(h, h.shape[-1:])), _BETWEEN, {"a": 16}, layered=False
    ),
    "instance norm": Hard(
        lambda: nn.Sequential(conv(4, 8), nn.InstanceNorm1d(8), conv(8, 3)), ((2, 4, 9),), {"0": 8}
    ),
    "weight norm": Hard(_old_weight_norm, _SEQUENCE, {"a": 8, "b": 6}, layered=False),
    "packed sequence": Hard(_packed, _SEQUENCE, {"a": 6, "g": 5}, layered=False),
    "given state": Hard(_given_state, (*_SEQUENCE, (1, 2, 5)), {}),
    "learned state": Hard(_learned_state, _SEQUENCE, {"g": 5}),
    "one module, two names": Hard(_repeated_module, _SEQUENCE, {"0..1": 16}),
    "embedding as output": Hard(_output_embedding, _SEQUENCE, {"e+o": 8}, layered=False),
    "weight used beside its layer": Hard(_weight_in_the_loss, _SEQUENCE, {}),
}  # fmt: skip
