"""Parameters, buffers and tables that meet units."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.trimming.nets import Net, conv
from tests.trimming.unfriendly.kit import ALL_OF_A, WAVE, Nets, convs, linears, weight

nets = Nets()


class Snake(nn.Module):
    """x + sin²(alpha x) / alpha, with an alpha for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.rand(1, channels, 1) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.sin(self.alpha * x).square() / self.alpha


nets.add("snake", {"a": 16}, WAVE, reads=ALL_OF_A)(lambda: convs(lambda s, h: s.p(h), p=Snake(16)))
nets.add("layer scale", {"a+b": 16}, WAVE, reads={"b": "a+b", "o": "a+b"})(
    lambda: convs(lambda s, h: h + s.gamma * s.b(F.relu(h)), b=conv(16, 16), gamma=weight(16, 1))
)
nets.add("statistics as buffers", {"a": 16}, WAVE, reads=ALL_OF_A)(
    lambda: convs(lambda s, h: (h - s.mean) / s.std, mean=torch.randn(16, 1), std=torch.rand(16, 1) + 0.5)
)
nets.add("positional table", {"a": 16}, reads=ALL_OF_A)(
    lambda: linears(lambda s, h: F.relu(h + s.table[:, : h.shape[1]]), table=weight(1, 10, 16))
)
nets.add("table that is no parameter", {})(
    lambda: linears(lambda s, h: h + s.table[0], table=[torch.linspace(-1, 1, 96).view(6, 16)])
)


@nets.add("table that is not saved", {})
def _table_that_is_not_saved() -> Net:
    """What no state dict holds, no plan can cut."""
    made = linears(lambda s, h: F.relu(h + s.table))
    made.register_buffer("table", torch.linspace(-1, 1, 96).view(6, 16), persistent=False)
    return made


@nets.add("class token", {"a+b": 16}, reads={"b": "a+b", "o": "a+b"})
def _class_token() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        h = torch.cat([s.token.expand(len(h), -1, -1), h], 1)
        return (h + torch.tanh(s.b(h.mean(1, keepdim=True))))[:, 0]

    return linears(middle, token=weight(1, 1, 16), b=nn.Linear(16, 16))


@nets.add("mask token", {"a": 16}, reads=ALL_OF_A)
def _mask_token() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        hidden = torch.arange(h.shape[1]) % 3 == 0
        return torch.where(hidden.view(1, -1, 1), s.token, h)

    return linears(middle, token=weight(16))
