"""The auto-encoder hop by hop: what it has heard, the latents and the sound that still rings are carried."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from benchmark.hardware.streaming import Stream

from .layers import HOP

if TYPE_CHECKING:
    from .model import AutoEncoder


class Past(NamedTuple):
    """What a net goes on from in the next block."""

    samples: Tensor
    """(rows, 1, OVERLAP): the last that went in."""
    latents: Tensor
    """(rows, latent, context - 1): the last ones."""
    tail: Tensor
    """(rows, 1, OVERLAP): what has begun to sound."""


class Hop(nn.Module):
    """One hop of :meth:`.model.AutoEncoder.play`."""

    def __init__(self, net: AutoEncoder) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, samples: Tensor, latents: Tensor, tail: Tensor) -> tuple[Tensor, ...]:
        """(1, HOP) and states -> (1, HOP) samples, which are late, and states."""
        sound, past = self.net.play(x, Past(samples, latents, tail))
        return sound, *past


def stream(net: AutoEncoder, example: Tensor) -> Stream:
    """How the net is fed hop by hop; its answer is late by what it sees ahead."""
    hop, count = example[:, :HOP], example.shape[1]
    made = Hop(net).eval()
    return Stream(
        made, (hop, *net.silence(hop)), calls=count // HOP, axis=1, out_axis=1, steps=count, late=net.shape.pad
    )
