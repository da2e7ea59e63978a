"""Habits: paths of training only, noise, casts, locks."""

from __future__ import annotations

import math
import threading
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.trimming.nets import Net, conv
from tests.trimming.unfriendly.kit import A_THEN_B, ALL_OF_A, BOTH, WAVE, Nets, convs, linears, net

nets = Nets()


@nets.add("sampled in training only", {})
def _sampled_in_training_only() -> Net:
    """Evaluation never runs `spread`, whose units must go with those of `a`."""

    def forward(s: Net, x: Tensor) -> Tensor:
        h = s.a(x)
        if s.training:
            h = h + torch.exp(0.5 * s.spread(x)) * torch.randn_like(h)
        return s.o(h)

    return net(forward, a=nn.Linear(4, 16), spread=nn.Linear(4, 16), o=nn.Linear(16, 3))


@nets.add("second head in training only", {})
def _second_head_in_training_only() -> Net:
    def forward(s: Net, x: Tensor) -> tuple[Tensor, ...]:
        h = F.relu(s.a(x))
        return (s.o(h), s.second(h)) if s.training else (s.o(h),)

    return net(forward, a=nn.Linear(4, 16), second=nn.Linear(16, 5), o=nn.Linear(16, 3))


@nets.add("noise for every unit", {})
def _noise_for_every_unit() -> Net:
    """The cut net draws fewer numbers, so that no cut can be shown to be right."""
    return linears(lambda s, h: F.relu(h + 0.1 * torch.randn_like(h)))


nets.add("noise for all units", {"a": 16})(lambda: linears(lambda s, h: F.relu(h + 0.1 * torch.randn(*h.shape[:2], 1))))
nets.add("outputs in a dict", {"a": 16}, reads=ALL_OF_A)(
    lambda: net(lambda s, x: {"y": s.o(F.relu(s.a(x))), "n": [len(x)]}, a=nn.Linear(4, 16), o=nn.Linear(16, 3))
)
nets.add("cast to float between layers", {"a": 16}, single=True)(
    lambda: linears(lambda s, h: torch.tanh(h.to(torch.float32)))
)
nets.add("cast to float and back", {"a": 16})(lambda: linears(lambda s, h: h.float().tanh().to(h.dtype)))
nets.add("dropout", {"a": 16}, WAVE, reads=ALL_OF_A)(
    lambda: convs(lambda s, h: s.d(F.dropout(s.c(h), 0.1, s.training)), c=nn.Dropout1d(0.2), d=nn.Dropout(0.3))
)
nets.add("activity as a second output", {})(
    lambda: net(
        lambda s, x: (lambda h: (s.o(h), h.abs().mean()))(F.relu(s.a(x))), a=nn.Linear(4, 16), o=nn.Linear(16, 3)
    )
)
nets.add("recomputed in backward", BOTH, reads=A_THEN_B)(
    lambda: linears(lambda s, h: F.relu(checkpoint(s.b, F.relu(h), use_reentrant=False)), 12, b=nn.Linear(16, 12))
)
nets.add("mapped over the batch", {"a": 16}, reads=ALL_OF_A)(
    lambda: linears(lambda s, h: torch.vmap(lambda row: torch.tanh(row) * 2)(h))
)


@nets.add("in automatic precision", {"a": 16})
def _in_automatic_precision() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return s.o(F.relu(s.a(x)))

    return net(forward, a=nn.Linear(4, 16), o=nn.Linear(16, 3))


class Rounding(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return torch.round(x * 8) / 8

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return gradient


nets.add("own backward", {"a": 16}, reads=ALL_OF_A)(lambda: linears(lambda s, h: Rounding.apply(torch.tanh(h))))


@nets.add("zeros kept from the first forward", {})
def _zeros_kept_from_the_first_forward() -> Net:
    """No plan knows of a tensor that is an attribute."""

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


nets.add("last layer of zeros", {"a": 16}, reads=ALL_OF_A)(lambda: silent(linears(lambda s, h: torch.tanh(h))))
nets.add("last layer of zeros after a division by the width", {})(
    lambda: silent(linears(lambda s, h: h / math.sqrt(h.shape[-1])))
)


@nets.add("layer scale of zeros", {"a+b": 16}, WAVE, reads={"b": "a+b", "o": "a+b"})
def _layer_scale_of_zeros() -> Net:
    return convs(lambda s, h: h + s.gamma * s.b(F.relu(h)), b=conv(16, 16), gamma=nn.Parameter(torch.zeros(16, 1)))


@nets.add("a lock inside", {})
def _a_lock_inside() -> Net:
    """It cannot be copied, so that no cut can be tried."""

    def forward(s: Net, x: Tensor) -> Tensor:
        with s.lock:
            return s.o(F.relu(s.a(x)))

    return net(forward, a=nn.Linear(4, 16), o=nn.Linear(16, 3), lock=threading.Lock())
