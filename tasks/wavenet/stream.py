"""The WaveNet sample by sample, as a board plays it: queues of columns are carried.

A step takes what is known of a sample (the level before it, that of its prediction, that of the excitation before it)
and the mel bands of its frame, and gives the logits of its excitation: a program draws a level from them, adds it to
the prediction, predicts the next sample and puts all that into the next step. It is :meth:`.model.WaveNet.forward`, one
column at a time, as :class:`.generate.Player` computes it (Le Paine et al., "Fast WaveNet generation algorithm", 2016).
What the net makes of the mel bands is computed anew in every step, so that a step is one function of what it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.hardware.streaming import Stream

from .mulaw import SILENCE
from .shape import KINDS, MELS, PREDICTION

if TYPE_CHECKING:
    from .model import WaveNet


class Step(nn.Module):
    """One sample."""

    def __init__(self, net: WaveNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, *queues: Tensor) -> tuple[Tensor, ...]:
        """(1, 1, 3 + 80) levels and bands, and (1, residual, dilation) of each layer -> (1, 256, 1) and the same."""
        net = self.net
        levels, bands = x.tensor_split([KINDS], 2)
        column = net.hear(levels.transpose(1, 2))
        told = torch.tanh(net.condition(bands.transpose(1, 2)))
        passed, after = [], []
        for index, queue in enumerate(queues):
            heard = torch.cat([queue, column], 2)
            after.append(heard[..., 1:])
            signal, gate = (net.gates[index](heard) + net.mels[index](told)).chunk(2, 1)
            passed.append(torch.tanh(signal) * torch.sigmoid(gate))
            if index < len(net.residuals):
                column = column + net.residuals[index](passed[-1])
        return net.say(passed), *after

    def start(self) -> tuple[Tensor, ...]:
        """Queues before the first sample."""
        layers = zip(self.net.gates, self.net.dilations, strict=True)
        return tuple(torch.zeros(1, layer.weight.shape[1], dilation) for layer, dilation in layers)


class Samples(Stream):
    """Notes of any number of frames, a sample a hop."""

    def hops(self, x: np.ndarray) -> list[np.ndarray]:
        """(1, frames, 3 hop + 80) -> (1, 1, 3 + 80) of every sample."""
        levels, mels = x[..., :-MELS], x[..., -MELS:]
        kinds = levels.reshape(1, x.shape[1], KINDS, -1).swapaxes(2, 3).reshape(1, -1, KINDS)
        known = np.pad(kinds, ((0, 0), (1, 0), (0, 0)), constant_values=SILENCE)[:, :-1]
        known[..., PREDICTION] = kinds[..., PREDICTION]
        return np.split(np.concatenate([known, mels.repeat(levels.shape[2] // KINDS, 1)], 2), known.shape[1], 1)

    def whole(self, answers: Sequence[np.ndarray]) -> np.ndarray:
        """Logits (1, 256, samples)."""
        return np.concatenate(answers, 2)


def stream(net: WaveNet, example: Tensor) -> Stream:
    """How the net is fed sample by sample."""
    made, count = Step(net).eval(), example.shape[1] * net.hop
    first = torch.cat([torch.full((1, 1, KINDS), float(SILENCE)), example[:, :1, KINDS * net.hop :]], 2)
    return Samples(made, (first, *made.start()), calls=count, axis=1, out_axis=2, steps=count, feeds_back=True)
