"""The data sets `instruments` and `instruments_two_fonts`: rendered notes of 13 instruments, and which sounds test.

All seeds share one rendering. The default font alone has few sounds (of cello and double bass three), so the score of
a seed is coarse, and that of three seeds, which test every sound once, is the one to read; with the second font of
:mod:`benchmark.data.second_font`, where it is installed, a class has 11 or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.data.cache import generator_digest
from benchmark.data.second_font import second_font
from benchmark.data.soundfont import SoundFont, font
from benchmark.digest import digest_json
from benchmark.task import Data, Profile

from . import clips, features, notes, sounds
from .clips import SIDES, Clips, Side
from .sounds import CLASSES, Sound

CLIPS = {"smoke": 38, "quick": 432, "full": 1200}
"""Of every class, as nearly as its sounds divide them; every sound of a class has as many as the others."""
FOLDS = 3
VALIDATION = 6
"""One of so many sounds of a class that do not test validates."""
FEWEST = 3
"""A class with fewer of them trains on all: cello and double bass have two, and one would not be an instrument."""


def load(home: Path | None, profile: Profile, seed: int) -> Data:
    """The splits of the default font's sounds."""
    return splits([font()], profile, seed)


def load_two(home: Path | None, profile: Profile, seed: int) -> Data:
    """The splits of the sounds of two fonts.

    Raises
    ------
    DataError
        The second font is not installed.
    """
    return splits([font(), font(second_font())], profile, seed)


def splits(fonts: Sequence[SoundFont], profile: Profile, seed: int) -> Data:
    """Three splits of the sounds of fonts; no sound is on two sides."""
    here = [sound for of in fonts for sound in sounds.sounds(of)]
    arrays = notes.joined([notes.rendered(of, CLIPS[profile] // len(fonts)) for of in fonts])
    sides = assign(here, seed)
    parts = {side: notes.pick(arrays, [n for n, where in enumerate(sides) if where == side]) for side in SIDES}
    digests = dict(enumerate(bytes(row).hex() for row in arrays["sha256"]))
    manifest = {
        "classes": list(CLASSES),
        "fonts": [of.digest for of in fonts],
        "generators": [notes.generator(of) for of in fonts],
        "missing": [],
        "splits": {
            side: {
                **clips.counts(parts[side], CLASSES),
                "sounds": {
                    name: [s.name for s, where in zip(here, sides, strict=True) if where == side and s.label == label]
                    for label, name in enumerate(CLASSES)
                },
            }
            for side in SIDES
        },
    }
    code = generator_digest(Path(features.__file__))
    digest = digest_json({"features": code, "content": {s: clips.content(parts[s], digests) for s in SIDES}})
    return Data(parts["train"], parts["validation"], parts["test"], digest, manifest)


def other_font(each: int = 100) -> Clips:
    """About so many clips of every class, of all sounds of the second font.

    Raises
    ------
    DataError
        The second font is not installed.
    """
    of = font(second_font())
    return notes.pick(notes.rendered(of, each), range(len(sounds.sounds(of))))


def assign(here: Sequence[Sound], seed: int) -> list[Side]:
    """The side of every sound.

    The sounds of a class (three at least), in order of preset and pitch, are dealt into three folds, so that each has
    low and high ones. Fold `seed` (counted round) tests, so three seeds in a row test every sound once. Of the others
    of a class, where there are three, every sixth from the second on validates; the rest train.
    """
    sides: list[Side] = ["train"] * len(here)
    for label in range(len(CLASSES)):
        own = sorted((n for n, s in enumerate(here) if s.label == label), key=lambda n: (here[n].preset, here[n].pitch))
        tested = own[seed % FOLDS :: FOLDS]
        others = [n for n in own if n not in tested]
        for n in tested:
            sides[n] = "test"
        for n in others[1::VALIDATION] if len(others) >= FEWEST else ():
            sides[n] = "validation"
    return sides
