"""What a voice plays and when, before any sound: melodies, chords, runs, repeated notes, drums.

Everything has a tempo and is played by hand: strokes lie up to 20 ms beside the beat, chords are spread, loudness
varies. Vibrato and glides change the pitch of a note without beginning a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

SECONDS = 6.0
"""Of a clip."""
CLEAR = 0.15
"""Seconds before the end of a clip without a new note."""
HUMAN = 0.008
"""Standard deviation (seconds) of how far a stroke lies beside the beat."""


@dataclass(frozen=True)
class Note:
    """One note or stroke.

    `key` is a MIDI key, for drums the place of a drum in its kit. Vibrato swings by so many cents so many times a
    second; a glide is so many cents from the note's beginning to its end.
    """

    start: float
    held: float
    key: int
    gain: float = 1.0
    vibrato: tuple[float, float] = (0.0, 5.0)
    glide: float = 0.0


Part = list[Note]


def tempo(rng: np.random.Generator) -> float:
    """Seconds of a beat: 60 to 170 beats a minute."""
    return float(60 / rng.uniform(60, 170))


def play(lowest: int, highest: int, beat: float, rng: np.random.Generator) -> Part:
    """A part for one pitched voice between two keys, in one of the styles."""
    style = STYLES[rng.choice(len(STYLES), p=SHARES)]
    return style(lowest, highest, beat, rng)


def melody(lowest: int, highest: int, beat: float, rng: np.random.Generator) -> Part:
    """Notes one after another, legato or apart, some repeated; a part of the voices has vibrato and glides."""
    key = int(rng.integers(lowest, highest + 1))
    legato = rng.uniform(0.5, 1.02)
    depth = float(rng.uniform(15, 90)) if rng.random() < 0.5 else 0.0
    part = []
    for start, length in _rhythm(beat, (0.25, 0.5, 1.0, 2.0), (0.15, 0.45, 0.3, 0.1), rng):
        if rng.random() > 0.15:
            key = _step(key, lowest, highest, rng)
        if rng.random() < 0.1:
            continue
        glide = float(rng.choice([-200, -100, 100, 200])) if rng.random() < 0.12 and length > 0.3 else 0.0
        part.append(Note(start, length * legato, key, _gain(rng), (depth, float(rng.uniform(4.5, 7))), glide))
    return part


def chords(lowest: int, highest: int, beat: float, rng: np.random.Generator) -> Part:
    """Two to four keys at a time, spread by up to 25 ms."""
    spread = float(rng.uniform(0, 0.025)) if rng.random() < 0.5 else 0.0
    count = int(rng.integers(2, 5))
    part = []
    for start, length in _rhythm(beat, (0.5, 1.0, 2.0), (0.3, 0.45, 0.25), rng):
        root, gain = int(rng.integers(lowest, max(lowest + 1, highest - 11))), _gain(rng)
        third = int(rng.choice([3, 4]))
        for place, step in enumerate((0, third, 7, 12)[:count]):
            part.append(Note(start + spread * place / count, length * 0.95, root + step, gain))
    return part


def run(lowest: int, highest: int, beat: float, rng: np.random.Generator) -> Part:
    """Broken chords and scales: two to four notes a beat, at most eleven a second, that may ring on."""
    step = beat / int(rng.choice([2, 3, 4]))
    step = max(step, 0.09)
    rings = float(rng.uniform(0.8, 3))
    key = int(rng.integers(lowest, highest + 1))
    part = []
    for start in np.arange(_lead_in(rng), SECONDS - CLEAR, step):
        key = _step(key, lowest, highest, rng)
        if rng.random() < 0.9:
            part.append(Note(_by_hand(start, rng), step * rings, key, _gain(rng)))
    return part


def repeats(lowest: int, highest: int, beat: float, rng: np.random.Generator) -> Part:
    """The same key again and again, four to ten times a second, then another."""
    part = []
    here = _lead_in(rng)
    while here < SECONDS - CLEAR:
        key, pace = int(rng.integers(lowest, highest + 1)), float(rng.uniform(0.1, 0.26))
        for _ in range(int(rng.integers(3, 10))):
            part.append(Note(_by_hand(here, rng), pace * 0.95, key, _gain(rng)))
            here += pace
        here += float(rng.choice([0, 0.5, 1])) * beat
    return [note for note in part if note.start < SECONDS - CLEAR]


def drums(count: int, beat: float, rng: np.random.Generator) -> Part:
    """A pattern of 8 to 16 steps, two to four a beat, soft and loud, with some flams and doubled strokes."""
    step = beat / int(rng.choice([2, 3, 4]))
    step = max(step, 0.09)
    length = int(rng.choice([8, 12, 16]))
    pattern = rng.random((count, length)) < rng.uniform(0.1, 0.5, (count, 1))
    part = []
    for place, start in enumerate(np.arange(_lead_in(rng), SECONDS - CLEAR, step)):
        for drum in np.flatnonzero(pattern[:, place % length]).tolist():
            time, gain = _by_hand(start, rng), _gain(rng)
            if rng.random() < 0.04:
                part.append(Note(max(0.0, time - 0.05), 1.0, drum, 0.5 * gain))
            part.append(Note(time, 1.0, drum, gain))
            if rng.random() < 0.05 and step > 0.14:
                part.append(Note(time + step / 2, 1.0, drum, 0.8 * gain))
    return [note for note in part if note.start < SECONDS - CLEAR]


STYLES: tuple[Callable[[int, int, float, np.random.Generator], Part], ...] = (melody, chords, run, repeats)
SHARES = (0.45, 0.25, 0.2, 0.1)


def _rhythm(
    beat: float, lengths: tuple[float, ...], shares: tuple[float, ...], rng: np.random.Generator
) -> Iterator[tuple[float, float]]:
    """Starts and lengths in seconds, by hand, until shortly before the end."""
    here = _lead_in(rng)
    while here < SECONDS - CLEAR:
        length = max(beat * float(rng.choice(lengths, p=shares)), 0.1)
        yield _by_hand(here, rng), length
        here += length


def _lead_in(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.05, 0.5))


def _by_hand(time: float, rng: np.random.Generator) -> float:
    return float(np.clip(time + np.clip(rng.normal(0, HUMAN), -0.02, 0.02), 0, SECONDS - CLEAR))


def _gain(rng: np.random.Generator) -> float:
    """8 dB between the softest and the loudest notes of a part."""
    return float(10 ** (rng.uniform(-8, 0) / 20))


def _step(key: int, lowest: int, highest: int, rng: np.random.Generator) -> int:
    """A few keys up or down, turned back at the ends of the range."""
    step = int(rng.choice([1, 2, 3, 4, 5, 7])) * int(rng.choice([-1, 1]))
    return key + step if lowest <= key + step <= highest else int(np.clip(key - step, lowest, highest))
