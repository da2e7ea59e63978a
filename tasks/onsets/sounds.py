"""Which sounds of the font play, and which of them must stay together.

Presets that share a recorded sample are one source, and sources are dealt into folds, so no sample is on two sides of a
split. Percussion goes by sample: whichever kit plays it, a sample is in one kit of one fold.

Left out of the font's presets are those that play samples of drums (47, 113, 115-119), noises (120-127), those that
would join many sources into one (23, 39, 48, 81, 83, 84, 98, 101, 103, 109), and those that swell so slowly that no one
could say when they begin (50, 89, 93, 95). Left out of the percussion is what rattles or scrapes: many onsets in one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from benchmark.data.soundfont import DRUMS, SoundFont, Zone
from benchmark.data.sources import joined

FOLDS = 5

PRESETS = (
    *range(23), *range(24, 39), *range(40, 47), 49, *range(51, 81), 82, *range(85, 89), 90, 91, 92, 94, 96, 97, 99, 100,
    102, *range(104, 109), *range(110, 113), 114,
)  # fmt: skip
KEYS = (45, 81)
OWN_KEYS = {
    **dict.fromkeys((32, 33, 34, 35, 36, 37, 38, 43, 58), (29, 52)),
    **dict.fromkeys((42, 57, 66, 67, 70), (38, 68)),
    **dict.fromkeys((9, 10, 13, 72, 74, 78, 79), (64, 90)),
    65: (50, 80),
    112: (60, 84),
}
"""Lowest and highest key of presets that are not played between 45 and 81."""

RATTLING = frozenset(
    {
        "Ocean Wave", "Bell Tree", "Vibra Loop", "Guiro Up", "Guiro Down", "Sleigh Bells", "Scratch", "Samba Whistle",
        "Quica Hi Tone", "Quica Downstroke",
    }
)  # fmt: skip
DRUM_KITS = (0, 24, 25, 40, 48)
DRUM_KEYS = range(27, 88)
KITS = 3
"""Kits of a fold."""

Drum = tuple[int, int]
"""A kit of the font and its key."""


@dataclass(frozen=True)
class Source:
    """What leads a clip: presets that share samples, or a kit of drums. No sample is in two sources."""

    number: int
    """Its own, over all folds."""
    presets: tuple[int, ...] = ()
    drums: tuple[Drum, ...] = ()


def keys(preset: int) -> tuple[int, int]:
    """Lowest and highest key that a preset is asked for."""
    return OWN_KEYS.get(preset, KEYS)


def drum_zone(font: SoundFont, drum: Drum) -> Zone | None:
    """The zone of a drum that spans the fewest keys: wider ones are clicks that kits share and lay under it."""
    kit, key = drum
    zones = font.match(DRUMS, kit if (DRUMS, kit) in font.presets else 0, key, 100)
    return min(zones, key=lambda zone: zone.keys[1] - zone.keys[0], default=None)


@lru_cache(maxsize=4)
def folds(font: SoundFont) -> tuple[tuple[Source, ...], ...]:
    """The sources of every fold, dealt one by one, so that all get keys, strings, winds and drums alike."""
    pitched = [Source(number, presets) for number, presets in enumerate(joined(font, PRESETS))]
    struck = list(_drums(font).values())
    dealt = []
    for fold in range(FOLDS):
        first = len(pitched) + KITS * fold
        kits = [Source(first + kit, drums=tuple(struck[fold::FOLDS][kit::KITS])) for kit in range(KITS)]
        dealt.append((*pitched[fold::FOLDS], *kits))
    return tuple(dealt)


def _drums(font: SoundFont) -> dict[int, Drum]:
    """One kit's key for every percussive sample, by the sample's number, in order of keys."""
    found: dict[int, Drum] = {}
    for key in DRUM_KEYS:
        for kit in DRUM_KITS:
            zone = drum_zone(font, (kit, key))
            if zone is not None and zone.sample_name not in RATTLING:
                found.setdefault(zone.sample, (kit, key))
    return found


def samples(font: SoundFont, source: Source) -> frozenset[int]:
    """Every sample that a source can sound."""
    zones = [drum_zone(font, drum) for drum in source.drums]
    pitched = [zone for preset in source.presets for zone in font.zones(0, preset)]
    return frozenset(zone.sample for zone in (*zones, *pitched) if zone is not None)
