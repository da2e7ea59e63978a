"""The flow through the glottis, pulse by pulse: the LF model with Fant's single shape parameter.

G. Fant, J. Liljencrants, Q. Lin, "A four-parameter model of glottal flow", STL-QPSR 4/1985; G. Fant, "The LF-model
revisited", STL-QPSR 2-3/1995: `Rd` from 0.3 (pressed) through 1 (modal) to 2.7 (lax, breathy).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

POINTS = 1024
"""Of a period."""
LOWEST, HIGHEST = 0.3, 2.7


@lru_cache(maxsize=256)
def _shape(hundredths: int) -> np.ndarray:
    """(POINTS + 1,) derivative of the flow over one period of length 1, its deepest point at -1; first = last."""
    rd = hundredths / 100
    ra, rk = (-1 + 4.8 * rd) / 100, (22.4 + 11.8 * rd) / 100
    rg = rk / 4 * (0.5 + 1.2 * rk) / (0.11 * rd - ra * (0.5 + 1.2 * rk))
    peak = 1 / (2 * rg)
    closing = min(peak * (1 + rk), 0.95)
    ra = max(ra, 0.003)
    epsilon = 1 / ra
    for _ in range(50):
        epsilon = (1 - math.exp(-epsilon * (1 - closing))) / ra
    time = np.arange(POINTS + 1) / POINTS
    opening = time <= closing
    after = time - closing
    back = -(np.exp(-epsilon * after) - math.exp(-epsilon * (1 - closing))) / (epsilon * ra)
    sine = np.sin(math.pi * time / peak)
    low, high = -50.0, 100.0
    # The growth of the opening phase is where the whole period has no area: the flow ends where it began.
    for _ in range(60):
        alpha = (low + high) / 2
        open_part = -np.exp(alpha * (time - closing)) * sine / math.sin(math.pi * closing / peak)
        wave = np.where(opening, open_part, back)
        low, high = (alpha, high) if wave[:-1].sum() > 0 else (low, alpha)
    wave = wave - wave[:-1].mean()
    wave[-1] = wave[0]
    return np.asarray(wave)


def pulses(hertz: np.ndarray, rd: float, strength: np.ndarray, rate: int) -> np.ndarray:
    """Pulses one after another.

    Parameters
    ----------
    hertz
        (samples,) how many a second at every moment.
    rd
        Their shape; brought within the model's range.
    strength
        (pulses,) of each, in turn (repeated if there are too few).
    rate
        Samples a second.

    Returns
    -------
    numpy.ndarray
        (samples,) derivative of the flow.
    """
    phase = np.cumsum(hertz) / rate
    number = phase.astype(np.int64)
    table = _shape(round(100 * min(max(rd, LOWEST), HIGHEST)))
    wave: np.ndarray = np.interp((phase - number) * POINTS, np.arange(POINTS + 1), table)
    return np.asarray(wave * strength[number % len(strength)])


def openness(hertz: np.ndarray, rate: int) -> np.ndarray:
    """(samples,) 0 to 1: how wide the glottis is, which is when breath is heard (Klatt & Klatt, JASA 1990)."""
    phase = np.cumsum(hertz) / rate
    wide: np.ndarray = 0.5 - 0.5 * np.cos(2 * np.pi * phase)
    return wide
