"""Distances of generated notes from their references: fixed windows, fixed floors, one number a note.

They are scaled so that the numbers can be read without a table: a perfect copy has 0, and in `spectral_distance`
silence has 1. :mod:`benchmark.audio.anchors` shows what else has.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.audio.loudness import FLOOR, loudness
from benchmark.audio.spectra import magnitudes

WINDOWS = (2048, 1024, 512, 256, 128, 64)
DEPTH = 1e-3
"""Of a note's largest magnitude: what is softer than -60 dB counts as that."""


def spectral_distance(guess: Tensor, reference: Tensor) -> Tensor:
    """Multi-scale spectral distance: half of it linear, half of it logarithmic, each 1 for silence.

    At each of six windows from 2,048 to 64 samples with hops of half a window: the sum of the differences of
    magnitudes over that of the reference's magnitudes, and the same of their logarithms above a floor of -60 dB below
    the reference's largest. The mean of the twelve (after Wang, Takaki & Yamagishi, ICASSP 2019; Engel et al., ICLR
    2020).

    Parameters
    ----------
    guess, reference
        (rows, samples) in -1 to 1, level and time as they are.

    Returns
    -------
    Tensor
        (rows,): 0 for a copy, 1 for silence, more than 1 for what is worse than nothing.
    """
    parts = []
    for window in WINDOWS:
        mine, theirs = (magnitudes(x, window, window // 2).flatten(1) for x in (guess, reference))
        floor = DEPTH * theirs.amax(1, keepdim=True)
        for a, b in ((mine, theirs), (_above(mine, floor), _above(theirs, floor))):
            parts.append((a - b).abs().sum(1) / b.sum(1).clamp_min(1e-9))
    return torch.stack(parts).mean(0)


def log_spectral_distance(guess: Tensor, reference: Tensor) -> Tensor:
    """Log-spectral distance in dB (Gray & Markel, IEEE Trans. ASSP 24, 1976).

    The root of the mean over bins of squared differences of levels, then the mean over frames; windows of 1,024
    samples, hops of 256, and a floor of -60 dB below the reference's largest magnitude on both sides.

    Returns
    -------
    Tensor
        (rows,): 0 for a copy, at most 60 for silence.
    """
    mine, theirs = (magnitudes(x, 1024, 256) for x in (guess, reference))
    floor = DEPTH * theirs.amax((1, 2), keepdim=True)
    decibels = 20 * (_above(mine, floor) - _above(theirs, floor)) / torch.log(torch.tensor(10.0))
    return decibels.square().mean(1).sqrt().mean(1)


def loudness_error(guess: Tensor, reference: Tensor, rate: int) -> tuple[Tensor, Tensor]:
    """Summed absolute difference of A-weighted loudness, and over how many frames, both (rows,).

    Frames are those in which the reference is at most 60 dB below its loudest; the ratio is in dB.
    """
    mine, theirs = (loudness(x, rate, 256) for x in (guess, reference))
    heard = theirs > (theirs.amax(1, keepdim=True) - 60).clamp_min(FLOOR)
    return ((mine - theirs).abs() * heard).sum(1), heard.sum(1)


def _above(magnitude: Tensor, floor: Tensor) -> Tensor:
    """Natural logarithm of how far above the floor; 0 under it."""
    return (magnitude / floor.clamp_min(1e-9)).clamp_min(1).log()
