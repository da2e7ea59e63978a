"""A pitch tracker that has nothing of any generator: YIN, for many rows at once.

de Cheveigné & Kawahara, "YIN, a fundamental frequency estimator for speech and music", JASA 111, 2002: steps 1 to 5,
with an absolute threshold and parabolic interpolation. Its period is exact for periodic sound; what the last two
decimals of a cent would need is not there, and both sides of a comparison have the same bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOWEST, HIGHEST = 40.0, 4200.0
"""Hz; the highest key of a piano has 4,186."""
WINDOW = 1024
HOP = 512
THRESHOLD = 0.1
"""Of the normalised difference: the first dip under it is the period."""
VOICED = 0.25
"""Sound whose best dip is no deeper has no pitch."""
SILENT = 1e-3
"""RMS of a frame (1: full scale) under which nothing sounds: -60 dB."""


@dataclass(frozen=True)
class Pitch:
    """What was heard, frame by frame; frame i begins at sample i * HOP.

    Attributes
    ----------
    hertz : np.ndarray
        (rows, frames), the best guess also where there is no pitch.
    voiced : np.ndarray
        (rows, frames) bool.
    """

    hertz: np.ndarray
    voiced: np.ndarray


def track(audio: np.ndarray, rate: int, hop: int = HOP) -> Pitch:
    """The pitch of audio.

    Parameters
    ----------
    audio
        (rows, samples) in -1 to 1.
    rate
        Samples a second; the highest pitch is then a few samples long, and as exact as that allows.
    hop
        Samples between frames.

    Raises
    ------
    ValueError
        The audio is shorter than one window and the longest period.
    """
    longest = int(rate / LOWEST) + 1
    length = WINDOW + longest
    if audio.shape[-1] < length:
        raise ValueError(f"{audio.shape[-1]} samples are too short to hear a pitch in: {length} are needed")
    frames = np.lib.stride_tricks.sliding_window_view(audio, length, axis=-1)[:, ::hop]
    # One row at a time: all frames of a split in double precision would not fit into a cache.
    heard = [_row(np.asarray(row, np.float64), rate, longest) for row in frames]
    return Pitch(np.stack([hertz for hertz, _ in heard]), np.stack([voiced for _, voiced in heard]))


def cents(guess: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """How far frequencies are above others."""
    difference: np.ndarray = 1200 * np.log2(guess / reference)
    return difference


def _row(frames: np.ndarray, rate: int, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """(frames, WINDOW + longest) -> Hz and whether voiced, (frames,)."""
    difference = _difference(frames, longest)
    dips = _normalised(difference)
    shortest = max(2, int(rate / HIGHEST))
    inner = dips[:, shortest:-1]
    is_dip = (inner <= dips[:, shortest - 1 : -2]) & (inner < dips[:, shortest + 1 :])
    found = is_dip & (inner < THRESHOLD)
    best = np.where(is_dip, inner, np.inf).argmin(1)
    at = shortest + np.where(found.any(1), found.argmax(1), best)
    row = np.arange(len(frames))
    # Between samples by the difference itself: the slope of its mean would pull high pitches sharp.
    before, here, after = (difference[row, at + step] for step in (-1, 0, 1))
    curve = before - 2 * here + after
    shift = np.divide(before - after, 2 * curve, out=np.zeros_like(here), where=curve > 0)
    level = np.sqrt(np.mean(frames[:, :WINDOW] ** 2, 1))
    return rate / (at + np.clip(shift, -1, 1)), (dips[row, at] < VOICED) & (level > SILENT)


def _difference(frames: np.ndarray, longest: int) -> np.ndarray:
    """(frames, longest): squared difference of a window and what is as many samples later."""
    from scipy import fft

    size = fft.next_fast_len(frames.shape[1], real=True)
    window = fft.rfft(frames[:, :WINDOW], size)
    products = fft.irfft(window.conj() * fft.rfft(frames, size), size)[:, :longest]
    power = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), 1)
    energy = power[:, WINDOW : WINDOW + longest] - power[:, :longest]
    difference: np.ndarray = np.maximum(energy[:, :1] + energy - 2 * products, 0)
    return difference


def _normalised(difference: np.ndarray) -> np.ndarray:
    """The cumulative mean normalised difference: 1 at lag 0, near 0 at a period; 1 everywhere in silence."""
    total = np.cumsum(difference, 1)
    lag = np.arange(difference.shape[1])
    normalised = np.ones_like(difference)
    np.divide(difference * lag, total, out=normalised, where=total > 1e-12)
    normalised[:, 0] = 1
    return normalised
