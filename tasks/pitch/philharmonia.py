"""The Philharmonia Orchestra's sound samples: single notes, whose names say the pitch, of instruments one by one.

Not every name is right. `philharmonia.csv` beside this file says by how many cents a recording is off its name, and
which cannot be used; :mod:`.labels` made it. A frame has the pitch of its note where it is loud, none where it is
silent, and is not asked for in between, where a note begins or dies away.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark.data import philharmonia
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.notes import to_int16
from benchmark.data.philharmonia import DATA, INSTRUMENTS, Note, Recording
from benchmark.data.recordings import UnusableError, mono
from benchmark.errors import DataError

from .model import RATE
from .recordings import HOP, Clips, loudness
from .scale import HIGHEST, LOWEST

FOLDS: tuple[tuple[str, ...], ...] = (
    ("clarinet", "double bass"),
    ("flute", "trombone"),
    ("cello", "bassoon"),
    ("oboe", "french horn"),
    ("saxophone", "contrabassoon"),
    ("cor anglais", "bass clarinet"),
)
"""Instruments: in every fold a high and a low one. Each has one player."""
LOUD, SILENT = 20.0, 50.0
"""dB under the loudest frame, down to which a frame has the note's pitch, and from which it has none."""
CORRECTIONS = Path(__file__).with_name("philharmonia.csv")


def load(home: Path | None, order: Sequence[int], takes: int | None) -> tuple[list[Clips], dict[str, object]]:
    """Clips of the folds in that order, at most `takes` a note, and what the manifest says of them.

    Raises
    ------
    DataError
        The folder, or all recordings of an instrument, are missing.
    """
    notes, missing = scan(home)
    cents, unusable = corrections()
    missing += [f"{n.path.name}: {unusable[n.path.name]}" for n in notes if n.path.name in unusable]
    usable = [n for n in notes if n.path.name not in unusable]
    few = [name for name in INSTRUMENTS if name not in {n.note.instrument for n in usable}]
    if few:
        raise DataError(f"{home} has no usable recording of {', '.join(few)}; {DATA.layout}")
    chosen = _first(usable, takes)
    parts, failed = [], []
    for fold in order:
        here = [n for n in chosen if n.note.instrument in FOLDS[fold]]
        clips, bad = _clips(here, cents)
        parts.append(clips)
        failed += bad
    corrected = {n.path.name: cents[n.path.name] for n in chosen if n.path.name in cents}
    facts: dict[str, object] = {"sources": list(INSTRUMENTS), "corrected_cents": corrected, "missing": missing + failed}
    return parts, facts


def scan(home: Path | None) -> tuple[list[Recording], list[str]]:
    """Sustained notes, played normally, that have a bin; and the files that should be one and are not, with reasons."""
    folder = philharmonia.scan(home)
    beyond = [r for r in folder.recordings if not LOWEST * 0.99 < r.note.hertz < HIGHEST]
    kept = [r for r in folder.recordings if r not in beyond]
    return kept, [*folder.missing, *(f"{r.label}: beyond the bins" for r in beyond)]


def corrections() -> tuple[dict[str, float], dict[str, str]]:
    """Cents by which recordings are above their names, and why others cannot be used, both by file name."""
    with CORRECTIONS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cents = {row["file"]: float(row["cents"]) for row in rows if row["cents"]}
    return cents, {row["file"]: row["reason"] for row in rows if not row["cents"]}


def excerpt(path: Path, hertz: float) -> tuple[np.ndarray, np.ndarray]:
    """Audio int16 at 16 kHz, and Hz of every 10 ms (0: no pitch, NaN: not asked for), of a note of that pitch."""
    sound = mono(path, RATE)
    sound = sound[: len(sound) // HOP * HOP]
    level = loudness(sound.astype(np.float64))
    down = -20 * np.log10(np.maximum(level / level.max(), 1e-9))
    pitch = np.where(down <= LOUD, round(hertz, 3), np.where(down >= SILENT, 0.0, np.nan))
    return to_int16(sound / np.abs(sound).max() * 0.9), pitch.astype(np.float32)


def _first(notes: Sequence[Recording], takes: int | None) -> list[Recording]:
    """The first takes of every note, in the order of their hashes."""
    dealt: dict[Note, list[Recording]] = defaultdict(list)
    for note in sorted(notes, key=lambda n: n.sha256):
        dealt[note.note].append(note)
    return [note for _, same in sorted(dealt.items()) for note in same[:takes]]


def _clips(notes: Sequence[Recording], cents: dict[str, float]) -> tuple[Clips, list[str]]:
    """Recordings as clips, from the cache where it has them, and which could not be decoded."""
    pitches = [n.note.hertz * 2 ** (cents.get(n.path.name, 0.0) / 1200) for n in notes]
    spec = {
        "code": generator_digest(Path(__file__)),
        "notes": [[n.sha256, p] for n, p in zip(notes, pitches, strict=True)],
    }
    reasons: list[str] = []

    def build() -> dict[str, np.ndarray]:
        audio, hertz = [np.zeros(0, np.int16)], [np.zeros(0, np.float32)]
        lengths = []
        for note, pitch in zip(notes, pitches, strict=True):
            try:
                heard, frames = excerpt(note.path, pitch)
            except UnusableError:
                heard, frames = audio[0], hertz[0]
            audio.append(heard)
            hertz.append(frames)
            lengths.append(len(frames))
        return {"audio": np.concatenate(audio), "hertz": np.concatenate(hertz), "lengths": np.array(lengths, np.int64)}

    arrays = cached_arrays("pitch-philharmonia", spec, build)
    good = arrays["lengths"] > 0
    reasons = [f"{n.path.name}: cannot be decoded or is silent" for n, ok in zip(notes, good, strict=True) if not ok]
    sources = np.array([INSTRUMENTS.index(n.note.instrument) for n in notes], np.int64)[good]
    return Clips(arrays["audio"], arrays["hertz"], arrays["lengths"][good], sources), reasons
