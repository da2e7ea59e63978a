"""Who plays: which presets of the font, in which keys, which of them must stay together, and which other players.

Presets that share a recorded sample are one source and sources are dealt into folds, so no sound is on two sides of a
split. Left out are presets that do not sound the key that is asked for. By librosa's YIN on every third key from 36 to
90: organs sound an octave low (16-19); 21-23, 38, 52, 76, 84 and 92 are 20 to 60 cents off in a part of their range;
bells and mixed sounds have no one pitch (3, 8, 9, 13, 14, 31, 47, 55, 77, 78, 86, 88, 96-98); 45 is gone after a third
of a second. Pads, effects and doubles are left out because they share samples with many others and would join them
into one source (1, 15, 28, 39, 48, 51, 54, 82, 83, 85, 87, 89-91, 93-95, 99-104, 109). What is left is within 15 cents
of its key; the median is 4 cents sharp.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from benchmark.data.soundfont import SoundFont
from benchmark.data.sources import joined

FOLDS = 9
PLAYERS = 7
"""Of each fold, besides its presets: see :mod:`.players`."""

PRESETS = (
    *(0, 2, 4, 5, 6, 7, 10, 11, 12, 20, 24, 25, 26, 27, 29, 30, 32, 33, 34, 35, 36, 37, 40, 41, 42, 43, 44, 46, 49),
    *(50, 53, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 79, 80, 81, 105, 106),
    *(107, 108, 110, 111),
)
KEYS = (38, 88)
"""73 to 1,319 Hz."""
OWN_KEYS = {
    0: (38, 80), 2: (38, 78), 12: (50, 88), 36: (41, 88), 59: (50, 88), 67: (44, 76), 68: (38, 71), 72: (50, 88),
    74: (56, 88), 107: (38, 74),
}  # fmt: skip
"""Presets that are silent, hoarse or out of tune in a part of the range."""


@dataclass(frozen=True)
class Fold:
    """The sounds of one fold; no sample and no player is in two folds."""

    sources: tuple[tuple[int, ...], ...]
    """Presets, those of a source together."""
    numbers: tuple[int, ...]
    """The number of each of `sources`, over all folds, and then those of the players."""


@lru_cache(maxsize=4)
def folds(font: SoundFont) -> tuple[Fold, ...]:
    """Sources dealt one by one, so that every fold gets keys, plucked, bowed and blown sounds alike."""
    sources = joined(font, PRESETS)
    count = len(sources)
    numbers = [
        (*range(fold, count, FOLDS), *range(count + fold, count + FOLDS * PLAYERS, FOLDS)) for fold in range(FOLDS)
    ]
    return tuple(Fold(tuple(sources[fold::FOLDS]), numbers[fold]) for fold in range(FOLDS))


def keys(preset: int) -> tuple[int, int]:
    """Lowest and highest key that a preset is asked for."""
    return OWN_KEYS.get(preset, KEYS)


@lru_cache(maxsize=4096)
def struck(font: SoundFont, preset: int, key: int) -> int:
    """The key itself or, where the font left a hole, the nearest one that sounds; the rest is a matter of cents."""
    sounding = [k for k in range(128) if font.match(0, preset, k, 100)]
    return min(sounding, key=lambda k: abs(k - key))
