"""Pitch as CREPE sees it: 360 bins of 20 cents from C1, and one more output for frames without pitch.

Kim, Salamon, Li, Bello: CREPE: a convolutional representation for pitch estimation, ICASSP 2018: bins and blurred
targets (eq. 3), decoding by a weighted mean (eq. 2), here over the nine bins around a peak as in the authors' code.
Which peak, is said in :mod:`.follow`.

Two things differ. CREPE's outputs are 360 independent sigmoids under binary cross-entropy; in narrow nets that loss
stalls where all outputs are near zero, so a trimmed net may not train at all while its dense net does, and the sweep
would measure the loss. Softmax cross-entropy on the same blurred targets has no such plateau. And CREPE calls a frame
voiced where its largest activation passes a threshold that the user picks; here output 361 is "no pitch" and a frame
is voiced where that has less than half of the probability, so there is nothing to pick.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

BINS = 360
CENTS_PER_BIN = 20.0
LOWEST = 440 * 2 ** (-45 / 12)
"""Hz of bin 0: C1, 32.70."""
HIGHEST = LOWEST * 2 ** ((BINS - 1) * CENTS_PER_BIN / 1200)
"""Hz of bin 359, 2,068."""
UNVOICED = BINS
"""The output for frames without pitch."""
OUTPUTS = BINS + 1
BLUR = 25.0
"""Standard deviation of a target, cents."""
REACH = 4
"""Bins on each side of the peak that decoding averages over."""


def blurred(hertz: Tensor) -> Tensor:
    """Target distributions (rows, 361) of frequencies (rows,) in Hz, 0 or less: no pitch.

    A frequency outside of the bins gets the nearest bin: the net cannot say more.
    """
    voiced = hertz > 0
    bins = torch.log2(hertz.clamp(LOWEST, HIGHEST) / LOWEST) * (1200 / CENTS_PER_BIN)
    away = torch.arange(BINS, dtype=hertz.dtype) - bins[:, None]
    weights = torch.exp(-0.5 * (away * (CENTS_PER_BIN / BLUR)) ** 2)
    weights = weights / weights.sum(1, keepdim=True)
    return torch.cat([torch.where(voiced[:, None], weights, 0.0), (~voiced)[:, None].to(hertz.dtype)], 1)


def decode(outputs: Tensor, bins: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Logits (rows, 361) around given bins (rows,) -> Hz (rows,) float64, of every frame, and whether it is voiced."""
    logits = outputs.detach().cpu().double()
    around = bins[:, None] + torch.arange(-REACH, REACH + 1)
    inside = (around >= 0) & (around < BINS)
    near = logits.gather(1, around.clamp(0, BINS - 1)).masked_fill(~inside, -math.inf)
    mean = (torch.softmax(near, 1) * around).sum(1)
    voiced = torch.softmax(logits, 1)[:, UNVOICED] < 0.5
    hertz = LOWEST * torch.exp2(mean * (CENTS_PER_BIN / 1200))
    return hertz.numpy(), voiced.numpy()
