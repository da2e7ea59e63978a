"""A-weighted loudness, frame by frame (IEC 61672-1; as conditions of DDSP, Engel et al., ICLR 2020)."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.audio.spectra import magnitudes

WINDOW = 1024
FLOOR = -80.0
"""dB; nothing is softer."""
SPREAD = 1.5
"""A Hann window gives a sine this much power, summed over bins, of what its own bin has."""


def a_weights(hertz: Tensor) -> Tensor:
    """Gains of the A curve, 1 at 1 kHz and 0 at 0 Hz."""
    f = hertz.double().square()
    lowest, low, high, highest = (c**2 for c in (20.598997, 107.65265, 737.86223, 12194.217))
    gain = highest * f**2 / ((f + lowest) * ((f + low) * (f + high)).sqrt() * (f + highest))
    return gain * 10 ** (2.0 / 20)


def loudness(audio: Tensor, rate: int, hop: int, window: int = WINDOW) -> Tensor:
    """Loudness in dB(A) below a full-scale sine of 1 kHz.

    Parameters
    ----------
    audio
        (rows, samples) in -1 to 1.
    rate
        Samples a second.
    hop, window
        Samples.

    Returns
    -------
    Tensor
        (rows, samples // hop + 1), frames centred on multiples of `hop`, at least `FLOOR`.
    """
    bins = torch.arange(window // 2 + 1, device=audio.device) * (rate / window)
    weighted = magnitudes(audio, window, hop) * a_weights(bins).to(audio.dtype).unsqueeze(-1)
    power = weighted.square().sum(1) / SPREAD
    return (10 * power.clamp_min(1e-30).log10()).clamp_min(FLOOR)
