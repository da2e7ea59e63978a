"""Which sounds of the font play what, and which of them must stay together.

Presets that share a recorded sample sound alike, so a split by preset would leak: presets are joined into *sources* by
the samples of all their zones, and sources are dealt into folds. Left out of the general MIDI set are the presets whose
strongest pitch class is not the key's (measured with a CQT on every third key from 48 to 81: 9, 14, 21, 22, 31, 77, 78,
92, 106), noises, those that would join everything (28-30, 55, 82-87, 95-104), and those that are more than 30 dB down
after a second, so that the chord which the label says is no longer there (12, 45, 108; the next is 19 dB down).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from benchmark.data.soundfont import DRUMS, SoundFont, Zone

FOLDS = 5

CHORD_PRESETS = (
    *(0, 2, 4, 5, 6, 7, 8, 10, 11, 16, 17, 18, 19, 20, 24, 25, 26, 27, 40, 41, 42, 44, 46, 48, 49, 50, 51, 52),
    *(53, 54, 56, 57, 60, 61, 62, 63, 64, 65, 66, 67, 68, 70, 71, 72, 73, 74, 79, 80, 81, 88, 89, 90, 94, 105, 107),
    *(111,),
)
BASS_PRESETS = (32, 33, 34, 35, 36, 37)

LOW_DRUMS = ((0, 36), (24, 36), (24, 41), (48, 36), (0, 86))
"""(kit, key): bass drum, sine kick, synthetic tom, timpani, taiko: one a fold."""
MID_DRUMS = ((0, 38), (0, 40), (24, 38), (25, 38), (40, 38))
"""Snares."""
HIGH_DRUMS = ((0, 42), (25, 42), (0, 51), (0, 70), (0, 54))
"""Hi-hats, ride, maracas, tambourine."""


@dataclass(frozen=True)
class Fold:
    """The sounds of one fold; no sample is in two folds."""

    sources: tuple[tuple[int, ...], ...]
    """Chord (and melody) presets, those of a source together."""
    numbers: tuple[int, ...]
    """The number of each of `sources`, over all folds."""
    bass: tuple[int, ...]
    drums: tuple[tuple[int, int], ...]
    """(kit, key) of the low, mid and high drum."""


def samples(font: SoundFont, preset: int) -> frozenset[int]:
    """Every sample that a melodic preset can sound."""
    return frozenset(zone.sample for zone in font.zones(0, preset))


def drum_zone(font: SoundFont, kit: int, key: int) -> Zone:
    """The zone of a drum that spans the fewest keys: wider ones are clicks that kits share and lay under it."""
    return min(font.match(DRUMS, kit, key, 100), key=lambda zone: zone.keys[1] - zone.keys[0])


def sources(font: SoundFont, presets: Sequence[int]) -> list[tuple[int, ...]]:
    """Presets joined where they share a sample, in order of their first preset."""
    joined: list[tuple[set[int], set[int]]] = []
    for preset in presets:
        members, heard = {preset}, set(samples(font, preset))
        for group in [g for g in joined if g[1] & heard]:
            members |= group[0]
            heard |= group[1]
            joined.remove(group)
        joined.append((members, heard))
    return sorted(tuple(sorted(members)) for members, _ in joined)


@lru_cache(maxsize=4)
def folds(font: SoundFont) -> tuple[Fold, ...]:
    """Sources dealt one by one, so that every fold gets keys, plucked, bowed and blown sounds alike."""
    together = sources(font, (*CHORD_PRESETS, *BASS_PRESETS))
    basses = [s for s in together if set(s) & set(BASS_PRESETS)]
    chords = [s for s in together if s not in basses]
    return tuple(
        Fold(
            sources=tuple(chords[fold::FOLDS]),
            numbers=tuple(range(len(chords)))[fold::FOLDS],
            bass=tuple(p for s in basses[fold::FOLDS] for p in s),
            drums=(LOW_DRUMS[fold], MID_DRUMS[fold], HIGH_DRUMS[fold]),
        )
        for fold in range(FOLDS)
    )
