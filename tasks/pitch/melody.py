"""What a clip plays: tones with a pitch that is known at every moment, before any sound.

One voice: a tone ends before the next begins. Within a tone the pitch may slide to other notes (legato), begin up
to two semitones off, and swing in a vibrato of 4 to 7 Hz and up to 60 cents.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SECONDS = 2.56
"""Length of a clip."""
SHORTEST = 0.1
"""Of a tone, seconds."""
LEAPS = (-12, -7, -5, -4, -3, -2, -2, -1, -1, 1, 1, 2, 2, 3, 4, 5, 7, 12)
SPAN = 10
"""Semitones that a melody goes away from where it began, at most."""


@dataclass(frozen=True)
class Slide:
    """From `start` on the pitch moves by `cents` within `length`, both in seconds after the tone's beginning."""

    start: float
    length: float
    cents: float


@dataclass(frozen=True)
class Vibrato:
    """`depth` cents each way at `rate` Hz, swelling from `start` (seconds after the tone's beginning) for `swell`."""

    rate: float
    depth: float
    start: float
    phase: float
    swell: float = 0.15


@dataclass(frozen=True)
class Tone:
    """One stroke of the instrument, from `start` to `end` seconds."""

    start: float
    end: float
    key: int
    velocity: int
    origin: float = 0.0
    """Cents above the key at the beginning, before any slide."""
    slides: tuple[Slide, ...] = ()
    vibrato: Vibrato | None = None

    def cents(self, time: np.ndarray) -> np.ndarray:
        """Pitch above the key at seconds `time` after the beginning, the same shape."""
        pitch = np.full_like(time, self.origin)
        for slide in self.slides:
            pitch += slide.cents * _ease((time - slide.start) / slide.length)
        if self.vibrato:
            v = self.vibrato
            pitch += v.depth * _ease((time - v.start) / v.swell) * np.sin(2 * np.pi * v.rate * time + v.phase)
        return pitch


def compose(lowest: int, highest: int, rng: np.random.Generator) -> tuple[Tone, ...]:
    """Tones whose notes lie within the keys `lowest` to `highest`."""
    key = int(rng.integers(lowest, highest + 1))
    bounds = max(lowest, key - SPAN), min(highest, key + SPAN)
    now = rng.uniform(0, 0.1)
    tones: list[Tone] = []
    while now < SECONDS - SHORTEST:
        if rng.random() < 0.35:
            now += rng.uniform(0.1, 0.4)
        tone, key = _tone(now, key, bounds, rng)
        if tone.end - tone.start >= SHORTEST:
            tones.append(tone)
        now = tone.end + (rng.uniform(0.01, 0.06) if rng.random() < 0.4 else 0.0)
        key = step(key, bounds, rng)
    return tuple(tones)


def step(key: int, bounds: tuple[int, int], rng: np.random.Generator) -> int:
    """The next key of a melody: a leap that stays within bounds, or the same key where none does."""
    possible = [key + leap for leap in LEAPS if bounds[0] <= key + leap <= bounds[1]]
    return int(rng.choice(possible)) if possible else key


def _tone(start: float, key: int, bounds: tuple[int, int], rng: np.random.Generator) -> tuple[Tone, int]:
    """A tone of one to four notes in one breath, and the key that it ends on."""
    origin = rng.uniform(-200, 100) if rng.random() < 0.2 else 0.0
    slides = [Slide(0.0, rng.uniform(0.05, 0.15), -origin)] if origin else []
    struck, length = key, SHORTEST * 2 ** rng.uniform(0.3, 3)
    for _ in range(int(rng.choice(4, p=[0.6, 0.2, 0.12, 0.08]))):
        after = step(key, bounds, rng)
        slides.append(Slide(length, rng.uniform(0.03, 0.2), 100.0 * (after - key)))
        key, length = after, length + SHORTEST * 2 ** rng.uniform(1, 3)
    vibrato = None
    if rng.random() < 0.5:
        vibrato = Vibrato(rng.uniform(4, 7), rng.uniform(10, 60), rng.uniform(0, 0.3), rng.uniform(0, 2 * np.pi))
    end = min(start + length, SECONDS)
    return Tone(start, end, struck, int(rng.integers(60, 128)), origin, tuple(slides), vibrato), key


def _ease(x: np.ndarray) -> np.ndarray:
    """From 0 to 1 without a corner."""
    eased: np.ndarray = 0.5 - 0.5 * np.cos(np.pi * np.clip(x, 0, 1))
    return eased
