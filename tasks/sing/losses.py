"""The loss that the nets are trained on, and their own test loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

WINDOW, STEP = 1024, 256
EPSILON = 7.0
"""What is added to powers, of which a sine of full scale has 65,536 in the middle of its bin.

Défossez et al. add 1. Where a net does not know, the median of a logarithm is too soft, the more so the less is added:
with 1 it plays notes at a lower level and is further from them by `mss` after as many steps.
"""


def spectral_loss(output: Tensor, targets: Tensor) -> Tensor:
    """Distance of log-power spectrograms of every row (Défossez et al., NeurIPS 2018, section 3.3).

    The mean absolute difference of log(EPSILON + |STFT|²), with Hann windows of 1,024 samples a quarter apart.

    Parameters
    ----------
    output, targets
        (rows, samples) in -1 to 1.

    Returns
    -------
    Tensor
        (rows,).
    """
    with torch.no_grad():
        theirs = log_power(targets)
    return (log_power(output) - theirs).abs().mean((1, 2))


def log_power(audio: Tensor) -> Tensor:
    """(rows, samples) -> (rows, 513, samples // 256 + 1), of silence 0.

    Frames are centred on multiples of 256, silence is around.
    """
    count = audio.shape[1] // STEP + 1
    padded = functional.pad(audio, (WINDOW // 2, WINDOW // 2))
    # Hops side by side, as in benchmark.audio.spectra: the gradient of overlapping views is slow.
    hops = padded[:, : (count + 3) * STEP].view(len(audio), count + 3, STEP)
    frames = torch.cat([hops[:, first : first + count] for first in range(WINDOW // STEP)], -1)
    window = torch.hann_window(WINDOW, dtype=audio.dtype, device=audio.device)
    power: Tensor = Power.apply(frames * window)  # type: ignore[no-untyped-call]
    return torch.log(1 + power / EPSILON).transpose(1, 2)


class Power(torch.autograd.Function):
    """|rfft|² of frames (..., WINDOW), whose gradient is one inverse transform: torch makes a complex one of it.

    That of small nets is otherwise the largest part of a training step.
    """

    @staticmethod
    def forward(ctx: Any, frames: Tensor) -> Tensor:
        """(..., WINDOW / 2 + 1)."""
        spectrum = torch.fft.rfft(frames)
        ctx.save_for_backward(spectrum)
        power: Tensor = spectrum.real.square() + spectrum.imag.square()
        return power

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Of d|X|²/dx = 2 Re(X exp(iwt)) irfft doubles all but the first and the last bin."""
        (spectrum,) = ctx.saved_tensors
        pushed = spectrum * gradient
        pushed[..., [0, -1]] *= 2
        back: Tensor = torch.fft.irfft(pushed, WINDOW, norm="forward")
        return back
