"""Instruments in data sets that mirdata knows: Medley-solos-DB, TinySOL and IRMAS, with their official splits."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmark.data import mirsets
from benchmark.data.recordings import UnusableError, annotated, sort_out
from benchmark.task import Data, DataSet, Mirdata, Profile

from . import recorded
from .clips import Side
from .recorded import Found, Take

MEDLEY = DataSet(
    "medley_solos_db",
    "Medley-solos-DB: 21,571 clips of 8 instruments, split by song (Lostanlen & Cella, ISMIR 2016)",
    "CC BY 4.0",
    needs_home=True,
    mirdata=Mirdata("medley_solos_db", files=("audio",)),
    layout="or from zenodo.org/records/3464194 put the table as DIR/annotation/Medley-solos-DB_metadata.csv and unpack"
    " Medley-solos-DB.tar.gz into DIR/audio",
)
MEDLEY_CLASSES = (
    "clarinet", "distorted electric guitar", "female singer", "flute", "piano", "tenor saxophone", "trumpet", "violin",
)  # fmt: skip

TINYSOL = DataSet(
    "tinysol",
    "TinySOL: 2,913 single notes of 14 instruments in five folds (Cella et al., 2020)",
    "CC BY 4.0",
    needs_home=True,
    mirdata=Mirdata("tinysol", files=("audio",)),
    layout="or from zenodo.org/records/3685367 put the table as DIR/annotation/TinySOL_metadata.csv and unpack"
    " TinySOL.tar.gz into DIR/audio",
)
TINYSOL_NAMES = {
    "Acc": "accordion", "ASax": "alto saxophone", "BTb": "bass tuba", "Bn": "bassoon", "Vc": "cello",
    "ClBb": "clarinet in B flat", "Cb": "double bass", "Fl": "flute", "Hn": "french horn", "Ob": "oboe",
    "Tbn": "trombone", "TpC": "trumpet in C", "Va": "viola", "Vn": "violin",
}  # fmt: skip
"""By the abbreviation in the column `Instrument (abbr.)` of the data set's table, which file names begin with too."""
TINYSOL_FOLDS = 5

IRMAS = DataSet(
    "irmas",
    "IRMAS: predominant instrument in 3 s of music, 11 classes (Bosch et al., ISMIR 2012)",
    "CC BY-NC-SA 3.0",
    needs_home=True,
    mirdata=Mirdata("irmas", files=("audio", "annotation")),
    layout="or from zenodo.org/records/1290750 unpack IRMAS-TrainingData.zip and the three parts of IRMAS-TestingData"
    " into DIR",
)
IRMAS_NAMES = {
    "gac": "acoustic guitar", "cel": "cello", "cla": "clarinet", "gel": "electric guitar", "flu": "flute",
    "org": "organ", "pia": "piano", "sax": "saxophone", "tru": "trumpet", "vio": "violin", "voi": "voice",
}  # fmt: skip
IRMAS_VALIDATION = 6
"""One of so many training recordings, by hash of its number, validates."""

Sort = Callable[[str, Any, int], Take | str]
"""From a track's id, the track as mirdata has it and the seed: the take, or why it is no part of the task."""


def medley(home: Path | None, profile: Profile, seed: int) -> Data:
    """The official split, for every seed; three seconds a clip; a source is a song."""
    return recorded.build(find(MEDLEY, home, _medley, seed), MEDLEY_CLASSES, 3, profile, mirsets.how_to_get(MEDLEY))


def tinysol(home: Path | None, profile: Profile, seed: int) -> Data:
    """The official folds: fold `seed` tests, the next validates, the others train.

    A source is an (instrument, pitch): all takes of a note go where the first of them, by name, is put.
    """
    found = find(TINYSOL, home, _tinysol, seed)
    side: dict[str, Side] = {}
    for take in sorted(found.takes, key=lambda take: take.name):
        side.setdefault(take.source, take.side)
    moved = sum(take.side != side[take.source] for take in found.takes)
    together = [Take(t.name, t.path, t.label, t.source, side[t.source]) for t in found.takes]
    facts = {"takes moved to the fold of their note": moved}
    placed = Found(together, found.missing, found.not_used, facts)
    return recorded.build(placed, tuple(TINYSOL_NAMES.values()), 1, profile, mirsets.how_to_get(TINYSOL))


def irmas(home: Path | None, profile: Profile, seed: int) -> Data:
    """The official training part, of which a sixth validates, and of the testing part what has one instrument.

    A source is a training recording, or the song of a testing excerpt.
    """
    found = find(IRMAS, home, _irmas, seed)
    return recorded.build(found, tuple(IRMAS_NAMES.values()), 3, profile, mirsets.how_to_get(IRMAS))


def find(data: DataSet, home: Path | None, sort: Sort, seed: int) -> Found:
    """The tracks of a data set that are there, where they belong, and what is missing."""
    opened = mirsets.opened(data, home)
    absent = opened.absent()
    takes, missing, not_used = [], [f"{t}: {', '.join(files)} not there" for t, files in absent.items()], Counter[str]()
    present = {name: track for name, track in opened.tracks().items() if name not in absent}
    with mirsets.table_of(data):
        sorted_, odd = sort_out(present, lambda name: sort(name, present[name], seed))
    for take in sorted_.values():
        if isinstance(take, Take):
            takes.append(take)
        else:
            not_used[take] += 1
    missing += odd
    return Found(takes, missing, dict(not_used))


def _medley(name: str, track: Any, seed: int) -> Take:
    sides: dict[str, Side] = {"training": "train", "train": "train", "validation": "validation", "test": "test"}
    if track.subset not in sides:
        raise UnusableError(f"subset {track.subset!r} is unknown")
    label = _label(track.instrument, MEDLEY_CLASSES)
    return Take(name, Path(track.audio_path), label, f"song {track.song_id}", sides[track.subset])


def _tinysol(name: str, track: Any, seed: int) -> Take:
    label = _label(track.instrument_abbr, TINYSOL_NAMES)
    if not re.fullmatch(r"[0-4]", str(track.split)):
        raise UnusableError(f"fold {track.split!r} is unknown")
    step = (int(track.split) - seed) % TINYSOL_FOLDS
    side: Side = "test" if step == 0 else "validation" if step == 1 else "train"
    return Take(name, Path(track.audio_path), label, f"{track.instrument_abbr} {track.pitch}", side)


def _irmas(name: str, track: Any, seed: int) -> Take | str:
    path = Path(track.audio_path)
    instruments = annotated(lambda: track.instrument)
    if track.split == "train":
        number = name.split("__")[0]
        validates = hashlib.sha256(number.encode()).digest()[0] % IRMAS_VALIDATION == 0
        source, side = f"training {number}", "validation" if validates else "train"
        return Take(name, path, _label(instruments[0], IRMAS_NAMES), source, side)  # type: ignore[arg-type]
    if len(instruments) != 1:
        return "testing excerpts with several predominant instruments, or none"
    song = re.sub(r"-\d+$", "", path.stem)
    return Take(name, path, _label(instruments[0], IRMAS_NAMES), f"testing {song}", "test")


def _label(name: str | None, classes: Iterable[str]) -> int:
    try:
        return list(classes).index(str(name))
    except ValueError:
        raise UnusableError(f"instrument {name!r} is none of the classes") from None
