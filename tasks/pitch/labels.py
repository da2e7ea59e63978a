"""Which names of a folder of notes are wrong: `python -m tasks.pitch.labels --data-home DIR` writes philharmonia.csv.

A harmonic comb on half a second of each note, which has nothing of the methods that are compared. Where the comb fits
best within a semitone of the name says how many cents the note is off. Partials halfway between those of the name say
that it sounds an octave lower; no odd partials, that it sounds an octave higher. Such a recording is left out, and
so is one that fits best at the edge of the search.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.data.philharmonia import Recording
from benchmark.data.recordings import UnusableError, mono
from benchmark.errors import BenchError
from benchmark.files import write_whole

from .model import RATE
from .philharmonia import CORRECTIONS, scan

HEARD = 8192
"""Samples of audio, from the loudest place on: half a second."""
POINTS = 65536
SEARCH = 100
"""Cents on each side of the name."""
STEP = 5
TELLS = 25
"""Cents off the name from which a recording is listed: half of the tolerance of the score."""
PARTIALS = 16
HIGHEST = 7000.0
"""Hz of the highest partial that is looked at."""
LOWER, HIGHER = -8.0, -30.0
"""dB: of partials in between to those of the name, and of odd to even ones."""


@dataclass(frozen=True)
class Comb:
    """What the comb says of a note."""

    cents: int
    """Above the name."""
    between: float
    """dB of the partials of the octave below that the name does not have, to those that it has."""
    odd: float
    """dB of the name's odd partials to its even ones."""

    @property
    def problem(self) -> str:
        """Why the note cannot be used, or nothing."""
        if self.between > LOWER:
            return f"sounds an octave below its name: partials in between are at {self.between:.0f} dB"
        if self.odd < HIGHER:
            return f"sounds an octave above its name: odd partials are at {self.odd:.0f} dB"
        if abs(self.cents) >= SEARCH - STEP:
            return "a semitone or more off its name"
        return ""


def comb(audio: np.ndarray, hertz: float) -> Comb:
    """Of audio (samples,) at 16 kHz whose name says `hertz`."""
    energy = np.cumsum(audio.astype(np.float64) ** 2)
    start = int(np.argmax(energy[HEARD:] - energy[:-HEARD])) if len(audio) > HEARD else 0
    sound = audio[start : start + HEARD]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), POINTS))

    def at(frequencies: np.ndarray) -> np.ndarray:
        """The amplitude at frequencies (n,), the largest of 10 cents around each."""
        around = frequencies[:, None] * np.exp2(np.linspace(-10, 10, 9) / 1200)
        found: np.ndarray = spectrum[np.rint(around * POINTS / RATE).astype(int)].max(1)
        return found

    partials = np.arange(1, max(2, min(PARTIALS, int(HIGHEST / hertz))) + 1)
    tried = np.arange(-SEARCH, SEARCH + 1, STEP)
    fits = [
        np.sqrt(spectrum[np.rint(hertz * 2 ** (c / 1200) * partials * POINTS / RATE).astype(int)]).sum() for c in tried
    ]
    cents = int(tried[int(np.argmax(fits))])
    tuned = hertz * 2 ** (cents / 1200)
    own, between = at(tuned * partials), at(tuned * (partials - 0.5))
    return Comb(cents, _decibels(between, own), _decibels(own[::2], own[1::2]))


def _decibels(part: np.ndarray, whole: np.ndarray) -> float:
    return float(10 * np.log10(((part**2).sum() + 1e-20) / ((whole**2).sum() + 1e-20)))


def row(note: Recording) -> tuple[str, str, str] | None:
    """File, cents and reason of a note that is not as its name says; None of one that is."""
    try:
        found = comb(mono(note.path, RATE), note.note.hertz)
    except UnusableError as error:
        return note.path.name, "", str(error)
    if found.problem:
        return note.path.name, "", found.problem
    if abs(found.cents) >= TELLS:
        return note.path.name, str(found.cents), "sharp" if found.cents > 0 else "flat"
    return None


def main(arguments: list[str] | None = None) -> int:
    """Write the list; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tasks.pitch.labels", description="List wrong names of notes.")
    parser.add_argument("--data-home", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, default=CORRECTIONS)
    options = parser.parse_args(arguments)
    try:
        notes, _ = scan(options.data_home)
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("file", "cents", "reason"))
    table.writerows(found for note in notes if (found := row(note)))
    write_whole(options.out, text.getvalue().encode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
