"""Chords, their labels, and the progressions that the clips play.

Labels follow Harte, Sandler, Abdallah and Gomez, "Symbolic representation of musical chords: a proposed syntax for text
annotations", ISMIR 2005. The 25 classes are the 12 major triads, the 12 minor triads and N (no chord), as in the chord
models of Carsault, Nika and Esling, "Using musical relationships between chord labels in automatic chord extraction
tasks", ISMIR 2018.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "dim": (0, 3, 6),
    "sus4": (0, 5, 7),
}
"""Semitones above the root."""

MAJOR, MINOR = ("maj", "7", "maj7"), ("min", "min7")

NO_CHORD = 24
OUT = -1
"""The class of a chord that is neither major nor minor: no answer of a 25-class model is right or wrong."""

CLASS_LABELS = (*(f"{p}:maj" for p in PITCHES), *(f"{p}:min" for p in PITCHES), "N")


@dataclass(frozen=True)
class Chord:
    """A root (0 = C) and a quality of :data:`QUALITIES`."""

    root: int
    quality: str

    @property
    def label(self) -> str:
        """In Harte's syntax."""
        return f"{PITCHES[self.root]}:{self.quality}"

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Root first."""
        return tuple((self.root + step) % 12 for step in QUALITIES[self.quality])

    @property
    def number(self) -> int:
        """Its class: 0-11 major, 12-23 minor, `OUT` otherwise."""
        if self.quality in MAJOR:
            return self.root
        return 12 + self.root if self.quality in MINOR else OUT


LABELS = (*(Chord(root, quality).label for quality in QUALITIES for root in range(12)), "N")
"""Every reference label; a *code* is a place in it."""

CODE_CLASSES = np.array(
    [*(Chord(root, quality).number for quality in QUALITIES for root in range(12)), NO_CHORD], dtype=np.int64
)
"""(codes,) the class of every reference label."""


def code(chord: Chord | None) -> int:
    """The place of a chord's label in :data:`LABELS`; None is N."""
    return len(LABELS) - 1 if chord is None else list(QUALITIES).index(chord.quality) * 12 + chord.root


@dataclass(frozen=True)
class Family:
    """Progressions that count as the same one: they never stand on two sides of a split."""

    name: str
    templates: tuple[str, ...] = ()
    """Roman numerals, cycled from a random place in a random key. Empty: a random walk of this name."""


FAMILIES = (
    Family("axis", ("I V vi IV", "i bVI bIII bVII")),
    Family("two-five-one", ("ii7 V7 Imaj7", "ii V I")),
    Family("twelve-bar blues", ("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "i i i i iv iv i i bVI7 V7 i V7")),
    Family("andalusian", ("i bVII bVI V", "i bVII bVI V7")),
    Family("circle of fifths", ("I IV viio iii vi ii V", "i iv bVII bIII bVI iio V")),
    Family("walk: major scale"),
    Family("doo-wop", ("I vi IV V", "I vi IV V7")),
    Family("minor two-five", ("iio V7 i", "iio V7 i iv")),
    Family("mixolydian", ("I bVII IV", "I bVII IV I")),
    Family("aeolian", ("i bVI bVII", "i bVI bVII i")),
    Family("pachelbel", ("I V vi iii IV I IV V",)),
    Family("walk: minor scale"),
    Family("rhythm changes", ("I vi ii V", "Imaj7 vi7 ii7 V7")),
    Family("folia", ("i V i bVII bIII bVII i V",)),
    Family("royal road", ("IVmaj7 V7 iii7 vi", "IV V iii vi")),
    Family("line cliche", ("I III IV iv",)),
    Family("suspensions", ("Vsus4 V I", "Isus4 I IVsus4 IV")),
    Family("walk: any triad"),
    Family("three chords", ("I IV V IV", "I IV V7 IV")),
    Family("minor plagal", ("i iv", "i7 iv7")),
    Family("backdoor", ("iv7 bVII7 Imaj7", "IVmaj7 bVII7 Imaj7")),
    Family("mediants", ("I bIII IV bVI", "I III vi bVI")),
    Family("descending bass", ("i v bVI bIII iv i iv V",)),
    Family("walk: thirds"),
    Family("turnaround", ("iii7 VI7 ii7 V7", "I VI7 ii7 V7")),
    Family("tritone substitution", ("ii7 bII7 Imaj7", "vi7 bVI7 V7 bII7 I")),
    Family("dorian", ("i7 IV7", "i ii bIII IV")),
    Family("neapolitan", ("i bII V", "i iv bII V")),
    Family("plagal cadence", ("I IV iv", "I ii iv")),
    Family("walk: fifths"),
)

_NUMERAL = re.compile(r"(b|#)?(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(o|sus4|maj7|7)?")
_DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_WALK_SCALES = {
    "walk: major scale": "I ii iii IV V vi",
    "walk: minor scale": "i bIII iv v V bVI bVII",
}


def roman(numeral: str, tonic: int = 0) -> Chord:
    """The chord of a roman numeral; degrees are those of the major scale, capitals are major.

    Raises
    ------
    ValueError
        Not a numeral that is known here.
    """
    match = _NUMERAL.fullmatch(numeral)
    if not match:
        raise ValueError(f"not a roman numeral: {numeral!r}")
    accidental, degree, suffix = match.groups()
    root = (tonic + _DEGREES[degree.upper()] + {"b": -1, "#": 1, None: 0}[accidental]) % 12
    minor = degree.islower()
    quality = {None: "min" if minor else "maj", "7": "min7" if minor else "7", "o": "dim"}.get(suffix, suffix)
    return Chord(root, quality)


def chords(family: Family, tonic: int, rng: np.random.Generator) -> Iterator[Chord]:
    """Endless chords of a family in a key; neighbours differ, since a repeated chord is one longer chord."""
    walk = _template(family, tonic, rng) if family.templates else _WALKS[family.name](family.name, tonic, rng)
    last = None
    for chord in walk:
        if chord != last:
            yield chord
        last = chord


def _template(family: Family, tonic: int, rng: np.random.Generator) -> Iterator[Chord]:
    numerals = family.templates[rng.integers(len(family.templates))].split()
    place = int(rng.integers(len(numerals)))
    while True:
        yield roman(numerals[place % len(numerals)], tonic)
        place += 1


def _scale_walk(name: str, tonic: int, rng: np.random.Generator) -> Iterator[Chord]:
    numerals = _WALK_SCALES[name].split()
    while True:
        yield roman(numerals[rng.integers(len(numerals))], tonic)


def _any_walk(_name: str, _tonic: int, rng: np.random.Generator) -> Iterator[Chord]:
    while True:
        yield Chord(int(rng.integers(12)), str(rng.choice(["maj", "min"])))


def _thirds_walk(_name: str, tonic: int, rng: np.random.Generator) -> Iterator[Chord]:
    """Triads that share two notes: parallel, relative and leading-note exchange of neo-Riemannian theory."""
    root, minor = tonic, False
    while True:
        yield Chord(root, "min" if minor else "maj")
        step = int(rng.choice([0, 9, 4]))
        root = (root - step if minor else root + step) % 12
        minor = not minor


def _fifths_walk(_name: str, tonic: int, rng: np.random.Generator) -> Iterator[Chord]:
    root = tonic
    while True:
        yield Chord(root, str(rng.choice(["maj", "min"])))
        root = (root + int(rng.choice([5, 5, 7, 2, 10]))) % 12


_WALKS = {
    "walk: major scale": _scale_walk,
    "walk: minor scale": _scale_walk,
    "walk: any triad": _any_walk,
    "walk: thirds": _thirds_walk,
    "walk: fifths": _fifths_walk,
}
