"""Singers who do not exist: each with a tract, a range and habits of their own.

Formants of vowels are the means of G. Peterson and H. Barney, "Control methods used in a study of the vowels", JASA
24, 1952 (men), scaled to the length of the singer's tract; the singer's formant is after J. Sundberg, "The Science of
the Singing Voice", 1987.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

VOWELS = {
    "a": (730, 1090, 2440), "e": (530, 1840, 2480), "i": (270, 2290, 3010), "o": (570, 840, 2410),
    "u": (300, 870, 2240), "ae": (660, 1720, 2410), "er": (490, 1350, 1690),
}  # fmt: skip
"""F1 to F3 of a man, Hz."""
UPPER = (3500, 4500)
"""F4 and F5 of a man, Hz."""
WIDTHS = (70, 90, 130, 200, 250)
"""Bandwidths, Hz."""


@dataclass(frozen=True)
class Singer:
    """What stays the same from clip to clip."""

    scale: float
    """Of all formants: a man of average height is 1, a woman about 1.17."""
    own: tuple[float, ...]
    """Of each of the five formants beside that: no two tracts have the same shape."""
    widths: float
    """Of the bandwidths."""
    ring: float
    """dB of the singer's formant."""
    range: tuple[float, float]
    """Lowest and highest comfortable MIDI key."""
    rd: float
    """The shape of their pulses in modal voice."""
    jitter: float
    """Standard deviation of the length of a period, relative."""
    shimmer: float
    """The same of its strength."""
    breath: float
    """dB of breath in modal voice, relative to the voice."""
    vibrato: float
    """Hz."""
    extent: float
    """Cents of vibrato either way."""
    speech: float
    """MIDI key that they speak at."""

    def formants(self, vowel: str) -> np.ndarray:
        """(5,) Hz."""
        return np.asarray(np.array([*VOWELS[vowel], *UPPER]) * self.scale * np.array(self.own))


def singer(number: int) -> Singer:
    """The singer of that number, always the same."""
    rng = np.random.default_rng([1, number])
    # Bass to soprano as one line: longer tracts have lower voices, loosely.
    height = rng.uniform(0, 1)
    lowest = 40 + 18 * height + rng.normal(0, 1.5)
    return Singer(
        scale=0.92 + 0.32 * height + rng.normal(0, 0.03),
        own=tuple(rng.normal(1, (0.06, 0.05, 0.05, 0.05, 0.05)).tolist()),
        widths=rng.uniform(0.8, 1.6),
        ring=max(0.0, rng.normal(8, 5)) * (1.2 - height),
        range=(lowest, lowest + rng.uniform(17, 24)),
        rd=rng.uniform(0.7, 1.5),
        jitter=0.002 * 2 ** rng.normal(0, 0.7),
        shimmer=0.02 * 2 ** rng.normal(0, 0.7),
        breath=rng.uniform(-42, -26),
        vibrato=rng.normal(5.6, 0.5),
        extent=rng.uniform(35, 110),
        speech=lowest + rng.uniform(0, 7),
    )
