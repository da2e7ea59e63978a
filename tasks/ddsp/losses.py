"""The loss that the net is trained on, and its own test loss."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.audio.spectra import magnitudes

WINDOWS = (2048, 1024, 512, 256, 128, 64)
FLOOR = 1e-4
"""What is added before a logarithm (Esling et al., DAFx 2020, code); a sine of full scale has 1."""


def spectral_loss(output: Tensor, targets: Tensor) -> Tensor:
    """Multi-scale spectral loss of every row (Engel et al., ICLR 2020, eq. 4).

    The mean over six windows of the mean absolute difference of magnitudes, and of that of their logarithms; hops of
    half a window. Magnitudes are multiplied by a quarter of the window, so that both parts weigh about as in the
    papers, whose spectra are not scaled.

    Parameters
    ----------
    output, targets
        (rows, samples).

    Returns
    -------
    Tensor
        (rows,).
    """
    parts = []
    for window in WINDOWS:
        mine, theirs = (magnitudes(x, window, window // 2) for x in (output, targets))
        linear = (mine - theirs).abs().mean((1, 2)) * (window / 4)
        parts.append(linear + torch.log((mine + FLOOR) / (theirs + FLOOR)).abs().mean((1, 2)))
    return torch.stack(parts).mean(0)
