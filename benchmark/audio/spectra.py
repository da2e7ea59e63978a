"""Magnitude spectrograms, scaled so that the numbers mean the same at every window."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["magnitudes"]


def magnitudes(audio: Tensor, window: int, hop: int) -> Tensor:
    """Magnitudes of a Hann-windowed STFT whose frames are centred on multiples of `hop`, zeros around the clip.

    Parameters
    ----------
    audio
        (rows, samples).
    window, hop
        Samples.

    Returns
    -------
    Tensor
        (rows, window / 2 + 1, samples // hop + 1); a sine of amplitude 1 in the middle of a bin has 1 there.
    """
    shape = torch.hann_window(window, dtype=audio.dtype, device=audio.device)
    spectrum = torch.stft(
        audio, window, hop, window=shape, center=True, pad_mode="constant", return_complex=True
    )  # fmt: skip
    # The slope of |x| at 0 is not a number in a gradient; 1e-7 is -140 dB.
    power = spectrum.real.square() + spectrum.imag.square()
    return (power + (1e-7 * window / 4) ** 2).sqrt() * (2 / shape.sum())
