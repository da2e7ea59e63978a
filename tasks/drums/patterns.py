"""What a loop plays: a bar drawn for it alone, and a performance of that bar that is not quite in time.

A bar is a grid of sixteen steps, or twelve (in triplets, or of three quarters), with a line for each drum: `x` a
stroke, `X` an accent, `g` a ghost note, `o` an open hat, `.` a rest. How busy each line is and where it leans is drawn
anew for every bar, from backbeats and even hats to neither. Bars are dealt into folds by their hash, so that no bar is
on two sides of a split.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

OTHER = 3
"""Of :attr:`Stroke.drum`: one of the drums without a label."""
LOUDNESS = {"g": (0.12, 0.3), "x": (0.45, 0.85), "o": (0.45, 0.85), "X": (0.8, 1.0)}
"""Range of the amplitude of a stroke, by its sign."""
SLOWEST, FASTEST = 0.08, 0.2
"""Seconds of a step: 0.08 is a sixteenth at 188 quarters a minute."""
DROPPED, ADDED, FILLED, REPLACED = 0.05, 0.03, 0.2, 0.08
"""Chances: a stroke is left out, a rest is played, a bar ends in a fill, another drum plays the hat's part."""
JITTER, DRAG, LATEST = 0.006, 0.005, 0.018
"""Seconds: spread of strokes, spread of a drum ahead of or behind the beat, and the most that both can do."""
BACKBEATS = ((1, 3), (1, 3), (1, 3), (2,), (0, 1, 2, 3), (3,), ())
"""Quarters of the bar on which the snare is accented, each as likely as it is listed."""


@dataclass(frozen=True)
class Stroke:
    """One stroke: when (seconds), on what (label, or `OTHER`), how loud (0 to 1) and whether the hat is open."""

    time: float
    drum: int
    gain: float
    open: bool = False


def fold_of(lines: tuple[str, ...], folds: int) -> int:
    """The fold that a bar belongs to."""
    return hashlib.sha256(" ".join(lines).encode()).digest()[0] % folds


def bar(fold: int, folds: int, rng: np.random.Generator) -> tuple[str, ...]:
    """The lines of kick, snare and hat of a bar that belongs to a fold."""
    while True:
        steps = 16 if rng.random() < 0.75 else 12
        lines = (_kick(steps, rng), _snare(steps, rng), _hat(steps, rng))
        if fold_of(lines, folds) == fold:
            return lines


def _kick(steps: int, rng: np.random.Generator) -> str:
    on, off = rng.uniform(0.1, 1.0), rng.uniform(0.0, 0.3)
    chance = [0.95 if at == 0 else on if at % (steps // 4) == 0 else off for at in range(steps)]
    return "".join(("X" if at == 0 else "x") if rng.random() < p else "." for at, p in enumerate(chance))


def _snare(steps: int, rng: np.random.Generator) -> str:
    accents = {quarter * steps // 4 for quarter in BACKBEATS[rng.integers(len(BACKBEATS))]}
    ghosts, strokes = (rng.uniform(0.0, 0.3) if rng.random() < 0.5 else 0.0 for _ in range(2))
    line = []
    for at in range(steps):
        soft, loud = rng.random(2)
        line.append("X" if at in accents else "x" if loud < strokes / 2 else "g" if soft < ghosts else ".")
    return "".join(line)


def _hat(steps: int, rng: np.random.Generator) -> str:
    if rng.random() < 0.05:
        return "." * steps
    every = int(rng.choice([1, 2, 2, steps // 4]))
    first = every // 2 if rng.random() < 0.2 else 0
    kept, added = rng.uniform(0.7, 1.0), rng.uniform(0.0, 0.15)
    opened, ghosted = (rng.uniform(0.0, 0.3) if rng.random() < 0.3 else 0.0 for _ in range(2))
    line = []
    for at in range(steps):
        there, sign = rng.random(2)
        if there >= (kept if at % every == first else added):
            line.append(".")
        else:
            line.append("o" if sign < opened else "g" if sign > 1 - ghosted else "x")
    return "".join(line)


def perform(lines: tuple[str, ...], seconds: float, rng: np.random.Generator) -> list[Stroke]:
    """A performance of a bar in `seconds`, over and over, entered anywhere in it; in order of time."""
    steps = len(lines[0])
    step = rng.uniform(SLOWEST, FASTEST)
    swing = rng.uniform(0, 0.2) if steps == 16 and rng.random() < 0.3 else 0.0
    drag = rng.normal(0, DRAG, OTHER + 1)
    rides = rng.random() < REPLACED
    first = int(rng.integers(steps))
    strokes: list[Stroke] = []
    filling = False
    for place in range(int(seconds / step) + 1):
        at = (first + place) % steps
        if at == 0 or place == 0:
            filling = rng.random() < FILLED
        fill = filling and at >= steps * 3 // 4
        late = swing * step if at % 2 else 0.0
        for drum, sign in _signs(lines, at, fill, rides, rng):
            off = np.clip(drag[drum] + rng.normal(0, JITTER), -LATEST, LATEST)
            time = 0.03 + place * step + late + float(off)
            strokes.append(Stroke(time, drum, float(rng.uniform(*LOUDNESS[sign])), sign == "o"))
    return sorted(strokes, key=lambda stroke: stroke.time)


def _signs(lines: tuple[str, ...], at: int, fill: bool, rides: bool, rng: np.random.Generator) -> list[tuple[int, str]]:
    """What is struck on a step: (drum, sign) pairs."""
    struck: list[tuple[int, str]] = []
    for drum, line in enumerate(lines):
        sign = line[at]
        if fill and drum > 0:
            continue
        if sign == "." and rng.random() < ADDED:
            sign = "g" if drum == 1 else "x"
        if sign != "." and rng.random() >= DROPPED:
            struck.append((OTHER if rides and drum == 2 else drum, sign))
    if fill and rng.random() < 0.8:
        struck.append((1 if rng.random() < 0.4 else OTHER, "X" if rng.random() < 0.3 else "x"))
    elif rng.random() < ADDED:
        struck.append((OTHER, "x"))
    return struck
