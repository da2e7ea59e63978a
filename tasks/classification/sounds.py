"""Thirteen orchestral instruments in a sound font, and what a source is there: one recorded sample.

A preset maps a few samples over the keyboard; every other key is one of them played faster or slower. So a split by
note would hear the same recording on both sides, and a split by preset has one preset an instrument. A source is a
sample: all its zones, keys and velocities stay on one side. Of a stereo pair the left one is used.

Left out are samples whose name names another of the instruments (the horns of the default font lie over tubas and
trombones; the highest keys of low brass are a trumpet), and samples too far from where the instrument plays. The
default font has no viola: its preset plays the violin's samples behind another filter, so no sound could tell them
apart. The cor anglais takes its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchmark.data.soundfont import SoundFont
from benchmark.data.zones import Zone

WIDENED = 12
"""Semitones that a sample is played beyond its own keys, so that pitch does not tell which sample it is."""
FEWEST_KEYS = 5
"""A sample with fewer keys within the instrument's range is not used."""


@dataclass(frozen=True)
class Instrument:
    """A class: the presets (bank 0) that play it, each with the lowest and highest key that it is asked for."""

    name: str
    presets: dict[int, tuple[int, int]]


INSTRUMENTS = (
    Instrument("bassoon", {70: (34, 74)}),
    Instrument("cello", {42: (36, 76)}),
    Instrument("clarinet", {71: (50, 89)}),
    Instrument("cor anglais", {69: (52, 81)}),
    Instrument("double bass", {43: (28, 67)}),
    Instrument("flute", {73: (60, 93)}),
    Instrument("french horn", {60: (40, 74)}),
    Instrument("oboe", {68: (58, 91)}),
    Instrument("saxophone", {64: (56, 87), 65: (49, 80), 66: (44, 75), 67: (36, 68)}),
    Instrument("trombone", {57: (40, 72)}),
    Instrument("trumpet", {56: (54, 84), 59: (54, 84)}),
    Instrument("tuba", {58: (28, 62)}),
    Instrument("violin", {40: (55, 98)}),
)
CLASSES = tuple(instrument.name for instrument in INSTRUMENTS)

_RIGHT = re.compile(r"(\(R\)|\bR|\dR)$")


@dataclass(frozen=True)
class Sound:
    """A source."""

    name: str
    """Of the sample, with the preset."""
    label: int
    """Class number."""
    preset: int
    zones: tuple[Zone, ...]
    keys: tuple[int, int]
    """Lowest and highest that it is asked for, both included."""

    @property
    def pitch(self) -> int:
        """The lowest key that the font gives it."""
        return min(zone.keys[0] for zone in self.zones)

    def zone(self, key: int, velocity: int) -> Zone:
        """The zone whose keys are nearest among those that answer to the velocity."""
        answering = [z for z in self.zones if z.velocities[0] <= velocity <= z.velocities[1]] or list(self.zones)
        return min(answering, key=lambda z: max(z.keys[0] - key, key - z.keys[1], 0))


@lru_cache(maxsize=4)
def sounds(font: SoundFont) -> tuple[Sound, ...]:
    """All sources of a font, by class, preset and sample."""
    found: list[Sound] = []
    for label, instrument in enumerate(INSTRUMENTS):
        for preset, playable in instrument.presets.items():
            samples: dict[int, list[Zone]] = {}
            for zone in font.zones(0, preset):
                if not (_RIGHT.search(zone.sample_name) or _names_another(zone.sample_name, instrument.name)):
                    samples.setdefault(zone.sample, []).append(zone)
            for zones in samples.values():
                lowest = max(playable[0], min(z.keys[0] for z in zones) - WIDENED)
                highest = min(playable[1], max(z.keys[1] for z in zones) + WIDENED)
                if highest - lowest + 1 >= FEWEST_KEYS:
                    name = f"{preset} {zones[0].sample_name}"
                    found.append(Sound(name, label, preset, tuple(zones), (lowest, highest)))
    return tuple(found)


def draw(sound: Sound, rng: np.random.Generator) -> tuple[int, int, Zone]:
    """A key, a velocity and the zone that plays them."""
    key, velocity = int(rng.integers(sound.keys[0], sound.keys[1] + 1)), int(rng.integers(50, 128))
    return key, velocity, sound.zone(key, velocity)


def _names_another(sample: str, instrument: str) -> bool:
    return any(other in sample.lower() for other in CLASSES if other != instrument)
