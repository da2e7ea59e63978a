"""Samples as one of 256 levels, finer where it is quiet (mu-law; ITU-T G.711 with mu = 255, without its segments)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LEVELS = 256
MU = LEVELS - 1
SILENCE = 128
"""The level of 0, which lies between two; it is heard as 86 millionths of full scale."""


def encode(audio: Tensor) -> Tensor:
    """Samples in -1 to 1 (what is beyond is clipped) to the nearest level, int64; the same shape."""
    audio = audio.double().clamp(-1, 1)
    bent = audio.sign() * torch.log1p(MU * audio.abs()) / math.log(LEVELS)
    return ((bent + 1) / 2 * MU + 0.5).floor().long()


def decode(levels: Tensor) -> Tensor:
    """Levels (0 to 255, any type) to float32 samples in -1 to 1; the same shape."""
    bent = 2 * levels.double() / MU - 1
    return (bent.sign() * torch.expm1(bent.abs() * math.log(LEVELS)) / MU).float()
