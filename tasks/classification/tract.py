"""The vocal tract: five resonators in a row, which may move, and the singer's formant.

D. Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67, 1980.
"""

from __future__ import annotations

import numpy as np

FRAME = 441
"""Samples that formants stand still for when they move: 10 ms at 44.1 kHz."""


def resonators(formants: np.ndarray, widths: np.ndarray, rate: int) -> np.ndarray:
    """(n, 6) second-order sections of gain 1 at 0 Hz; formants and bandwidths (n,) in Hz."""
    radius = np.exp(-np.pi * widths / rate)
    b, c = 2 * radius * np.cos(2 * np.pi * formants / rate), -(radius**2)
    zeros = np.zeros_like(b)
    return np.stack([1 - b - c, zeros, zeros, zeros + 1, -b, -c], 1)


def speak(source: np.ndarray, formants: np.ndarray, widths: np.ndarray, rate: int) -> np.ndarray:
    """The source (samples,) through a tract.

    Parameters
    ----------
    source
        (samples,).
    formants
        (5,) Hz, or (frames, 5), one row for every 441 samples; the last row stays.
    widths
        (5,) Hz.
    rate
        Samples a second.
    """
    from scipy.signal import sosfilt

    highest = 0.45 * rate
    if formants.ndim == 1:
        standing: np.ndarray = sosfilt(resonators(np.minimum(formants, highest), widths, rate), source)
        return standing
    heard = np.empty_like(source)
    state = np.zeros((formants.shape[1], 2))
    for frame, start in enumerate(range(0, len(source), FRAME)):
        row = formants[min(frame, len(formants) - 1)]
        part = source[start : start + FRAME]
        heard[start : start + FRAME], state = sosfilt(
            resonators(np.minimum(row, highest), widths, rate), part, zi=state
        )
    return heard


def ring(sound: np.ndarray, hertz: float, decibels: float, rate: int) -> np.ndarray:
    """A peak of so many dB, 600 Hz wide: the formants that trained singers draw together near 3 kHz."""
    from scipy.signal import lfilter

    amplitude = 10 ** (decibels / 40)
    angle = 2 * np.pi * hertz / rate
    alpha = np.sin(angle) * 600 / (2 * hertz)
    forward = np.array([1 + alpha * amplitude, -2 * np.cos(angle), 1 - alpha * amplitude])
    back = np.array([1 + alpha / amplitude, -2 * np.cos(angle), 1 - alpha / amplitude])
    raised: np.ndarray = lfilter(forward / back[0], back / back[0], sound)
    return raised
