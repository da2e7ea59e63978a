"""The Philharmonia Orchestra's sound samples: single notes, whose names say the pitch, of instruments one by one.

The folder is the published one, `DIR/audio/<instrument>/*.mp3` or `DIR/<instrument>/*.mp3`, with names
`<instrument>_<note>_<duration>_<dynamics>_<articulation>.mp3`, such as `oboe_As4_15_forte_normal.mp3`.

Not every name is right. `philharmonia.csv` beside this file says by how many cents a recording is off its name, and
which cannot be used; :mod:`.labels` made it. A frame has the pitch of its note where it is loud, none where it is
silent, and is not asked for in between, where a note begins or dies away.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.notes import resample, to_int16
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
INSTRUMENTS = tuple(sorted(name for fold in FOLDS for name in fold))
DURATIONS = ("1", "15")
ARTICULATIONS = ("normal", "arco-normal")
LOUD, SILENT = 20.0, 50.0
"""dB under the loudest frame, down to which a frame has the note's pitch, and from which it has none."""
CORRECTIONS = Path(__file__).with_name("philharmonia.csv")

_NAME = re.compile(r"([a-z-]+)_([A-G])(s?)(\d)_([a-z0-9-]+)_([a-z-]+)_([a-z0-9-]+)\.mp3")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAMES = "<instrument>_<note>_<duration>_<dynamics>_<articulation>.mp3"


@dataclass(frozen=True)
class Note:
    """A recording, and the pitch that its name says."""

    path: Path
    instrument: str
    midi: int
    sha256: str

    @property
    def hertz(self) -> float:
        """Of the name, equally tempered at 440 Hz."""
        return float(440 * 2 ** ((self.midi - 69) / 12))


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
    few = [name for name in INSTRUMENTS if name not in {n.instrument for n in usable}]
    if few:
        raise DataError(f"{home} has no usable recording of {', '.join(few)}; {_where()}")
    chosen = _first(usable, takes)
    parts, failed = [], []
    for fold in order:
        here = [n for n in chosen if n.instrument in FOLDS[fold]]
        clips, bad = _clips(here, cents)
        parts.append(clips)
        failed += bad
    corrected = {n.path.name: cents[n.path.name] for n in chosen if n.path.name in cents}
    facts: dict[str, object] = {"sources": list(INSTRUMENTS), "corrected_cents": corrected, "missing": missing + failed}
    return parts, facts


def scan(home: Path | None) -> tuple[list[Note], list[str]]:
    """Sustained notes, played normally, that have a bin; and the files that should be one and are not, with reasons."""
    if home is None:
        raise DataError(f"the data set philharmonia needs recordings; {_where()}")
    root = home / "audio" if (home / "audio").is_dir() else home
    if not root.is_dir():
        raise DataError(f"no folder {home}; {_where()}")
    notes: list[Note] = []
    missing: list[str] = []
    for path in sorted(root.glob("*/*.mp3")):
        instrument = _instrument(path.parent.name)
        match = _NAME.fullmatch(path.name)
        if instrument not in INSTRUMENTS:
            continue
        if match is None or _instrument(match[1]) != instrument:
            missing.append(f"{path.name}: not named {_NAMES} after its folder {path.parent.name}")
        elif match[5] in DURATIONS and match[7] in ARTICULATIONS:
            content = path.read_bytes()
            midi = 12 * (int(match[4]) + 1) + _SEMITONES[match[2]] + len(match[3])
            note = Note(path, instrument, midi, hashlib.sha256(content).hexdigest())
            if not content:
                missing.append(f"{path.name}: empty (0 bytes)")
            elif not LOWEST * 0.99 < note.hertz < HIGHEST:
                missing.append(f"{path.name}: beyond the bins")
            else:
                notes.append(note)
    copies = Counter(note.sha256 for note in notes)
    missing += [f"{n.path.name}: the same bytes under another name" for n in notes if copies[n.sha256] > 1]
    return [n for n in notes if copies[n.sha256] == 1], missing


def corrections() -> tuple[dict[str, float], dict[str, str]]:
    """Cents by which recordings are above their names, and why others cannot be used, both by file name."""
    with CORRECTIONS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cents = {row["file"]: float(row["cents"]) for row in rows if row["cents"]}
    return cents, {row["file"]: row["reason"] for row in rows if not row["cents"]}


def read(path: Path) -> np.ndarray:
    """Mono audio (samples,) float32 at 16 kHz.

    Raises
    ------
    DataError
        It cannot be decoded, or is silent.
    """
    import soundfile

    try:
        heard, rate = soundfile.read(path, always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise DataError(f"cannot be decoded ({error})") from error
    if not np.abs(heard).max(initial=0) > 0:
        raise DataError("silent")
    return resample(heard.mean(1), rate, RATE)


def excerpt(path: Path, hertz: float) -> tuple[np.ndarray, np.ndarray]:
    """Audio int16 at 16 kHz, and Hz of every 10 ms (0: no pitch, NaN: not asked for), of a note of that pitch."""
    sound = read(path)
    sound = sound[: len(sound) // HOP * HOP]
    level = loudness(sound.astype(np.float64))
    down = -20 * np.log10(np.maximum(level / level.max(), 1e-9))
    pitch = np.where(down <= LOUD, round(hertz, 3), np.where(down >= SILENT, 0.0, np.nan))
    return to_int16(sound / np.abs(sound).max() * 0.9), pitch.astype(np.float32)


def _first(notes: Sequence[Note], takes: int | None) -> list[Note]:
    """The first takes of every note, in the order of their hashes."""
    dealt: dict[tuple[str, int], list[Note]] = defaultdict(list)
    for note in sorted(notes, key=lambda n: n.sha256):
        dealt[note.instrument, note.midi].append(note)
    return [note for _, same in sorted(dealt.items()) for note in same[:takes]]


def _clips(notes: Sequence[Note], cents: dict[str, float]) -> tuple[Clips, list[str]]:
    """Recordings as clips, from the cache where it has them, and which could not be decoded."""
    pitches = [n.hertz * 2 ** (cents.get(n.path.name, 0.0) / 1200) for n in notes]
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
            except DataError:
                heard, frames = audio[0], hertz[0]
            audio.append(heard)
            hertz.append(frames)
            lengths.append(len(frames))
        return {"audio": np.concatenate(audio), "hertz": np.concatenate(hertz), "lengths": np.array(lengths, np.int64)}

    arrays = cached_arrays("pitch-philharmonia", spec, build)
    good = arrays["lengths"] > 0
    reasons = [f"{n.path.name}: cannot be decoded or is silent" for n, ok in zip(notes, good, strict=True) if not ok]
    sources = np.array([INSTRUMENTS.index(n.instrument) for n in notes], np.int64)[good]
    return Clips(arrays["audio"], arrays["hertz"], arrays["lengths"][good], sources), reasons


def _instrument(name: str) -> str:
    name = name.replace("-", " ").strip().lower()
    return "cor anglais" if name == "english horn" else name


def _where() -> str:
    return (
        "download the sound samples of these instruments from the Philharmonia Orchestra's web site"
        f" and give --data-home DIR with DIR/audio/<instrument>/{_NAMES}"
    )
