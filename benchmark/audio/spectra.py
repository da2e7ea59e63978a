"""Magnitude spectrograms, scaled so that the numbers mean the same at every window."""

from __future__ import annotations

import torch
from torch import Tensor, nn

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
    frames = _frames(audio, window, hop) * (shape * (2 / shape.sum()))
    found: Tensor = torch.fft.rfft(frames).abs()
    return found.transpose(1, 2)


def _frames(audio: Tensor, window: int, hop: int) -> Tensor:
    """(rows, samples // hop + 1, window), with half a window of zeros on both sides.

    `torch.stft` says the same, but the gradient of its overlapping views costs as much as the transforms. Blocks of a
    hop side by side have a cheap one.
    """
    parts, left = divmod(window, hop)
    count, before = audio.shape[1] // hop + 1, window // 2
    if left:
        padded = nn.functional.pad(audio, (before, window))
        return padded.unfold(1, window, hop)[:, :count]
    held = (count + parts - 1) * hop
    padded = nn.functional.pad(audio, (before, held - before - audio.shape[1]))
    blocks = padded.view(len(audio), count + parts - 1, hop)
    return torch.cat([blocks[:, first : first + count] for first in range(parts)], -1)
