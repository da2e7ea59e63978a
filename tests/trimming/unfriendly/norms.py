"""Norms, with and without weights and statistics."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.trimming.nets import Net
from tests.trimming.unfriendly.kit import ALL_OF_A, WAVE, Build, Nets, convs, linears, weight

nets = Nets()


def normed(norm: Callable[[], nn.Module]) -> Build:
    return lambda: convs(lambda s, h: F.relu(s.n(h)), n=norm())


for _label, (_width, _norm) in {
    "group norm without affine": (4, lambda: nn.GroupNorm(4, 16, affine=False)),
    "group norm of single units": (16, lambda: nn.GroupNorm(16, 16)),
    "instance norm with statistics": (16, lambda: nn.InstanceNorm1d(16, affine=True, track_running_stats=True)),
    "batch norm without anything": (16, lambda: nn.BatchNorm1d(16, affine=False, track_running_stats=False)),
}.items():
    nets.add(_label, {"a": _width}, WAVE, reads=ALL_OF_A)(normed(_norm))
nets.add("group norm of one group", {"a": 16}, WAVE)(normed(lambda: nn.GroupNorm(1, 16)))
nets.add("group norm by function", {"a": 4}, WAVE, reads=ALL_OF_A)(
    lambda: convs(lambda s, h: F.group_norm(h, h.shape[1] // 4, s.gain, s.shift), gain=weight(16), shift=weight(16))
)
nets.add("root mean square norm by hand", {})(
    lambda: linears(lambda s, h: h * torch.rsqrt(h.square().mean(-1, keepdim=True) + 1e-6) * s.gain, gain=weight(16))
)
nets.add("layer norm without affine", {"a": 16})(
    lambda: linears(lambda s, h: F.relu(s.n(h)), n=nn.LayerNorm(16, elementwise_affine=False))
)


@nets.add("vector quantization", {})
def _vector_quantization() -> Net:
    """Which word is nearest depends on all units."""

    def middle(s: Net, h: Tensor) -> Tensor:
        words = F.embedding(torch.cdist(h, s.words.expand(len(h), -1, -1)).argmin(-1), s.words)
        return h + (words - h).detach()

    return linears(middle, words=weight(10, 16))
