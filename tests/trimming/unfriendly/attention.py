"""Attention, and other products of activations."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.trimming.nets import Net, conv
from tests.trimming.unfriendly.kit import SEQUENCE, TOKENS, WAVE, Nets, convs, net

nets = Nets()


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


@nets.add("attention by hand, stored heads", _HEADS, TOKENS, stored=("heads",), reads=_OF_HEADS)
def _attention_by_hand() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(merged(attention(*(stored_heads(s, layer(x)) for layer in (s.q, s.k, s.v)))))

    return net(forward, **projections(), heads=4)


@nets.add("attention by function", _HEADS, TOKENS, kept=("features",), reads=_OF_HEADS)
def _attention_by_function() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        q, k, v = (stored_features(s, layer(x)) for layer in (s.q, s.k, s.v))
        return s.o(merged(F.scaled_dot_product_attention(q, k, v, is_causal=True)))

    return net(forward, **projections(), features=3)


@nets.add(
    "attention with all sizes stored", _HEADS, TOKENS, stored=("heads", "size"), kept=("features",), reads=_OF_HEADS
)
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


@nets.add("attention from one layer", {"qkv": 4}, TOKENS, stored=("heads",), reads={"o": "qkv"})
def _attention_from_one_layer() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        q, k, v = s.qkv(x).reshape(*x.shape[:2], 3, s.heads, -1).permute(2, 0, 3, 1, 4)
        return s.o(merged(F.scaled_dot_product_attention(q, k, v)))

    return net(forward, qkv=nn.Linear(8, 36), o=nn.Linear(12, 3), heads=4)


@nets.add("cross attention", _HEADS, TOKENS, (2, 5, 6), kept=("features",), reads=_OF_HEADS)
def _cross_attention() -> Net:
    def forward(s: Net, x: Tensor, y: Tensor) -> Tensor:
        q, k, v = (stored_features(s, h) for h in (s.q(x), s.k(y), s.v(y)))
        return s.o(merged(attention(q, k, v)))

    layers = {"q": nn.Linear(8, 12), "k": nn.Linear(6, 12), "v": nn.Linear(6, 12), "o": nn.Linear(12, 3)}
    return net(forward, **layers, features=3)


@nets.add("rotary attention", _HEADS, TOKENS, kept=("features",), reads=_OF_HEADS)
def _rotary_attention() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        def turned(h: Tensor) -> Tensor:
            first, second = h.chunk(2, -1)
            return h * s.cos + torch.cat([-second, first], -1) * s.sin

        q, k, v = (stored_features(s, layer(x)) for layer in (s.q, s.k, s.v))
        return s.o(merged(attention(turned(q), turned(k), v)))

    angle = torch.outer(torch.arange(7.0), torch.tensor([1.0, 0.1])).repeat(1, 2)
    return net(forward, **projections(16), cos=angle.cos(), sin=angle.sin(), features=4)


@nets.add("transformer block by hand", {"a+p+g": 16, "qkv": 4, "f": 24}, SEQUENCE, kept=("features",))
def _transformer_block() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = s.a(x)
        parts = (stored_features(s, part) for part in s.qkv(s.n(h)).chunk(3, -1))
        h = h + s.p(merged(attention(*parts)))
        return s.o(h + s.g(F.gelu(s.f(s.m(h)))))

    layers = {"a": (4, 16), "qkv": (16, 36), "p": (12, 16), "f": (16, 24), "g": (24, 16), "o": (16, 3)}
    norms = {"n": nn.LayerNorm(16), "m": nn.LayerNorm(16)}
    return net(forward, **{name: nn.Linear(*size) for name, size in layers.items()}, **norms, features=3)


@nets.add("torch's attention", {"c": 8}, reads={"a": "c"})
def _torch_attention() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = s.a(F.relu(s.c(x)))
        return s.o(s.m(h, h, h, need_weights=False)[0])

    layers = {"c": nn.Linear(4, 8), "a": nn.Linear(8, 16), "o": nn.Linear(16, 3)}
    return net(forward, **layers, m=nn.MultiheadAttention(16, 4, batch_first=True))


@nets.add("torch's encoder layer", {"t.linear1": 24}, reads={"t.linear2": "t.linear1"})
def _torch_encoder_layer() -> Net:
    layers = {"a": nn.Linear(4, 16), "t": nn.TransformerEncoderLayer(16, 4, 24, batch_first=True)}
    return net(lambda s, x: s.o(s.t(s.a(x))), **layers, o=nn.Linear(16, 3))


@nets.add("pooled by given weights", {"a": 16}, WAVE, (2, 5, 9))
def _pooled_by_given_weights() -> Net:
    def forward(s: Net, x: Tensor, w: Tensor) -> Tensor:
        return s.o(torch.einsum("bct,bkt->bkc", s.a(x), torch.softmax(w, -1)).flatten(1))

    return net(forward, a=conv(4, 16), o=nn.Linear(80, 3))


@nets.add("pooled by learned weights", {"a": 16, "f": 12}, WAVE, reads={"g": "f", "o": "a"})
def _pooled_by_learned_weights() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        score = s.g(torch.tanh(s.f(x))).squeeze(1)
        return s.o(torch.einsum("bct,bt->bc", s.a(x), torch.softmax(score, -1)))

    return net(forward, a=conv(4, 16), f=conv(4, 12), g=conv(12, 1), o=nn.Linear(16, 3))


@nets.add("similarity over units", {})
def _similarity_over_units() -> Net:
    """The sum over units is the output: no weight that reads them can be told to ignore one."""
    return net(lambda s, x: torch.einsum("btc,bsc->bts", s.a(x), s.b(x)), a=nn.Linear(4, 16), b=nn.Linear(4, 16))


@nets.add("attention among channels", {}, WAVE)
def _attention_among_channels() -> Net:
    """Every unit is a sum over all units, with shares that they compete for."""
    return convs(lambda s, h: h + torch.softmax(h @ h.transpose(1, 2), -1) @ h)


@nets.add("unfolded patches", {}, (2, 1, 6, 6))
def _unfolded_patches() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.unfold(F.relu(s.a(x)), 3).transpose(1, 2))

    return net(forward, a=nn.Conv2d(1, 4, 1), o=nn.Linear(36, 3))
