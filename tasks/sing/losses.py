"""The loss that the nets are trained on, and their own test loss."""

from __future__ import annotations

import torch
from torch import Tensor

WINDOW, STEP = 1024, 256
EPSILON = 1.0
"""What is added to powers, of which a sine of full scale has 65,536 in the middle of its bin."""


def spectral_loss(output: Tensor, targets: Tensor) -> Tensor:
    """Distance of log-power spectrograms of every row (Défossez et al., NeurIPS 2018, section 3.3).

    The mean absolute difference of log(1 + |STFT|²), with Hann windows of 1,024 samples a quarter apart, not scaled.

    Parameters
    ----------
    output, targets
        (rows, samples) in -1 to 1.

    Returns
    -------
    Tensor
        (rows,).
    """
    mine, theirs = log_power(torch.cat([output, targets])).chunk(2)
    return (mine - theirs).abs().mean((1, 2))


def log_power(audio: Tensor) -> Tensor:
    """(rows, samples) -> (rows, 513, samples // 256 + 1); frames centred on multiples of 256, silence around."""
    shape = torch.hann_window(WINDOW, dtype=audio.dtype, device=audio.device)
    spectrum = torch.stft(audio, WINDOW, STEP, window=shape, center=True, pad_mode="constant", return_complex=True)
    return torch.log(EPSILON + spectrum.real.square() + spectrum.imag.square())
