"""Notes that a WaveNet makes by itself: one step, one sample.

A sample is predicted from those before it, the net draws what the prediction leaves, and their sum is the sample. A
layer needs what went into it `dilation` samples ago, so it keeps as many columns in a queue and computes one column a
step (Le Paine et al., "Fast WaveNet generation algorithm", 2016). It is the same function as the forward of all samples
at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from benchmark.audio import scores

from .data import Notes
from .model import WaveNet
from .model import before as known
from .mulaw import decode, encode
from .prediction import REACH, coefficients, predicted, told
from .shape import Shape

GENERATED = 36
"""Notes of a split."""


class Player:
    """A net that goes on from sample to sample, some notes side by side.

    Parameters
    ----------
    net
        Of any widths; its layers may have different ones.
    levels, mels
        (rows, 3, samples) before the first that is to be made, any number, also none, as :func:`.prediction.told` has
        them; and (rows, frames, 80) of the whole notes.
    """

    def __init__(self, net: WaveNet, levels: Tensor, mels: Tensor) -> None:
        self._hop, self._dilations, self._time = net.hop, net.dilations, levels.shape[2]
        self._table, self._ears = net.levels.weight, (_matrix(net.ears), _vector(net.ears.bias))
        told = torch.tanh(net.condition(mels.transpose(1, 2)))
        self._told, self._gates, self._residuals = [], [], []
        for gates, bands in zip(net.gates, net.mels, strict=True):
            self._told.append((bands(told) + _vector(gates.bias).unsqueeze(1)).permute(2, 0, 1).contiguous())
            self._gates.append(_vector(gates.weight).permute(2, 1, 0).flatten(0, 1).contiguous())
        for layer in net.residuals:
            self._residuals.append((_matrix(layer), _vector(layer.bias)))
        self._skip = _matrix(net.skip), _vector(net.skip.bias)
        self._last = _matrix(net.hidden), _matrix(net.output)
        widths = [told.shape[2] // 2 for told in self._told]
        self._passed = mels.new_empty(len(mels), sum(widths))
        self._parts = self._passed.split(widths, 1)
        self._queues = [self._table.new_zeros(d, len(mels), len(self._ears[1])) for d in self._dilations]
        self._fill(net, levels, mels)

    def _fill(self, net: WaveNet, levels: Tensor, mels: Tensor) -> None:
        """Queues as they are after the levels; column t is at t modulo their length."""
        if not self._time:
            return
        frames = -(-self._time // self._hop)
        padded = torch.nn.functional.pad(levels, (0, frames * self._hop - self._time))
        for stream, queue in zip(net.stacks(known(padded), mels[:, :frames])[0], self._queues, strict=True):
            times = range(max(0, self._time - len(queue)), self._time)
            queue[[t % len(queue) for t in times]] = stream[:, :, times.start : times.stop].permute(2, 0, 1)

    def step(self, levels: Tensor) -> Tensor:
        """Logits (rows, 256) of the next excitation, of what is known of it: (rows, 3) levels as :func:`known` says."""
        weight, bias = self._ears
        frame, stream = self._time // self._hop, torch.addmm(bias, self._table[levels].flatten(1), weight)
        for index, (dilation, queue) in enumerate(zip(self._dilations, self._queues, strict=True)):
            place = queue[self._time % dilation]
            heard = torch.addmm(self._told[index][frame], torch.cat((place, stream), 1), self._gates[index])
            place.copy_(stream)
            signal, gate = heard.chunk(2, 1)
            passed = torch.mul(signal.tanh_(), gate.sigmoid_(), out=self._parts[index])
            if index < len(self._residuals):
                weight, bias = self._residuals[index]
                stream = torch.addmm(stream, passed, weight).add_(bias)
        self._time += 1
        weight, bias = self._skip
        hidden, output = self._last
        logits: Tensor = torch.addmm(bias, self._passed, weight).relu_().mm(hidden).relu_().mm(output)
        return logits


def choose(logits: Tensor, draws: Tensor | None) -> Tensor:
    """Levels (rows,) of logits (rows, 256): the likeliest, or drawn from them by numbers (rows,) in 0 to 1."""
    if draws is None:
        return logits.argmax(1)
    below = torch.softmax(logits.double(), 1).cumsum(1)
    return (below <= draws.unsqueeze(1) * below[:, -1:]).sum(1).clamp_max(logits.shape[1] - 1)


def samples(net: WaveNet, shape: Shape, past: Tensor, mels: Tensor, draws: Tensor | None) -> Iterator[Tensor]:
    """The samples that follow some samples, one (rows,) after the other, to the end of their mel frames.

    Parameters
    ----------
    past
        (rows, frames * hop) samples in -1 to 1, at least as many as a prediction takes.
    mels
        (rows, frames, 80) of the whole notes.
    draws
        (rows, samples to be made) in 0 to 1; None: the likeliest level every time.
    """
    length, begun = past.shape[1], past.shape[1] // shape.hop
    found, rms = coefficients(mels, shape)
    levels = told(past, predicted(past, found[:, :begun], shape), rms[:, :begun])
    player = Player(net, levels, mels)
    sample, excitation = levels[:, 0, -1].long(), levels[:, 2, -1].long()
    history = past.flip(1)[:, : shape.order]
    for time in range(length, mels.shape[1] * shape.hop):
        frame = time // shape.hop
        loud, _, left = (rms[:, frame] * reach for reach in REACH)
        guess = (found[:, frame] * history).sum(1).clamp(-1, 1)
        logits = player.step(torch.stack([sample, encode(guess / loud), excitation], 1))
        excitation = choose(logits, None if draws is None else draws[:, time - length])
        made = (guess + left * decode(excitation)).clamp(-1, 1)
        sample, history = encode(made / loud), torch.cat([made.unsqueeze(1), history[:, :-1]], 1)
        yield made


@torch.inference_mode()
def play(net: WaveNet, shape: Shape, past: Tensor, mels: Tensor, draws: Tensor | None) -> Tensor:
    """What :func:`samples` gives, (rows, samples to be made) float32 in -1 to 1."""
    return torch.stack(list(samples(net, shape, past, mels, draws)), 1)


def chosen(split: Notes) -> Tensor:
    """The notes of a split that are generated: rows, evenly spread."""
    count = min(GENERATED, len(split))
    return torch.arange(count) * len(split) // count


def generate(net: WaveNet, split: Notes) -> Tensor:
    """Notes that a net makes of the mel frames of `chosen` notes, after silence; sampled, with draws that are fixed.

    Returns
    -------
    Tensor
        (notes, samples) float32 in -1 to 1; always the same for the same net.
    """
    rows = chosen(split)
    silence = torch.zeros(len(rows), split.shape.lead * split.shape.hop)
    draws = torch.rand(split.audio[rows].shape, generator=torch.Generator().manual_seed(0))
    was_training = net.training
    net.eval()
    made = play(net, split.shape, silence, split.mels[rows], draws)
    net.train(was_training)
    return made


def heard(made: Tensor, split: Notes) -> scores.Items:
    """The common metrics of generated notes as items of the whole split: notes that were not made have no part."""
    rows = chosen(split)
    found = scores.compare(made, split.audio[rows], split.shape.rate)
    items: scores.Items = {name: {kind: np.zeros(len(split)) for kind in arrays} for name, arrays in found.items()}
    for name, arrays in found.items():
        for kind, values in arrays.items():
            items[name][kind][rows.numpy()] = values
    return items


def _matrix(layer: torch.nn.Module) -> Tensor:
    """Of a convolution with one tap: (inputs, outputs)."""
    return _vector(layer.weight).squeeze(2).t().contiguous()


def _vector(parameter: object) -> Tensor:
    assert isinstance(parameter, Tensor)
    return parameter
