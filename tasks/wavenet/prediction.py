"""What can be said of a sample from those before it and the mel frame it lies in, without a net: linear prediction.

The mel bands are spread over a power spectrum, whose autocorrelation gives the coefficients: as in J.-M. Valin and J.
Skoglund, "LPCNet: improving neural speech synthesis through linear prediction", ICASSP 2019, there from cepstra. What
is left of a sample, the excitation, is what the net is asked for (also M.-J. Hwang et al., "LP-WaveNet", 2018).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .features import WINDOW, filters, powers
from .mulaw import encode
from .shape import Shape

LAG = 4.0
"""Hz by which resonances are widened (a Gaussian on the lags), so that they do not ring for ever."""
FLOOR = 1e-6
"""Of the power, as white noise added, so that the equations can be solved for silence too."""
REACH = (256.0, 256.0, 16.0)
"""The largest sample, prediction and excitation that have levels, over the RMS that is expected of the excitation."""


def coefficients(mels: Tensor, shape: Shape) -> tuple[Tensor, Tensor]:
    """Of linear prediction in every frame, by the recursion of Levinson and Durbin.

    Parameters
    ----------
    mels
        (..., 80), as of :func:`.features.mels`.

    Returns
    -------
    tuple of Tensor
        (..., order) float32: the sample is about the sum of coefficient k times the sample k + 1 before it. (...,)
        float32: the RMS of the excitation, were the sound noise with the spectrum that the bands say.
    """
    lags = torch.arange(shape.order + 1)
    given = torch.fft.irfft(_spectrum(mels, shape))[..., : shape.order + 1]
    given = given * torch.exp(-0.5 * (2 * math.pi * LAG / shape.rate * lags) ** 2)
    left = given[..., 0] * (1 + FLOOR)
    found = given.new_zeros(*given.shape[:-1], shape.order)
    for k in range(shape.order):
        known = found[..., :k].clone()
        reflected = (given[..., k + 1] - (known * given[..., 1 : k + 1].flip(-1)).sum(-1)) / left
        found[..., :k] = known - reflected.unsqueeze(-1) * known.flip(-1)
        found[..., k] = reflected
        left = left * (1 - reflected.square())
    # A sine of amplitude 1 has a power of 1 in its bin; white noise of a power of 1, through a Hann window, this.
    noise = 6 / (WINDOW * shape.hop)
    return found.float(), (left / noise).sqrt().float()


def predicted(audio: Tensor, found: Tensor, shape: Shape) -> Tensor:
    """(rows, frames * hop) samples, (rows, frames, order) coefficients: the prediction of each sample, in -1 to 1."""
    frames, order = found.shape[1:]
    parts = []
    for rows, factors in zip(audio.split(16), found.split(16), strict=True):
        past = torch.nn.functional.pad(rows, (order, 0))
        total = rows.new_zeros(len(rows), frames, shape.hop)
        for k in range(order):
            before = past[:, order - 1 - k : order - 1 - k + rows.shape[1]].unflatten(1, (frames, shape.hop))
            total.addcmul_(before, factors[..., k : k + 1])
        parts.append(total.flatten(1))
    return torch.cat(parts).clamp(-1, 1)


def told(audio: Tensor, guess: Tensor, rms: Tensor) -> Tensor:
    """Levels of samples, of their predictions, and of what these leave: (rows, 3, frames * hop) uint8.

    They are in units of the RMS that is expected of the excitation in the frame. So the net need not say how loud a
    note is: it would take that from what it has made itself, softer from sample to sample.

    Parameters
    ----------
    audio, guess
        (rows, frames * hop) in -1 to 1.
    rms
        (rows, frames), as of :func:`coefficients`.
    """
    kinds = torch.stack([audio, guess, audio - guess], 1).unflatten(2, (rms.shape[1], -1))
    largest = rms.unsqueeze(1) * rms.new_tensor(REACH).unsqueeze(1)
    return encode(kinds / largest.unsqueeze(3)).flatten(2).to(torch.uint8)


def _spectrum(mels: Tensor, shape: Shape) -> Tensor:
    """Power (..., bins): straight lines in decibels from the middle of a band to that of the next."""
    bands = filters(shape).double()
    bins = torch.arange(bands.shape[1], dtype=torch.float64)
    middle = (bands * bins).sum(1) / bands.sum(1)
    above = torch.searchsorted(middle, bins).clamp(1, len(middle) - 1)
    part = ((bins - middle[above - 1]) / (middle[above] - middle[above - 1])).clamp(0, 1)
    logarithm = powers(mels, shape).log() - bands.sum(1).log()
    return torch.lerp(logarithm[..., above - 1], logarithm[..., above], part).exp()
