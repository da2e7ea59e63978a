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
from benchmark.data.tones import KEYS, OWN_KEYS, PRESETS

FOLDS = 9
PLAYERS = 7
"""Of each fold, besides its presets: see :mod:`.players`."""


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
