"""Which sounds of the font play which drum, and which side of a split they are on.

The font's eight kits are mostly the same samples under other numbers: `Standard`, `Jazz` and `Room` share their kick,
snare and hats. So a split goes by *sample*: every one named here is in one fold only, and what a fold plays is made of
its own samples, at other pitches, decays and colours in every clip. Layers that kits put under a drum and share
(`Filter Snap`, a second `Bass Drum New`) are not played.

There are few recordings of a drum: one or two of each class in a fold. Where the font has no fifth hi-hat or kick,
what plays its part in percussion does: shakers and a tambourine for hats, timpani, taiko and a low tom for kicks. That
is too little to learn or to measure from, so most clips have synthetic drums instead: see :mod:`.synth`.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.data.soundfont import DRUMS, SoundFont, Zone
from benchmark.errors import DataError

FOLDS = 5
DRUM_NAMES = ("KD", "SD", "HH")
"""Kick, snare, hi-hat: the labels, in the order of the model's outputs."""
KICK, SNARE, HAT = range(3)
"""Labels."""


@dataclass(frozen=True)
class Sound:
    """A sample as a kit's key plays it, `cents` away from there; no name: all that the key plays."""

    sample: str
    kit: int
    key: int
    cents: float = 0.0

    def zone(self, font: SoundFont) -> Zone | None:
        """The zone of the kit's key that plays this sample; None: all of the key's.

        Raises
        ------
        DataError
            The font is another one: its kit has no such sample there.
        """
        if not self.sample:
            return None
        for zone in font.match(DRUMS, self.kit, self.key, 100):
            if zone.sample_name == self.sample:
                return zone
        raise DataError(f"sound font {font.path} has no {self.sample!r} on key {self.key} of kit {self.kit}")


@dataclass(frozen=True)
class Fold:
    """The sounds of one fold; no sample is in two folds."""

    kicks: tuple[Sound, ...]
    snares: tuple[Sound, ...]
    hats: tuple[Sound, ...]
    others: tuple[Sound, ...]
    """Toms, cymbals, rims and hand drums: they are heard and have no label."""
    bass: int
    harmony: int
    """Melodic presets of the accompaniment."""

    @property
    def labelled(self) -> tuple[tuple[Sound, ...], ...]:
        """Sounds by label."""
        return self.kicks, self.snares, self.hats


SOUNDS = (
    Fold(
        kicks=(Sound("Bass Drum New", 0, 36),),
        snares=(Sound("Snare 1", 0, 38),),
        hats=(Sound("High Hat Closed", 0, 42),),
        others=(
            Sound("Low Tumba Tone", 0, 64),
            Sound("Rim Shot", 0, 37),
            Sound("Med Crash Cymbal", 0, 49),
            Sound("Cowbell", 0, 56),
        ),
        bass=33,
        harmony=0,
    ),
    Fold(
        kicks=(Sound("Sine Wave", 25, 36),),
        snares=(Sound("808 Snare", 25, 38),),
        hats=(Sound("808 Hat", 25, 42), Sound("808 Hat", 25, 46)),
        others=(
            # As the kit's tom it is as low as a kick.
            Sound("Syn Drum Wave", 24, 45, 800),
            Sound("808 Click", 25, 37),
            Sound("ChinaCrashCymb", 0, 52),
            Sound("Cowbell 808", 25, 56),
        ),
        bass=38,
        harmony=16,
    ),
    Fold(
        kicks=(Sound("Acoustic Tom", 24, 36),),
        snares=(Sound("Snare 2", 0, 40),),
        # The kits play the open hat eight semitones down, which leaves little above 5 kHz.
        hats=(Sound("Open High Hat", 0, 46, 1400), Sound("Maracas", 0, 70)),
        others=(
            Sound("Timbale Strike", 0, 66),
            Sound("Wood Block", 0, 76),
            Sound("Ride Ping", 0, 51),
            Sound("Agogo Bell", 0, 68),
        ),
        bass=32,
        harmony=24,
    ),
    Fold(
        kicks=(Sound("Timp Drum A1", 48, 36, -1100),),
        snares=(Sound("E Snare", 24, 38),),
        hats=(Sound("High Hat Foot", 0, 44),),
        others=(
            Sound("Quinto Tone", 0, 63),
            Sound("Castanets", 0, 85),
            Sound("Ride Bell", 0, 53),
            Sound("Timbale Rimshot", 0, 65),
        ),
        bass=34,
        harmony=4,
    ),
    Fold(
        kicks=(Sound("Taiko Drum", 0, 87, -300),),
        snares=(Sound("Brush Snare", 40, 39),),
        hats=(Sound("Cabasa", 0, 82), Sound("Brass Tambourine", 0, 54)),
        others=(
            Sound("M Bongo Tone", 0, 61),
            Sound("Rosewood Claves", 0, 75),
            Sound("TriangleWave Db5", 0, 81),
            Sound("QuintoClosedSlap", 0, 62),
        ),
        bass=35,
        harmony=48,
    ),
)
"""One `Fold` each."""


def samples(font: SoundFont, fold: Fold) -> frozenset[int]:
    """Every sample that a fold can sound, accompaniment included."""
    zones = [sound.zone(font) for part in (*fold.labelled, fold.others) for sound in part]
    drums = {zone.sample for zone in zones if zone is not None}
    melodic = {zone.sample for preset in (fold.bass, fold.harmony) for zone in font.zones(0, preset)}
    return frozenset(drums | melodic)


def sample_names(fold: Fold) -> dict[str, list[str]]:
    """The samples of each label, by name."""
    return {
        name: sorted({sound.sample for sound in part}) for name, part in zip(DRUM_NAMES, fold.labelled, strict=True)
    }
