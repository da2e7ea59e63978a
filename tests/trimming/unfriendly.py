"""Small nets, each with one thing that people write and that cutting tools stumble over.

The widths are those that an exact cut allows; a net without any must be frozen, with reasons.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.trimming.nets import Hard, Net, conv

WAVE, SEQUENCE, TOKENS = (2, 4, 9), (2, 6, 4), (2, 7, 8)
WIDTH = 16


@dataclass(frozen=True)
class Unfriendly(Hard):
    """A hard net, and what else must hold of it."""

    also: tuple[dict[str, int], ...] = ()
    """Other widths that are right too: names that are a matter of taste, or things that may well be frozen."""
    stored: tuple[str, ...] = ()
    """Attributes with a width in them, which must follow a cut; as paths from the net."""
    kept: tuple[str, ...] = ()
    """Attributes that are as large as a width, or count something else, and must stay."""
    reads: Mapping[str, str] = field(default_factory=dict)
    """Layers and the group that is all they read: units in order, each in equally many neighbouring features."""
    single: bool = False
    """It computes in float32 whatever its weights are in."""


UNFRIENDLY: dict[str, Unfriendly] = {}

Build = Callable[[], nn.Module]


def add(name: str, widths: dict[str, int], *shapes: tuple[int, ...], **more: Any) -> Callable[[Build], Build]:
    """Put the net that a function builds into the list."""

    def put(build: Build) -> Build:
        assert name not in UNFRIENDLY, name
        UNFRIENDLY[name] = Unfriendly(build, shapes or (SEQUENCE,), widths, **more)
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


def chain(wrap: Callable[[nn.Module], nn.Module], kind: Callable[[int, int], nn.Module]) -> Net:
    """Three layers, each wrapped in something."""
    return net(lambda s, x: s.o(F.relu(s.b(F.relu(s.a(x))))), a=wrap(kind(4, 16)), b=wrap(kind(16, 12)), o=wrap(kind(12, 3)))  # fmt: skip  # noqa: E501


def computed(inputs: int, outputs: int, how: Callable[[Net], Tensor], **parts: Any) -> Net:
    """A linear layer whose weight is computed from its parameter v."""
    parts = {"v": weight(outputs, inputs), "bias": nn.Parameter(torch.randn(outputs))} | parts
    return net(lambda s, x: F.linear(x, how(s), s.bias), **parts)


def around(middle: nn.Module) -> Net:
    """A layer from 16 to 12 units between two others."""
    return net(lambda s, x: s.o(F.relu(s.b(F.relu(s.a(x))))), a=nn.Linear(4, 16), b=middle, o=nn.Linear(12, 3))


def convs(middle: Callable[[Net, Tensor], Tensor], after: int = 16, **parts: Any) -> Net:
    """Something between two convolutions, from 16 channels to `after`."""
    return net(lambda s, x: s.o(middle(s, s.a(x))), a=conv(4, 16), o=conv(after, 3), **parts)


def linears(middle: Callable[[Net, Tensor], Tensor], after: int = 16, **parts: Any) -> Net:
    """Something between two linear layers, from 16 units to `after`."""
    return net(lambda s, x: s.o(middle(s, s.a(x))), a=nn.Linear(4, 16), o=nn.Linear(after, 3), **parts)


ALL_OF_A = {"o": "a"}
A_THEN_B = {"b": "a", "o": "b"}

# Weights that are not what is stored: reparametrized by torch


def old_weight_norm(layer: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nn.utils.weight_norm(layer)


def new_weight_norm(dim: int | None = 0) -> Callable[[nn.Module], nn.Module]:
    return lambda layer: nn.utils.parametrizations.weight_norm(layer, dim=dim)


def upwards(inputs: int, outputs: int) -> nn.ConvTranspose1d:
    return nn.ConvTranspose1d(inputs, outputs, 4, stride=2, padding=1)


for _label, _wrap in {
    "old weight norm": old_weight_norm,
    "weight norm": new_weight_norm(),
    "weight norm of columns": new_weight_norm(1),
    "weight norm of the whole": new_weight_norm(None),
}.items():
    _both = {"a": 16, "b": 12}
    add(f"{_label}, convolutions", _both, WAVE, reads=A_THEN_B)(lambda wrap=_wrap: chain(wrap, conv))
    add(f"{_label}, linear", _both, SEQUENCE, reads=A_THEN_B)(lambda wrap=_wrap: chain(wrap, nn.Linear))
    add(f"{_label}, transposed", _both, WAVE, reads=A_THEN_B)(lambda wrap=_wrap: chain(wrap, upwards))


@add("weight norm between batch norms", {"a": 16, "b": 12}, WAVE, reads=A_THEN_B)
def _weight_norm_between_batch_norms() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.relu(s.m(s.b(F.relu(s.n(s.a(x)))))))

    wrap = new_weight_norm()
    layers = {"a": wrap(conv(4, 16)), "b": wrap(conv(16, 12)), "o": conv(12, 3)}
    return net(forward, n=nn.BatchNorm1d(16), m=nn.BatchNorm1d(12), **layers)


@add("weight norm on a depthwise convolution", {"a+d": 16}, WAVE, also=({"a": 16},), reads={"o": "a+d"})
def _weight_norm_depthwise() -> Net:
    return convs(lambda s, h: F.relu(s.d(F.relu(h))), d=new_weight_norm()(conv(16, 16, 16)))


@add("weight norm on a residual path", {"a+b": 16}, WAVE, reads={"b": "a+b", "o": "a+b"})
def _weight_norm_residual() -> Net:
    return convs(lambda s, h: h + s.b(F.relu(h)), b=old_weight_norm(conv(16, 16)))


for _label, _wrap in {
    "old spectral norm": nn.utils.spectral_norm,
    "spectral norm": nn.utils.parametrizations.spectral_norm,
}.items():

    @add(_label, {"c": 8}, WAVE, reads={"a": "c"})
    def _spectral_norm(wrap: Callable[[nn.Module], nn.Module] = _wrap) -> Net:
        def forward(s: Net, x: Tensor) -> Tensor:
            return s.o(F.relu(s.b(F.relu(s.a(F.relu(s.c(x)))))))

        return net(forward, c=conv(4, 8), a=conv(8, 16), b=wrap(conv(16, 12)), o=conv(12, 3))


# Weights that are not what is stored: computed by hand


def rounded(v: Tensor) -> Tensor:
    return v + (torch.round(v * 8) / 8 - v).detach()


def over_rows(v: Tensor) -> Tensor:
    return v.norm(dim=1, keepdim=True)


_BOTH = {"a": 16, "b": 12}
_COMPUTED: dict[str, tuple[dict[str, int], Callable[[Net], Tensor], dict[str, Callable[[], Tensor]]]] = {
    "times a number": (_BOTH, lambda s: s.v * 0.3, {}),
    "times a learned number": (_BOTH, lambda s: s.v * s.scale, {"scale": lambda: weight(1)}),
    "with a gain for each row": (_BOTH, lambda s: s.v * s.g, {"g": lambda: weight(12, 1)}),
    "with a gain for each column": (_BOTH, lambda s: s.v * s.g, {"g": lambda: weight(16)}),
    "with a mask": (_BOTH, lambda s: s.v * s.mask, {"mask": lambda: (torch.rand(12, 16) < 0.7).float()}),
    "rounded, straight through": (_BOTH, lambda s: rounded(s.v), {}),
    "stored transposed": (_BOTH, lambda s: s.v.t(), {"v": lambda: weight(16, 12)}),
    "stored in three dims": (_BOTH, lambda s: s.v.squeeze(-1), {"v": lambda: weight(12, 16, 1)}),
    # What a row is divided by holds all its columns: rows can go, columns cannot.
    "normed by hand": ({"b": 12}, lambda s: s.v * (s.g / over_rows(s.v)), {"g": lambda: weight(12, 1)}),
    "standardized": ({"b": 12}, lambda s: (s.v - s.v.mean(1, keepdim=True)) / s.v.std(1, keepdim=True), {}),
    "as softmax": ({"b": 12}, lambda s: torch.softmax(s.v, 1), {}),
    "divided by its largest": ({}, lambda s: s.v / s.v.abs().max(), {}),
}  # fmt: skip
for _label, (_widths, _how, _parts) in _COMPUTED.items():
    _reads = {layer: group for layer, group in A_THEN_B.items() if group in _widths}

    @add(f"weight {_label}", _widths, reads=_reads)
    def _by_hand(how: Callable[[Net], Tensor] = _how, parts: dict[str, Any] = _parts) -> Net:
        return around(computed(16, 12, how, **{name: part() for name, part in parts.items()}))


@add("weight made positive", _BOTH, also=({"b": 12},), reads=A_THEN_B)
def _weight_made_positive() -> Net:
    """A stored zero is no zero here: who proves a cut by zeroing what is stored may well freeze the columns."""
    return around(computed(16, 12, lambda s: F.softplus(s.v)))


@add("weight from another layer", {})
def _weight_from_another_layer() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.linear(s.a(x), s.h(x.mean((0, 1))).view(12, 16)))

    return net(forward, a=nn.Linear(4, 16), h=nn.Linear(4, 192), o=nn.Linear(12, 3))


@add("equalized rate on the net itself", {"a": 16, "model": 12}, reads={"o": "model"})
def _equalized_rate() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.relu(F.linear(F.relu(s.a(x)), s.weight * s.scale)))

    return net(forward, a=nn.Linear(4, 16), weight=nn.Parameter(torch.randn(12, 16)), scale=0.25, o=nn.Linear(12, 3))


@add("parameter multiplied from the right", {"a": 16, "model": 12}, reads={"o": "model"})
def _parameter_from_the_right() -> Net:
    return linears(lambda s, h: F.relu(F.relu(h) @ s.w + s.bias), 12, w=weight(16, 12), bias=weight(12))


@add("parameter in einsum", {"a": 16, "model": 12}, reads={"o": "model"})
def _parameter_in_einsum() -> Net:
    return linears(lambda s, h: F.relu(torch.einsum("bti,oi->bto", F.relu(h), s.w)), 12, w=weight(12, 16))


@add("convolution with masked taps", {"a": 16, "model": 12}, WAVE, reads={"o": "model"})
def _masked_taps() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        return F.relu(F.conv1d(F.relu(h), s.weight * s.mask, padding=2))

    return convs(middle, 12, weight=weight(12, 16, 5), mask=torch.tensor([1.0, 1, 1, 0, 0]).view(1, 1, 5))


@add("parameters in a list", {"w": 16, "w#2": 12})
def _parameters_in_a_list() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        for w in s.w[:2]:
            x = F.relu(x @ w)
        return x @ s.w[2]

    return net(forward, w=nn.ParameterList([weight(4, 16), weight(16, 12), weight(12, 3)]))


add("layer that is not registered", {})(
    lambda: linears(lambda s, h: F.relu(s.hidden[0](F.relu(h))), 12, hidden=[nn.Linear(16, 12)])
)
add("bilinear", {}, also=({"b": 12}, {"a": 16, "b": 12}))(
    lambda: linears(lambda s, h: s.b(h, h.tanh()), 12, b=nn.Bilinear(16, 16, 12))
)


# Spectra and complex numbers


@add("synthesis by inverse fft", {"a": 16}, reads={"b": "a"})
def _synthesis_by_inverse_fft() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        bands = torch.sigmoid(s.b(F.relu(s.a(x))))
        response = torch.fft.irfft(torch.complex(bands, torch.zeros_like(bands)), dim=-1)
        noise = torch.linspace(-1, 1, response.shape[-1]).to(response)
        return torch.fft.irfft(torch.fft.rfft(response) * torch.fft.rfft(noise), n=response.shape[-1])

    return net(forward, a=nn.Linear(4, 16), b=nn.Linear(16, 9))


@add("spectrum of every unit", {"a": 16}, WAVE, reads=ALL_OF_A)
def _spectrum_of_every_unit() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(h, dim=-1)[..., 1:]
        turned = torch.polar(spectrum.abs(), spectrum.angle() + 0.3)
        return torch.fft.irfft(turned, n=9, dim=-1) + torch.complex(h, h.tanh()).imag

    return convs(middle)


@add("pairs of units seen as complex", {"a": 8}, reads=ALL_OF_A)
def _pairs_as_complex() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        z = torch.view_as_complex(h.unflatten(-1, (-1, 2)).contiguous())
        return torch.view_as_real(z * z.new_tensor(complex(0.6, 0.8))).flatten(-2)

    return linears(middle)


@add("two layers seen as complex", {"a+b": 16}, reads={"o": "a+b"})
def _two_layers_as_complex() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        z = torch.view_as_complex(torch.stack([s.a(x), s.b(x)], -1))
        return s.o(torch.view_as_real(z * z.new_tensor(complex(0.6, 0.8))).flatten(-2))

    return net(forward, a=nn.Linear(4, 16), b=nn.Linear(4, 16), o=nn.Linear(32, 3))


@add("short-time spectrum of the output", {"a": 16}, (2, 4, 32), reads=ALL_OF_A)
def _spectrum_of_the_output() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return torch.stft(s.o(F.relu(s.a(x))).squeeze(1), 8, 4, window=s.window, return_complex=True).abs()

    return net(forward, a=conv(4, 16), o=conv(16, 1), window=torch.hann_window(8))


@add("short-time spectrum of the input", {"a": 16}, (2, 32), reads=ALL_OF_A)
def _spectrum_of_the_input() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        spectrum = torch.stft(x, 8, 4, window=s.window, return_complex=True)
        return s.o(F.relu(s.a(torch.log1p(spectrum.abs()))))

    return net(forward, a=conv(5, 16), o=conv(16, 3), window=torch.hann_window(8))


# Parameters and buffers that meet units


class Snake(nn.Module):
    """x + sin²(alpha x) / alpha, with an alpha for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.rand(1, channels, 1) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.sin(self.alpha * x).square() / self.alpha


add("prelu with many", {"a": 16}, WAVE, reads=ALL_OF_A)(lambda: convs(lambda s, h: s.p(h), p=nn.PReLU(16)))
add("prelu with one", {"a": 16}, WAVE, reads=ALL_OF_A)(lambda: convs(lambda s, h: s.p(h), p=nn.PReLU()))
add("snake", {"a": 16}, WAVE, reads=ALL_OF_A)(lambda: convs(lambda s, h: s.p(h), p=Snake(16)))
add("snake on the net itself", {"a": 16}, WAVE, reads=ALL_OF_A)(
    lambda: convs(lambda s, h: h + torch.sin(s.alpha * h).square() / s.alpha, alpha=nn.Parameter(torch.ones(1, 16, 1)))
)
add("learned gain", {"a": 16}, reads=ALL_OF_A)(
    lambda: linears(lambda s, h: h.tanh() * s.gain.exp() + s.shift, gain=weight(16), shift=weight(16))
)
add("layer scale", {"a+b": 16}, WAVE, reads={"b": "a+b", "o": "a+b"})(
    lambda: convs(lambda s, h: h + s.gamma * s.b(F.relu(h)), b=conv(16, 16), gamma=weight(16, 1))
)
add("statistics as buffers", {"a": 16}, WAVE, reads=ALL_OF_A)(
    lambda: convs(lambda s, h: (h - s.mean) / s.std, mean=torch.randn(16, 1), std=torch.rand(16, 1) + 0.5)
)
add("statistics of the input as buffers", {"a": 16}, WAVE, reads=ALL_OF_A)(
    lambda: net(
        lambda s, x: s.o(F.relu(s.a((x - s.mean) / s.std))),
        a=conv(4, 16),
        o=conv(16, 3),
        mean=torch.randn(4, 1),
        std=torch.rand(4, 1) + 0.5,
    )
)
add("positional table", {"a": 16}, reads=ALL_OF_A)(
    lambda: linears(lambda s, h: F.relu(h + s.table[:, : h.shape[1]]), table=weight(1, 10, 16))
)
add("table that is no parameter", {})(
    lambda: linears(lambda s, h: h + s.table[0], table=[torch.linspace(-1, 1, 96).view(6, 16)])
)


@add("table that is not saved", {}, also=({"a": 16},))
def _table_that_is_not_saved() -> Net:
    """What no state dict holds, no plan can cut."""
    made = linears(lambda s, h: F.relu(h + s.table))
    made.register_buffer("table", torch.linspace(-1, 1, 96).view(6, 16), persistent=False)
    return made


@add("class token", {"a+b": 16}, reads={"b": "a+b", "o": "a+b"})
def _class_token() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        h = torch.cat([s.token.expand(len(h), -1, -1), h], 1)
        return (h + torch.tanh(s.b(h.mean(1, keepdim=True))))[:, 0]

    return linears(middle, token=weight(1, 1, 16), b=nn.Linear(16, 16))


@add("mask token", {"a": 16}, reads=ALL_OF_A)
def _mask_token() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        hidden = torch.arange(h.shape[1]) % 3 == 0
        return torch.where(hidden.view(1, -1, 1), s.token, h)

    return linears(middle, token=weight(16))


# Gates, conditions, skips


@add("squeeze and excite in two dims", {"a+up": 16, "down": 5}, (2, 1, 6, 6))
def _squeeze_and_excite() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = F.relu(s.a(x))
        batch, channels, _, _ = h.shape
        gate = s.up(F.relu(s.down(F.adaptive_avg_pool2d(h, 1).view(batch, channels))))
        return s.o(h * torch.sigmoid(gate).view(batch, channels, 1, 1).expand_as(h))

    return net(forward, a=nn.Conv2d(1, 16, 3), down=nn.Linear(16, 5), up=nn.Linear(5, 16), o=nn.Conv2d(16, 3, 3))


CONDITION = (2, 5)


@add("film by chunk", {"a+film": 16}, WAVE, CONDITION, reads={"o": "a+film"})
def _film_by_chunk() -> Net:
    def forward(s: Net, x: Tensor, c: Tensor) -> Tensor:
        h = s.a(x)
        gain, shift = s.film(c).unsqueeze(-1).chunk(2, 1)
        return s.o(F.relu(h * (1 + gain) + shift))

    return net(forward, a=conv(4, 16), film=nn.Linear(5, 32), o=conv(16, 3))


@add("film by two layers", {"a+gain+shift": 16}, WAVE, CONDITION, reads={"o": "a+gain+shift"})
def _film_by_two_layers() -> Net:
    def forward(s: Net, x: Tensor, c: Tensor) -> Tensor:
        return s.o(F.relu(s.a(x) * s.gain(c)[:, :, None] + s.shift(c)[:, :, None]))

    return net(forward, a=conv(4, 16), gain=nn.Linear(5, 16), shift=nn.Linear(5, 16), o=conv(16, 3))


@add("film in a view", {"a+film": 16}, WAVE, CONDITION, stored=("channels",), reads={"o": "a+film"})
def _film_in_a_view() -> Net:
    def forward(s: Net, x: Tensor, c: Tensor) -> Tensor:
        h = s.a(x)
        gain, shift = s.film(c).view(len(c), 2, s.channels, 1).unbind(1)
        return s.o(F.relu(h * gain + shift))

    return net(forward, a=conv(4, 16), film=nn.Linear(5, 32), o=conv(16, 3), channels=16)


@add("u-net", {"a": 8, "b": 12, "c": 16, "u": 10, "v": 6}, (2, 1, 18), reads={"u": "c"})
def _u_net() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        a = F.relu(s.a(x))
        b = F.relu(s.b(a))
        up = F.relu(s.u(F.relu(s.c(b))))
        up = F.relu(s.v(torch.cat([F.pad(up, (0, b.shape[-1] - up.shape[-1])), b], 1)))
        return s.o(torch.cat([up[..., : a.shape[-1]], a], 1))

    def down(inputs: int, outputs: int) -> nn.Conv1d:
        return nn.Conv1d(inputs, outputs, 4, stride=2, padding=1)

    return net(forward, a=conv(1, 8), b=down(8, 12), c=down(12, 16), u=upwards(16, 10), v=upwards(22, 6), o=conv(14, 1))


@add("skips summed on zeros", {"a": 12, "k1+k2": 10}, WAVE, stored=("skip",), reads={"o": "k1+k2"})
def _skips_summed_on_zeros() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = torch.tanh(s.a(x))
        total = torch.zeros(len(x), s.skip, x.shape[-1])
        for layer in (s.k1, s.k2):
            total = total + layer(h)
        return s.o(total)

    return net(forward, a=conv(4, 12), k1=conv(12, 10), k2=conv(12, 10), o=conv(10, 3), skip=10)


@add("skips summed in place", {"a": 12, "k1+k2": 10}, WAVE, reads={"o": "k1+k2"})
def _skips_summed_in_place() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = torch.tanh(s.a(x))
        first = s.k1(h)
        total = torch.zeros_like(first)
        for skip in (first, s.k2(h)):
            total += skip
        return s.o(total)

    return net(forward, a=conv(4, 12), k1=conv(12, 10), k2=conv(12, 10), o=conv(10, 3))


# One tensor or module in two places


@add("two layers, one weight", {"e+d": 16}, also=({"e+d+d2": 16},))
def _two_layers_one_weight() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(torch.tanh(s.d2(torch.tanh(s.d(torch.tanh(s.e(x)))))))

    made = net(forward, e=nn.Linear(4, 16), d=nn.Linear(16, 16), d2=nn.Linear(16, 16), o=nn.Linear(16, 3))
    made.d2.weight = made.d.weight
    return made


@add("embedding as output", {"e+p": 8, "g": 12}, kept=("size",))
def _embedding_as_output() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return F.linear(s.p(s.g(s.e(x.argmax(-1)) * math.sqrt(s.size))[0]), s.e.weight)

    return net(forward, e=nn.Embedding(6, 8), g=nn.GRU(8, 12, batch_first=True), p=nn.Linear(12, 8), size=8)


@add("output layer with the embedding's weight", {"e+p": 8, "g": 12})
def _output_layer_with_the_weight_of_the_embedding() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(s.p(s.g(s.e(x.argmax(-1)))[0]))

    layers = {"e": nn.Embedding(6, 8), "g": nn.GRU(8, 12, batch_first=True), "p": nn.Linear(12, 8)}
    made = net(forward, **layers, o=nn.Linear(8, 6))
    made.o.weight = made.e.weight
    return made


@add("tied autoencoder", {"e": 16})
def _tied_autoencoder() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return F.linear(F.relu(s.e(x)), s.e.weight.t(), s.bias)

    return net(forward, e=nn.Linear(4, 16), bias=weight(4))


@add("deep tied autoencoder", {"e+f": 16, "f": 8}, also=({"e": 16, "f": 8},))
def _deep_tied_autoencoder() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        z = torch.tanh(s.f(torch.tanh(s.e(x))))
        return F.linear(torch.tanh(F.linear(z, s.f.weight.t())), s.e.weight.t())

    return net(forward, e=nn.Linear(4, 16), f=nn.Linear(16, 8))


@add("one layer called twice", {"i+m": 16}, reads={"m": "i+m", "o": "i+m"})
def _one_layer_called_twice() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = torch.tanh(s.i(x))
        return s.o(h + s.m(torch.tanh(s.m(h))))

    return net(forward, i=nn.Linear(4, 16), m=nn.Linear(16, 16), o=nn.Linear(16, 3))


@add("one layer under two names", {"i+m": 16}, reads={"m": "i+m", "o": "i+m"})
def _one_layer_under_two_names() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(torch.tanh(s.again(torch.tanh(s.m(torch.tanh(s.i(x)))))))

    layer = nn.Linear(16, 16)
    return net(forward, i=nn.Linear(4, 16), m=layer, again=layer, o=nn.Linear(16, 3))


@add("one batch norm for two layers", {"a+b": 16}, WAVE, reads={"o": "a+b"})
def _one_batch_norm_for_two_layers() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(torch.tanh(s.n(s.a(x))) * torch.sigmoid(s.n(s.b(x))))

    return net(forward, a=conv(4, 16), b=conv(4, 16), n=nn.BatchNorm1d(16), o=conv(16, 3))


# Widths that are written down


@add("width as an attribute", {"a": 16}, stored=("hidden",), reads=ALL_OF_A)
def _width_as_an_attribute() -> Net:
    return linears(lambda s, h: F.relu(h.reshape(-1, s.hidden)).view(2, -1, s.hidden), hidden=16)


@add("flattened size as an attribute", {"a": 16}, (2, 4, 5), stored=("flat",), reads=ALL_OF_A)
def _flattened_size() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.relu(s.a(x)).view(-1, s.flat))

    return net(forward, a=conv(4, 16), flat=16 * 5, o=nn.Linear(80, 3))


class Halving(nn.Module):
    """A gate that knows where the second half starts."""

    def __init__(self, half: int) -> None:
        super().__init__()
        self.half = half

    def forward(self, x: Tensor) -> Tensor:
        return x[..., : self.half] * torch.sigmoid(x[..., self.half :])


@add("half of a width as an attribute", {"a": 8}, stored=("half",), reads=ALL_OF_A)
def _half_of_a_width() -> Net:
    return linears(lambda s, h: torch.mul(*h.split(s.half, -1)), 8, half=8)


@add("width as an attribute of an inner module", {"a": 8}, stored=("gate.half",), reads=ALL_OF_A)
def _width_in_an_inner_module() -> Net:
    return linears(lambda s, h: s.gate(h), 8, gate=Halving(8))


@add("width as two attributes", {"a": 16}, stored=("hidden", "features"), reads=ALL_OF_A)
def _width_as_two_attributes() -> Net:
    return linears(lambda s, h: h.reshape(-1, s.hidden).reshape(2, -1, s.features), hidden=16, features=16)


@add("width in a list", {"a": 16}, stored=("sizes",), also=({},), reads=ALL_OF_A)
def _width_in_a_list() -> Net:
    return linears(lambda s, h: h.reshape(-1, s.sizes[1]).view(2, 6, -1), sizes=[4, 16, 3])


@add("width in a tuple", {"a": 16}, stored=("shape",), reads=ALL_OF_A)
def _width_in_a_tuple() -> Net:
    return linears(lambda s, h: F.relu(h).flatten().view(-1, *s.shape), shape=(6, 16))


@add("width in torch's unflatten", {"a": 16}, (2, 4), stored=("u.unflattened_size",), reads=ALL_OF_A)
def _width_in_unflatten() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.relu(s.u(s.a(x))))

    return net(forward, a=nn.Linear(4, 80), u=nn.Unflatten(1, (16, 5)), o=conv(16, 3))


@add("width in a configuration", {"a": 16}, also=({},))
def _width_in_a_configuration() -> Net:
    return linears(lambda s, h: h.reshape(-1, s.config.hidden).view(2, 6, -1), config=SimpleNamespace(hidden=16))


add("width as a literal", {})(lambda: linears(lambda s, h: h.reshape(2, 6, 16)))
add("width in a default", {})(lambda: linears(lambda s, h, width=16: h.view(*h.shape[:2], width)))
add("width in a constant", {})(lambda: linears(lambda s, h: h.view(*h.shape[:2], WIDTH)))


@add("width in a closure", {})
def _width_in_a_closure() -> Net:
    width = 16
    return linears(lambda s, h: h.reshape(-1, width))


@add("number of channel groups as an attribute", {"a": 4}, (2, 4), stored=("groups",), reads=ALL_OF_A)
def _maxima_of_stored_groups() -> Net:
    return linears(lambda s, h: h.view(len(h), s.groups, -1).amax(-1), 4, groups=4)


add("maxima of channel groups", {"a": 4}, (2, 4), kept=("each",), reads=ALL_OF_A)(
    lambda: linears(lambda s, h: h.view(len(h), -1, s.each).amax(-1), 4, each=4)
)
add("divided by the root of an attribute", {"a": 16}, kept=("hidden",), reads=ALL_OF_A)(
    lambda: linears(lambda s, h: F.relu(h) / math.sqrt(s.hidden), hidden=16)
)
add("divided by the root of the width", {})(lambda: linears(lambda s, h: h / math.sqrt(h.shape[-1])))
add("one attribute as width and as scale", {}, kept=("hidden",))(
    lambda: linears(lambda s, h: h.reshape(-1, s.hidden) / math.sqrt(s.hidden), hidden=16)
)


@add("one attribute for two widths", {})
def _one_attribute_for_two_widths() -> Net:
    """Whatever the attribute says, it can follow one of them only."""

    def forward(s: Net, x: Tensor) -> Tensor:
        h = torch.tanh(s.a(x)).reshape(-1, s.hidden)
        return s.o(torch.tanh(s.b(h)).reshape(len(x), -1, s.hidden))

    return net(forward, a=nn.Linear(4, 16), b=nn.Linear(16, 16), o=nn.Linear(16, 3), hidden=16)


add("slice that ends at the width", {"a": 16}, reads=ALL_OF_A)(lambda: linears(lambda s, h: F.relu(h)[..., :16]))
add("another path when narrow", {})(lambda: linears(lambda s, h: h if h.shape[-1] >= 8 else 2 * h))
add("another path when not as wide as stored", {"a": 16}, stored=("hidden",), reads=ALL_OF_A)(
    lambda: linears(lambda s, h: h if h.shape[-1] == s.hidden else 2 * h, hidden=16)
)


@add("frames as long as the net is wide", {"a": 16}, (2, 64), stored=("hidden",), kept=("n_fft", "hop"), reads=ALL_OF_A)
def _frames_as_long_as_the_net_is_wide() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        frames = x.unfold(-1, s.n_fft, s.hop)
        return s.o(F.relu(s.a(frames)).reshape(-1, s.hidden)).view(len(x), -1, 3)

    return net(forward, a=nn.Linear(16, 16), o=nn.Linear(16, 3), n_fft=16, hop=16, hidden=16)


@add(
    "kernel as long as the net is wide", {"a": 4}, (2, 4, 12), stored=("channels",), kept=("kernel", "stride"),
    reads=ALL_OF_A,
)  # fmt: skip
def _kernel_as_long_as_the_net_is_wide() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = F.avg_pool1d(F.relu(s.a(x)), s.kernel, s.stride)
        return s.o(h.transpose(1, 2).reshape(-1, s.channels))

    return net(forward, a=conv(4, 4), o=nn.Linear(4, 3), channels=4, kernel=4, stride=4)


# Convolutions by function, and in groups


def fir(h: Tensor, taps: Tensor) -> Tensor:
    """The same taps over every channel."""
    return F.conv1d(h, taps.expand(h.shape[1], -1, -1), groups=h.shape[1], padding="same")


add("fixed filter over every unit", {"a": 16}, WAVE, reads=ALL_OF_A)(
    lambda: convs(lambda s, h: fir(h, s.taps), taps=torch.tensor([[[0.25, 0.5, 0.25]]]))
)
add("learned filter over every unit", {"a": 16}, WAVE, reads=ALL_OF_A)(
    lambda: convs(lambda s, h: fir(F.relu(h), s.taps), taps=weight(1, 1, 3))
)
add("units as the batch of a filter", {"a": 16}, WAVE, reads=ALL_OF_A)(
    lambda: convs(
        lambda s, h: F.conv1d(h.reshape(-1, 1, h.shape[-1]), s.taps, padding=1).view(h.shape), taps=weight(1, 1, 3)
    )
)


@add("fixed filterbank in front", {"a": 16}, (2, 1, 40), also=({"a": 16, "model": 10},), reads=ALL_OF_A)
def _fixed_filterbank() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.relu(s.a(F.conv1d(x, s.basis, stride=4).abs())))

    return net(forward, basis=torch.randn(10, 1, 8), a=conv(10, 16), o=conv(16, 3))


@add("spectrum by a fixed convolution", {"a": 16}, (2, 1, 40), also=({"a": 16, "model": 5},), reads=ALL_OF_A)
def _spectrum_by_a_fixed_convolution() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        real, imaginary = F.conv1d(x, s.basis, stride=4).chunk(2, 1)
        return s.o(F.relu(s.a((real**2 + imaginary**2 + 1e-3).log())))

    phase = torch.outer(torch.arange(5.0), torch.arange(8.0)) * (2 * math.pi / 8)
    return net(forward, basis=torch.cat([phase.cos(), phase.sin()]).unsqueeze(1), a=conv(5, 16), o=conv(16, 3))


@add("mel matrix in front", {"a": 16}, (2, 9, 6), also=({"a": 16, "model": 7},), reads=ALL_OF_A)
def _mel_matrix() -> Net:
    return net(
        lambda s, x: s.o(F.relu(s.a(torch.log1p(s.mel @ x.abs())))),
        mel=torch.rand(7, 9),
        a=conv(7, 16),
        o=conv(16, 3),
    )


@add(
    "depthwise with stored channels", {"a+model": 16}, WAVE, also=({"a": 16},), stored=("channels",),
    reads={"o": "a+model"},
)  # fmt: skip
def _depthwise_with_stored_channels() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        return F.relu(F.conv1d(F.relu(h), s.weight, groups=s.channels, padding=1))

    return convs(middle, weight=weight(16, 1, 3), channels=16)


def grouped(layer: Callable[[], nn.Module], after: int = 16) -> Build:
    return lambda: convs(lambda s, h: F.relu(s.d(F.relu(h))), after, d=layer())


_IN_GROUPS: dict[str, tuple[int, Callable[[], nn.Module], int]] = {
    "depthwise": (16, lambda: conv(16, 16, 16), 16),
    "depthwise without bias": (16, lambda: nn.Conv1d(16, 16, 3, groups=16, bias=False), 16),
    "depthwise with multiplier": (16, lambda: conv(16, 32, 16), 32),
    "depthwise, transposed": (16, lambda: nn.ConvTranspose1d(16, 16, 4, 2, 1, groups=16), 16),
    "grouped": (4, lambda: conv(16, 16, 4), 16),
    "grouped, wider": (4, lambda: conv(16, 24, 4), 24),
    "grouped, transposed": (4, lambda: nn.ConvTranspose1d(16, 8, 4, 2, 1, groups=4), 8),
}
for _label, (_width, _layer, _after) in _IN_GROUPS.items():
    add(f"{_label} convolution", {"a+d": _width}, WAVE, also=({"a": _width},), reads={"o": "a+d"})(
        grouped(_layer, _after)
    )


@add("separable block", {"a+dw+pw": 16}, WAVE, also=({"a+pw": 16},))
def _separable_block() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        return h + s.pw(F.relu(s.n(s.dw(h))))

    return convs(middle, dw=conv(16, 16, 16), n=nn.BatchNorm1d(16), pw=nn.Conv1d(16, 16, 1))


@add(
    "inverted residual", {"a+p": 16, "e+d": 24}, WAVE, also=({"a+p": 16, "e": 24},),
    reads={"e": "a+p", "o": "a+p", "p": "e+d"},
)  # fmt: skip
def _inverted_residual() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        return h + s.p(F.relu6(s.n(s.d(F.relu6(s.m(s.e(h)))))))

    norms = {"m": nn.BatchNorm1d(24), "n": nn.BatchNorm1d(24)}
    return convs(middle, e=nn.Conv1d(16, 24, 1), d=conv(24, 24, 24), p=nn.Conv1d(24, 16, 1), **norms)


# Norms


def normed(norm: Callable[[], nn.Module]) -> Build:
    return lambda: convs(lambda s, h: F.relu(s.n(h)), n=norm())


for _label, (_width, _norm) in {
    "group norm": (4, lambda: nn.GroupNorm(4, 16)),
    "group norm without affine": (4, lambda: nn.GroupNorm(4, 16, affine=False)),
    "group norm of single units": (16, lambda: nn.GroupNorm(16, 16)),
    "instance norm": (16, lambda: nn.InstanceNorm1d(16)),
    "instance norm with affine": (16, lambda: nn.InstanceNorm1d(16, affine=True)),
    "instance norm with statistics": (16, lambda: nn.InstanceNorm1d(16, affine=True, track_running_stats=True)),
    "batch norm without affine": (16, lambda: nn.BatchNorm1d(16, affine=False)),
    "batch norm without statistics": (16, lambda: nn.BatchNorm1d(16, track_running_stats=False)),
    "batch norm without anything": (16, lambda: nn.BatchNorm1d(16, affine=False, track_running_stats=False)),
}.items():
    add(_label, {"a": _width}, WAVE, reads=ALL_OF_A)(normed(_norm))
add("group norm of one group", {"a": 16}, WAVE)(normed(lambda: nn.GroupNorm(1, 16)))
add("group norm by function", {"a": 4}, WAVE, reads=ALL_OF_A)(
    lambda: convs(lambda s, h: F.group_norm(h, h.shape[1] // 4, s.gain, s.shift), gain=weight(16), shift=weight(16))
)
add("root mean square norm by hand", {})(
    lambda: linears(lambda s, h: h * torch.rsqrt(h.square().mean(-1, keepdim=True) + 1e-6) * s.gain, gain=weight(16))
)
add("unit length", {})(lambda: linears(lambda s, h: F.normalize(h, dim=-1)))

add("layer norm without affine", {"a": 16}, also=({},))(
    lambda: linears(lambda s, h: F.relu(s.n(h)), n=nn.LayerNorm(16, elementwise_affine=False))
)
add("local response norm", {}, WAVE)(normed(lambda: nn.LocalResponseNorm(3)))


@add("vector quantization", {})
def _vector_quantization() -> Net:
    """Which word is nearest depends on all units."""

    def middle(s: Net, h: Tensor) -> Tensor:
        words = F.embedding(torch.cdist(h, s.words.expand(len(h), -1, -1)).argmin(-1), s.words)
        return h + (words - h).detach()

    return linears(middle, words=weight(10, 16))


# Recurrence


def over_time(cell: nn.Module, initial: Callable[[Net, Tensor], Any], **parts: Any) -> Net:
    """A cell in a loop, read at its last step."""

    def forward(s: Net, x: Tensor) -> Tensor:
        state = initial(s, x)
        for t in range(x.shape[1]):
            state = s.c(x[:, t], state)
        return s.o(state[0] if isinstance(state, tuple) else state)

    return net(forward, c=cell, o=nn.Linear(16, 3), **parts)


_OWN = {"c": 16}
for _label, _cell in {"gru": nn.GRUCell, "rnn": nn.RNNCell}.items():
    add(f"{_label} cell from nothing", _OWN)(lambda cell=_cell: over_time(cell(4, 16), lambda s, x: None))
    add(f"{_label} cell from zeros of stored width", _OWN, stored=("hidden",))(
        lambda cell=_cell: over_time(cell(4, 16), lambda s, x: x.new_zeros(len(x), s.hidden), hidden=16)
    )
add("lstm cell from nothing", _OWN)(lambda: over_time(nn.LSTMCell(4, 16), lambda s, x: None))
add("lstm cell from zeros of its own width", _OWN)(
    lambda: over_time(nn.LSTMCell(4, 16), lambda s, x: (x.new_zeros(len(x), s.c.hidden_size),) * 2)
)
add("lstm cell from two zeros of stored width", _OWN, stored=("hidden",))(
    lambda: over_time(
        nn.LSTMCell(4, 16),
        lambda s, x: (torch.zeros(x.shape[0], s.hidden), torch.zeros(x.shape[0], s.hidden)),
        hidden=16,
    )
)
add("cell from another layer's state", {"i+c": 16})(
    lambda: over_time(nn.GRUCell(4, 16), lambda s, x: torch.tanh(s.i(x.mean(1))), i=nn.Linear(4, 16))
)
add("cell from a learned state", _OWN)(
    lambda: over_time(nn.GRUCell(4, 16), lambda s, x: s.start.expand(len(x), -1), start=weight(16))
)


@add("two cells in one loop", {"c": 16, "d": 12})
def _two_cells() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h, k = x.new_zeros(len(x), s.c.hidden_size), x.new_zeros(len(x), s.d.hidden_size)
        outputs = []
        for step in x.unbind(1):
            h = s.c(step, h)
            k = s.d(torch.cat([h, step], -1), k)
            outputs.append(k)
        return s.o(torch.stack(outputs, 1))

    return net(forward, c=nn.GRUCell(4, 16), d=nn.GRUCell(20, 12), o=nn.Linear(12, 3))


@add("lstm from zeros of stored width", {"r": 16}, stored=("hidden",))
def _lstm_from_zeros() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h, c = torch.zeros(1, x.shape[0], s.hidden), torch.zeros(1, x.shape[0], s.hidden)
        return s.o(s.r(x, (h, c))[0])

    return net(forward, r=nn.LSTM(4, 16, batch_first=True), o=nn.Linear(16, 3), hidden=16)


def two_lstms(states: Callable[[Callable[[], Tensor]], tuple[Tensor, ...]]) -> Net:
    """Two layers of one stored width, with the zeros that `states` makes."""

    def forward(s: Net, x: Tensor) -> Tensor:
        first, second, third, fourth = states(lambda: x.new_zeros(1, x.shape[0], s.hidden))
        return s.o(s.q(s.r(x, (first, second))[0], (third, fourth))[0])

    layers = {"r": nn.LSTM(4, 16, batch_first=True), "q": nn.LSTM(16, 16, batch_first=True), "o": nn.Linear(16, 3)}
    return net(forward, **layers, hidden=16)


add("two lstms from zeros of one stored width", {})(lambda: two_lstms(lambda zeros: tuple(zeros() for _ in range(4))))
add("two lstms from the same zeros", {"r+q": 16}, also=({},), stored=("hidden",))(
    lambda: two_lstms(lambda zeros: (zeros(),) * 4)
)


@add("lstm from a learned state", {"r": 16})
def _lstm_from_a_learned_state() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        start = tuple(state.expand(-1, len(x), -1).contiguous() for state in (s.h, s.c))
        return s.o(s.r(x, start)[0])

    return net(forward, r=nn.LSTM(4, 16, 2, batch_first=True), h=weight(2, 1, 16), c=weight(2, 1, 16), o=nn.Linear(16, 3))  # fmt: skip  # noqa: E501


@add("lstm from another layer", {"i+r": 16}, (2, 6, 4), (2, 5))
def _lstm_from_another_layer() -> Net:
    def forward(s: Net, x: Tensor, c: Tensor) -> Tensor:
        h = torch.tanh(s.i(c)).unsqueeze(0)
        return s.o(s.r(x, (h, torch.zeros_like(h)))[0])

    return net(forward, i=nn.Linear(5, 16), r=nn.LSTM(4, 16, batch_first=True), o=nn.Linear(16, 3))


@add("packed sequence", {"a": 6, "g": 5})
def _packed_sequence() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(s.a(x), torch.tensor([6, 4]), batch_first=True)
        return s.o(nn.utils.rnn.pad_packed_sequence(s.g(packed)[0], batch_first=True)[0])

    return net(forward, a=nn.Linear(4, 6), g=nn.GRU(6, 5, batch_first=True), o=nn.Linear(5, 3))


@add("packed sequence out of order", {"a": 6, "g": 5})
def _packed_out_of_order() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        lengths = torch.tensor([4, 6])
        packed = nn.utils.rnn.pack_padded_sequence(s.a(x), lengths, batch_first=True, enforce_sorted=False)
        return s.o(torch.cat([state[-1] for state in s.g(packed)[1]], -1))

    return net(forward, a=nn.Linear(4, 6), g=nn.LSTM(6, 5, batch_first=True), o=nn.Linear(10, 3))


@add("bidirectional stack", {"g": 7, "h": 5})
def _bidirectional_stack() -> Net:
    layers = {
        "g": nn.GRU(4, 7, 2, batch_first=True, bidirectional=True),
        "h": nn.LSTM(14, 5, batch_first=True, bidirectional=True),
    }
    return net(lambda s, x: s.o(s.h(s.g(x)[0])[0]), **layers, o=nn.Linear(10, 3))


add("lstm with projection", {})(
    lambda: net(lambda s, x: s.o(s.r(x)[0]), r=nn.LSTM(4, 16, proj_size=6, batch_first=True), o=nn.Linear(6, 3))
)


@add("last states of both directions", {"g": 7}, stored=("hidden",))
def _last_states() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        last = s.g(x)[1].view(2, 2, len(x), s.hidden)[-1]
        return s.o(torch.cat([last[0], last[1]], -1))

    return net(forward, g=nn.GRU(4, 7, 2, batch_first=True, bidirectional=True), o=nn.Linear(14, 3), hidden=7)


# Padding, streaming, shuffling


def causal(zeros: Callable[[Net, Tensor], Tensor], **parts: Any) -> Build:
    """A convolution over what was padded on the left by hand."""
    return lambda: convs(lambda s, h: F.relu(s.b(torch.cat([zeros(s, h), h], -1))), 12, b=nn.Conv1d(16, 12, 3), **parts)


add("padded by zeros of the same width", _BOTH, WAVE, reads=A_THEN_B)(
    causal(lambda s, h: h.new_zeros(len(h), h.shape[1], 2))
)
add("padded by zeros like a part", _BOTH, WAVE, reads=A_THEN_B)(causal(lambda s, h: torch.zeros_like(h[..., :2])))
add("padded by zeros of stored width", _BOTH, WAVE, stored=("channels",), reads=A_THEN_B)(
    causal(lambda s, h: torch.zeros(h.shape[0], s.channels, 2), channels=16)
)
add("padded by a learned start", _BOTH, WAVE, reads=A_THEN_B)(
    lambda: causal(lambda s, h: s.start.expand(len(h), -1, -1), start=weight(1, 16, 2))()
)


for _mode in ("circular", "reflect", "replicate"):
    add(f"{_mode} padding", _BOTH, WAVE, reads=A_THEN_B)(
        lambda mode=_mode: convs(lambda s, h: F.relu(s.b(h)), 12, b=nn.Conv1d(16, 12, 3, padding=1, padding_mode=mode))
    )


@add("streaming buffer", _BOTH, (1, 4, 9), reads=A_THEN_B)
def _streaming_buffer() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        h = torch.cat([s.past, h], -1)
        s.past = h[..., -2:].detach()
        return F.relu(s.b(h))

    return convs(middle, 12, b=nn.Conv1d(16, 12, 3), past=torch.zeros(1, 16, 2))


@add("streaming buffer written in place", _BOTH, (1, 4, 9), reads=A_THEN_B)
def _streaming_buffer_in_place() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        joined = torch.cat([s.past.clone(), h], -1)
        s.past.copy_(h.detach()[..., -2:])
        return F.relu(s.b(joined))

    return convs(middle, 12, b=nn.Conv1d(16, 12, 3), past=torch.zeros(1, 16, 2))


@add("shuffled into time", {"a": 8}, WAVE, reads=ALL_OF_A)
def _shuffled_into_time() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        return h.view(len(h), -1, 2, h.shape[-1]).transpose(2, 3).reshape(len(h), -1, 2 * h.shape[-1])

    return convs(middle, 8)


@add("shuffled into time, stored channels", {"a": 8}, WAVE, stored=("channels",), reads=ALL_OF_A)
def _shuffled_into_time_stored() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        return h.view(len(h), s.channels, 2, -1).permute(0, 1, 3, 2).reshape(len(h), s.channels, -1)

    return convs(middle, 8, channels=8)


add("shuffled into pixels", {"a": 2}, (2, 1, 6, 6), reads=ALL_OF_A)(
    lambda: net(lambda s, x: s.o(F.pixel_shuffle(F.relu(s.a(x)), 2)), a=nn.Conv2d(1, 8, 3), o=nn.Conv2d(2, 1, 1))
)
add("shuffled out of pixels", {"a": 4}, (2, 1, 6, 6), reads=ALL_OF_A)(
    lambda: net(lambda s, x: s.o(F.pixel_unshuffle(F.relu(s.a(x)), 2)), a=nn.Conv2d(1, 4, 3), o=nn.Conv2d(16, 1, 1))
)

# Attention


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """(batch, heads, time, features), by hand."""
    return torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]), -1) @ v


def merged(h: Tensor) -> Tensor:
    return h.transpose(1, 2).flatten(2)


def projections(wide: int = 12) -> dict[str, nn.Module]:
    return {name: nn.Linear(8, wide) for name in "qkv"} | {"o": nn.Linear(wide, 3)}


_HEADS = {"q+k+v": 4}
_OF_HEADS = {"o": "q+k+v"}


def stored_heads(s: Net, h: Tensor) -> Tensor:
    return h.unflatten(-1, (s.heads, -1)).transpose(1, 2)


def stored_features(s: Net, h: Tensor) -> Tensor:
    return h.view(*h.shape[:2], -1, s.features).transpose(1, 2)


@add("attention by hand, stored heads", _HEADS, TOKENS, stored=("heads",), reads=_OF_HEADS)
def _attention_by_hand() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(merged(attention(*(stored_heads(s, layer(x)) for layer in (s.q, s.k, s.v)))))

    return net(forward, **projections(), heads=4)


@add("attention by hand, stored features", _HEADS, TOKENS, kept=("features",), reads=_OF_HEADS)
def _attention_by_features() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(merged(attention(*(stored_features(s, layer(x)) for layer in (s.q, s.k, s.v)))))

    return net(forward, **projections(), features=3)


@add("attention by function", _HEADS, TOKENS, kept=("features",), reads=_OF_HEADS)
def _attention_by_function() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        q, k, v = (stored_features(s, layer(x)) for layer in (s.q, s.k, s.v))
        return s.o(merged(F.scaled_dot_product_attention(q, k, v, is_causal=True)))

    return net(forward, **projections(), features=3)


@add("attention with all sizes stored", _HEADS, TOKENS, stored=("heads", "size"), kept=("features",), reads=_OF_HEADS)
def _attention_with_all_sizes_stored() -> Net:
    """As many heads as features of a head."""

    def forward(s: Net, x: Tensor) -> Tensor:
        def split(h: Tensor) -> Tensor:
            return h.view(len(x), -1, s.heads, s.features).transpose(1, 2)

        scores = split(s.q(x)) @ split(s.k(x)).transpose(-2, -1) * s.features**-0.5
        mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        weights = torch.softmax(scores.masked_fill(mask, float("-inf")), -1)
        return s.o((weights @ split(s.v(x))).transpose(1, 2).contiguous().view(len(x), -1, s.size))

    return net(forward, **projections(16), heads=4, features=4, size=16)


@add("attention from one layer", {"qkv": 4}, TOKENS, stored=("heads",), reads={"o": "qkv"})
def _attention_from_one_layer() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        q, k, v = s.qkv(x).reshape(*x.shape[:2], 3, s.heads, -1).permute(2, 0, 3, 1, 4)
        return s.o(merged(F.scaled_dot_product_attention(q, k, v)))

    return net(forward, qkv=nn.Linear(8, 36), o=nn.Linear(12, 3), heads=4)


@add("attention from chunks of one layer", {"qkv": 4}, TOKENS, kept=("features",), reads={"o": "qkv"})
def _attention_from_chunks() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(merged(attention(*(stored_features(s, part) for part in s.qkv(x).chunk(3, -1)))))

    return net(forward, qkv=nn.Linear(8, 36), o=nn.Linear(12, 3), features=3)


@add("cross attention", _HEADS, TOKENS, (2, 5, 6), kept=("features",), reads=_OF_HEADS)
def _cross_attention() -> Net:
    def forward(s: Net, x: Tensor, y: Tensor) -> Tensor:
        q, k, v = (stored_features(s, h) for h in (s.q(x), s.k(y), s.v(y)))
        return s.o(merged(attention(q, k, v)))

    layers = {"q": nn.Linear(8, 12), "k": nn.Linear(6, 12), "v": nn.Linear(6, 12), "o": nn.Linear(12, 3)}
    return net(forward, **layers, features=3)


@add("rotary attention", _HEADS, TOKENS, kept=("features",), reads=_OF_HEADS)
def _rotary_attention() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        def turned(h: Tensor) -> Tensor:
            first, second = h.chunk(2, -1)
            return h * s.cos + torch.cat([-second, first], -1) * s.sin

        q, k, v = (stored_features(s, layer(x)) for layer in (s.q, s.k, s.v))
        return s.o(merged(attention(turned(q), turned(k), v)))

    angle = torch.outer(torch.arange(7.0), torch.tensor([1.0, 0.1])).repeat(1, 2)
    return net(forward, **projections(16), cos=angle.cos(), sin=angle.sin(), features=4)


@add("transformer block by hand", {"a+p+g": 16, "qkv": 4, "f": 24}, SEQUENCE, kept=("features",))
def _transformer_block() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = s.a(x)
        parts = (stored_features(s, part) for part in s.qkv(s.n(h)).chunk(3, -1))
        h = h + s.p(merged(attention(*parts)))
        return s.o(h + s.g(F.gelu(s.f(s.m(h)))))

    layers = {"a": (4, 16), "qkv": (16, 36), "p": (12, 16), "f": (16, 24), "g": (24, 16), "o": (16, 3)}
    norms = {"n": nn.LayerNorm(16), "m": nn.LayerNorm(16)}
    return net(forward, **{name: nn.Linear(*size) for name, size in layers.items()}, **norms, features=3)


@add("torch's attention", {"c": 8}, also=({"c": 8, "m.out_proj": 16},), reads={"a": "c"})
def _torch_attention() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = s.a(F.relu(s.c(x)))
        return s.o(s.m(h, h, h, need_weights=False)[0])

    layers = {"c": nn.Linear(4, 8), "a": nn.Linear(8, 16), "o": nn.Linear(16, 3)}
    return net(forward, **layers, m=nn.MultiheadAttention(16, 4, batch_first=True))


@add("torch's encoder layer", {"t.linear1": 24}, reads={"t.linear2": "t.linear1"})
def _torch_encoder_layer() -> Net:
    layers = {"a": nn.Linear(4, 16), "t": nn.TransformerEncoderLayer(16, 4, 24, batch_first=True)}
    return net(lambda s, x: s.o(s.t(s.a(x))), **layers, o=nn.Linear(16, 3))


@add("torch's decoder layer", {"t.linear1": 24}, reads={"t.linear2": "t.linear1"})
def _torch_decoder_layer() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = s.a(x)
        return s.o(s.t(h, h.flip(1)))

    layers = {"a": nn.Linear(4, 16), "t": nn.TransformerDecoderLayer(16, 4, 24, batch_first=True)}
    return net(forward, **layers, o=nn.Linear(16, 3))


# Products of activations


@add("pooled by given weights", {"a": 16}, WAVE, (2, 5, 9))
def _pooled_by_given_weights() -> Net:
    def forward(s: Net, x: Tensor, w: Tensor) -> Tensor:
        return s.o(torch.einsum("bct,bkt->bkc", s.a(x), torch.softmax(w, -1)).flatten(1))

    return net(forward, a=conv(4, 16), o=nn.Linear(80, 3))


@add("pooled by learned weights", {"a": 16, "f": 12}, WAVE, reads={"g": "f", "o": "a"})
def _pooled_by_learned_weights() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        score = s.g(torch.tanh(s.f(x))).squeeze(1)
        return s.o(torch.einsum("bct,bt->bc", s.a(x), torch.softmax(score, -1)))

    return net(forward, a=conv(4, 16), f=conv(4, 12), g=conv(12, 1), o=nn.Linear(16, 3))


@add("similarity over units", {}, also=({"a+b": 16},))
def _similarity_over_units() -> Net:
    """The sum over units is the output: no weight that reads them can be told to ignore one."""
    return net(lambda s, x: torch.einsum("btc,bsc->bts", s.a(x), s.b(x)), a=nn.Linear(4, 16), b=nn.Linear(4, 16))


@add("attention among channels", {}, WAVE)
def _attention_among_channels() -> Net:
    """Every unit is a sum over all units, with shares that they compete for."""
    return convs(lambda s, h: h + torch.softmax(h @ h.transpose(1, 2), -1) @ h)


@add("unfolded patches", {"a": 4}, (2, 1, 6, 6), also=({},), reads=ALL_OF_A)
def _unfolded_patches() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.unfold(F.relu(s.a(x)), 3).transpose(1, 2))

    return net(forward, a=nn.Conv2d(1, 4, 1), o=nn.Linear(36, 3))


# Paths that evaluation does not see


@add("sampled in training only", {}, also=({"a": 16}, {"a+spread": 16}, {"spread+a": 16}))
def _sampled_in_training_only() -> Net:
    """Evaluation never runs `spread`, whose units must go with those of `a`."""

    def forward(s: Net, x: Tensor) -> Tensor:
        h = s.a(x)
        if s.training:
            h = h + torch.exp(0.5 * s.spread(x)) * torch.randn_like(h)
        return s.o(h)

    return net(forward, a=nn.Linear(4, 16), spread=nn.Linear(4, 16), o=nn.Linear(16, 3))


@add("second head in training only", {}, also=({"a": 16},))
def _second_head_in_training_only() -> Net:
    def forward(s: Net, x: Tensor) -> tuple[Tensor, ...]:
        h = F.relu(s.a(x))
        return (s.o(h), s.second(h)) if s.training else (s.o(h),)

    return net(forward, a=nn.Linear(4, 16), second=nn.Linear(16, 5), o=nn.Linear(16, 3))


@add("noise for every unit", {"a": 16}, also=({},))
def _noise_for_every_unit() -> Net:
    """As exact as a random number can be: the cut net draws fewer."""
    return linears(lambda s, h: F.relu(h + 0.1 * torch.randn_like(h)))


add("noise for all units", {"a": 16})(lambda: linears(lambda s, h: F.relu(h + 0.1 * torch.randn(*h.shape[:2], 1))))

# Habits


add("outputs in a dict", {"a": 16}, reads=ALL_OF_A)(
    lambda: net(lambda s, x: {"y": s.o(F.relu(s.a(x))), "n": [len(x)]}, a=nn.Linear(4, 16), o=nn.Linear(16, 3))
)
add("cast to float", {"a": 16}, single=True)(
    lambda: net(lambda s, x: s.o(F.relu(s.a(x.float()))), a=nn.Linear(4, 16), o=nn.Linear(16, 3))
)
add("cast to float between layers", {"a": 16}, single=True)(
    lambda: linears(lambda s, h: torch.tanh(h.to(torch.float32)))
)
add("cast to float and back", {"a": 16}, single=True)(lambda: linears(lambda s, h: h.float().tanh().to(h.dtype)))
add("dropout", {"a": 16}, WAVE, reads=ALL_OF_A)(
    lambda: convs(lambda s, h: s.d(F.dropout(s.c(h), 0.1, s.training)), c=nn.Dropout1d(0.2), d=nn.Dropout(0.3))
)


add("activity as a second output", {})(
    lambda: net(
        lambda s, x: (lambda h: (s.o(h), h.abs().mean()))(F.relu(s.a(x))), a=nn.Linear(4, 16), o=nn.Linear(16, 3)
    )
)
add("recomputed in backward", _BOTH, reads=A_THEN_B)(
    lambda: linears(lambda s, h: F.relu(checkpoint(s.b, F.relu(h), use_reentrant=False)), 12, b=nn.Linear(16, 12))
)
add("mapped over the batch", {"a": 16}, also=({},), reads=ALL_OF_A)(
    lambda: linears(lambda s, h: torch.vmap(lambda row: torch.tanh(row) * 2)(h))
)
add("in automatic precision", {"a": 16}, single=True)(
    lambda: net(in_automatic_precision, a=nn.Linear(4, 16), o=nn.Linear(16, 3))
)


def in_automatic_precision(s: Net, x: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return s.o(F.relu(s.a(x)))


class Rounding(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return torch.round(x * 8) / 8

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return gradient


add("own backward", {"a": 16}, reads=ALL_OF_A)(lambda: linears(lambda s, h: Rounding.apply(torch.tanh(h))))


@add("zeros kept from the first forward", {"a": 16}, also=({},))
def _zeros_kept_from_the_first_forward() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        if s.zeros is None:
            s.zeros = torch.zeros(h.shape[-1])
        return torch.maximum(h, s.zeros)

    return linears(middle, zeros=None)


def silent(made: Net) -> Net:
    """With a last layer of zeros: nothing that happens before it shows in the output."""
    for parameter in made.o.parameters():
        nn.init.zeros_(parameter)
    return made


add("last layer of zeros", {"a": 16}, reads=ALL_OF_A)(lambda: silent(linears(lambda s, h: torch.tanh(h))))
add("last layer of zeros after a division by the width", {})(
    lambda: silent(linears(lambda s, h: h / math.sqrt(h.shape[-1])))
)
add("last layer of zeros after one attribute as width and as scale", {}, kept=("hidden",))(
    lambda: silent(linears(lambda s, h: h.reshape(-1, s.hidden) / math.sqrt(s.hidden), hidden=16))
)


@add("layer scale of zeros", {"a+b": 16}, WAVE, reads={"b": "a+b", "o": "a+b"})
def _layer_scale_of_zeros() -> Net:
    return convs(lambda s, h: h + s.gamma * s.b(F.relu(h)), b=conv(16, 16), gamma=nn.Parameter(torch.zeros(16, 1)))


@add("a lock inside", {"a": 16}, also=({},))
def _a_lock_inside() -> Net:
    """It cannot be copied by copy.deepcopy."""

    def forward(s: Net, x: Tensor) -> Tensor:
        with s.lock:
            return s.o(F.relu(s.a(x)))

    return net(forward, a=nn.Linear(4, 16), o=nn.Linear(16, 3), lock=threading.Lock())
