"""What a clip plays and when: chords on a grid of frames, before any sound.

Chords begin and end on the frame grid, so that a model that is right in every frame is right in every second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .harmony import MAJOR, MINOR, Chord, Family, chords, code

RATE = 22_050
HOP = 2048
HOP_SECONDS = HOP / RATE
FRAMES = 64
"""Frames of a clip: 5.94 s."""


@dataclass(frozen=True)
class Segment:
    """One chord, or none, from frame `start` up to frame `end`."""

    start: int
    end: int
    chord: Chord | None


@dataclass(frozen=True)
class Piece:
    """Segments that cover a clip without gaps, and the frames of a beat."""

    segments: tuple[Segment, ...]
    beat: int

    def codes(self) -> np.ndarray:
        """(FRAMES,) int16: the label of every frame, as a place in `harmony.LABELS`."""
        lengths = [s.end - s.start for s in self.segments]
        return np.repeat([code(s.chord) for s in self.segments], lengths).astype(np.int16)


def compose(family: Family, rng: np.random.Generator) -> Piece:
    """A piece in a random key and tempo (92 to 161 beats a minute), entered in the middle of a chord."""
    beat = int(rng.integers(4, 8))
    tonic = int(rng.integers(12))
    segments: list[Segment] = []
    here = -int(rng.integers(2)) * beat
    for chord in _parts(family, tonic, rng):
        end = here + beat * int(rng.choice([1, 2, 4], p=[0.1, 0.55, 0.35] if chord else [0.5, 0.5, 0.0]))
        if end > 0:
            segments.append(Segment(max(here, 0), min(end, FRAMES), chord))
        here = end
        if here >= FRAMES:
            break
    return Piece(tuple(segments), beat)


def _parts(family: Family, tonic: int, rng: np.random.Generator) -> Iterator[Chord | None]:
    """The family's chords with rests between some, and some coloured."""
    for chord in chords(family, tonic, rng):
        if rng.random() < 0.12:
            yield None
        yield _colour(chord, rng)


def _colour(chord: Chord, rng: np.random.Generator) -> Chord:
    """Now and then a seventh, which keeps the class, or a chord outside of the 25 classes."""
    draw = rng.random()
    if chord.quality in MAJOR and draw < 0.3:
        return replace(chord, quality="sus4" if draw < 0.05 else str(rng.choice(["7", "maj7"])))
    if chord.quality in MINOR and draw < 0.3:
        return replace(chord, quality="dim" if draw < 0.05 else "min7")
    return chord
