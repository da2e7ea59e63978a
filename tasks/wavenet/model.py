"""The WaveNet: stacks of gated dilated causal convolutions, conditioned on mel frames.

van den Oord et al., "WaveNet: A generative model for raw audio", 2016, with the sizes of Esling et al., DAFx 2020, as
in their code (github.com/acids-ircam/lottery_generative; the text says 20 layers a stack): two stacks of ten layers,
128 residual and 256 skip channels, 256 levels in and out, mel frames repeated to samples. What is other there: the
first convolution has two taps and a tanh (here one tap, which is a table), layers are told the 80 mel bands themselves
(here what a layer of 80 units makes of them, so that it can be cut), and the net guesses the samples themselves. Here
it is told the linear prediction of each sample and guesses what that leaves, see :mod:`.prediction`: without it, nets
of this size learn in minutes no more than noise as loud as the note. These sizes are those of `full`; the other
profiles have two stacks of seven layers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.hardware.streaming import Stream

from .mulaw import LEVELS, SILENCE
from .shape import KINDS, MELS, Shape
from .stream import stream


class Levels(nn.Embedding):
    """A row of units for each level: what a convolution with one tap makes of one-hot levels."""

    def reset_parameters(self) -> None:
        """Sines of the level, slow and fast ones: so neighbours begin alike."""
        units = self.weight.shape[1]
        level = torch.linspace(-1, 1, LEVELS).unsqueeze(1)
        speed, phase = 4 * torch.rand(units), 2 * math.pi * torch.rand(units)
        with torch.no_grad():
            self.weight.copy_(torch.sin(math.pi * speed * level + phase) * 2**0.5)


class WaveNet(nn.Module):
    """(rows, frames, 3 hop + 80) -> logits (rows, 256, frames * hop) of the excitation's levels.

    A frame holds its samples as levels, the levels of their predictions, those of their excitations, and its mel bands.
    The logits of a sample depend on its prediction, on samples and excitations before it, and on mel frames up to its
    own.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.residual
        self.hop, self.dilations = shape.hop, shape.dilations
        self.levels = Levels(LEVELS, shape.table)
        self.ears = nn.Conv1d(KINDS * shape.table, width, 1)
        self.condition = nn.Conv1d(MELS, shape.condition, 1)
        self.gates = nn.ModuleList(nn.Conv1d(width, 2 * width, 2, dilation=d) for d in self.dilations)
        self.mels = nn.ModuleList(nn.Conv1d(shape.condition, 2 * width, 1, bias=False) for _ in self.dilations)
        self.residuals = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in self.dilations[1:])
        self.skip = nn.Conv1d(len(self.dilations) * width, shape.skip, 1)
        self.hidden = nn.Conv1d(shape.skip, shape.skip, 1, bias=False)
        self.output = nn.Conv1d(shape.skip, LEVELS, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """All samples at once, each after those that are given."""
        levels = x[..., :-MELS].unflatten(2, (KINDS, self.hop)).transpose(1, 2).flatten(2)
        return self.say(self.stacks(before(levels), x[..., -MELS:])[1])

    def stacks(self, levels: Tensor, mels: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """What goes into each layer, (rows, residual, samples), and what its gate lets through.

        Parameters
        ----------
        levels
            (rows, 3, samples), any type, as of :func:`before`.
        mels
            (rows, frames, 80).
        """
        stream = self.hear(levels)
        told = torch.tanh(self.condition(mels.transpose(1, 2)))
        streams, passed = [], []
        for index, dilation in enumerate(self.dilations):
            streams.append(stream)
            heard = self.gates[index](F.pad(stream, (dilation, 0)))
            frames = heard.unflatten(2, (-1, self.hop)) + self.mels[index](told).unsqueeze(3)
            signal, gate = frames.flatten(2).chunk(2, 1)
            passed.append(torch.tanh(signal) * torch.sigmoid(gate))
            if index < len(self.residuals):
                stream = stream + self.residuals[index](passed[-1])
        return streams, passed

    def hear(self, levels: Tensor) -> Tensor:
        """(rows, 3, samples) levels to the stream that goes into the first layer, (rows, residual, samples)."""
        kinds = self.levels(levels.long().clamp(0, LEVELS - 1))
        stream: Tensor = self.ears(kinds.transpose(2, 3).flatten(1, 2))
        return stream

    def say(self, passed: list[Tensor]) -> Tensor:
        """Logits from what the gates let through."""
        # One convolution over all layers: the sum of the papers' skip convolutions, their biases in one.
        skipped: Tensor = self.skip(torch.cat(passed, 1))
        logits: Tensor = self.output(torch.relu(self.hidden(torch.relu(skipped))))
        return logits

    def stream(self, example: Tensor) -> Stream:
        """How boards play it: sample by sample."""
        return stream(self, example)


def before(levels: Tensor) -> Tensor:
    """What is known of each sample when it is guessed: its prediction, and the sample and the excitation before it.

    (rows, 3, samples) to the same; silence is before the first.
    """
    samples, predictions, excitations = F.pad(levels, (1, 0), value=SILENCE).unbind(1)
    return torch.stack([samples[:, :-1], predictions[:, 1:], excitations[:, :-1]], 1)
