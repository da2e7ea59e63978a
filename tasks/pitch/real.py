"""Recorded data sets with pitch, read through mirdata: singing (vocadito), and stems of songs, resynthesised with exact
pitch (MDB-stem-synth) or as they are (MedleyDB-Pitch).

mirdata (the optional dependency `real`) knows where the files lie and how annotations are read. Its index, which it
downloads with the data, is taken from the data's own folder where it lies there.

Who is on which side never changes. Of vocadito, the singers were dealt into five folds of eight excerpts once and for
all, below. Of stems, an artist's fold is a hash of the name. A seed only chooses which fold tests.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.notes import resample, to_int16
from benchmark.errors import DataError

from .model import RATE
from .recordings import HOP, Clips

VOCADITO: tuple[Mapping[str, tuple[int, ...]], ...] = (
    {"S29": (37, 38, 39), "S28": (35, 36), "S16": (21,), "S24": (30,), "S7": (10,)},
    {"S1": (1, 3, 8), "S13": (18,), "S10": (13,), "S27": (34,), "S2": (2,), "S18": (23,)},
    {"S6": (7, 9, 16), "S5": (6,), "S3": (4,), "S8": (11,), "S4": (5,), "S19": (24,)},
    {"S9": (12, 40), "S23": (29, 31), "S11": (14,), "S25": (32,), "S22": (27,), "S15": (20,)},
    {"S21": (26, 28), "S12": (15, 17), "S20": (25,), "S26": (33,), "S17": (22,), "S14": (19,)},
)
"""Singers and their excerpts, fold by fold."""
FOLDS = 5
LEAD = 0.25
"""Seconds before the first voiced frame that are kept."""


@dataclass(frozen=True)
class RealSet:
    """What mirdata does not say of a data set."""

    title: str
    licence: str
    place: Callable[[str], tuple[int, str] | None]
    """From a track's id to its fold and the name of its source; None: not of the published set."""
    longest: float
    """Seconds that are taken of a track, from its first voiced frame on."""
    annotation: str = "f0"
    """mirdata's name of it."""

    def file(self, track: Any) -> Path:
        """Of the annotation of a track."""
        return Path(getattr(track, f"{self.annotation}_path"))


def _singer(track: str) -> tuple[int, str] | None:
    for fold, singers in enumerate(VOCADITO):
        for singer, excerpts in singers.items():
            if track in map(str, excerpts):
                return fold, singer
    return None


def _artist(track: str) -> tuple[int, str] | None:
    artist = track.split("_")[0]
    return hashlib.sha256(artist.encode()).digest()[0] % FOLDS, artist


SETS: Mapping[str, RealSet] = {
    "vocadito": RealSet("vocadito: 40 excerpts of 29 solo singers, annotated by hand", "CC BY 4.0", _singer, 60.0),
    "mdb_stem_synth": RealSet(
        "MDB-stem-synth: 230 stems resynthesised with exact pitch", "CC BY-NC 4.0", _artist, 20.0
    ),
    "medleydb_pitch": RealSet(
        "MedleyDB-Pitch: 103 stems, annotated by hand", "CC BY-NC-SA 4.0", _artist, 20.0, "pitch"
    ),
}


@dataclass(frozen=True)
class Found:
    """A track whose files are there."""

    id: str
    fold: int
    source: str
    track: Any
    """As mirdata has it."""
    digests: tuple[str, str]
    """Sha256 of its audio and of its annotation."""


def load(name: str, home: Path | None, order: Sequence[int]) -> tuple[list[Clips], dict[str, object]]:
    """The tracks of the folds in that order, and what the manifest says of them.

    Raises
    ------
    DataError
        mirdata, the folder, the index or all tracks of a fold are missing.
    """
    tracks, missing = find(name, home)
    names = sorted({track.source for track in tracks})
    parts = []
    for fold in order:
        here = [track for track in tracks if track.fold == fold]
        if not here:
            raise DataError(f"{home} has no track of fold {fold} of {name}; {_download(name)}")
        parts.append(_clips(name, here, names))
    facts: dict[str, object] = {
        "tracks": {str(fold): [t.id for t in tracks if t.fold == fold] for fold in sorted(order)},
        "sources": names,
        "missing": missing,
    }
    return parts, facts


def find(name: str, home: Path | None) -> tuple[list[Found], list[str]]:
    """The tracks of a data set whose files are there, and those that cannot be used, each with the reason."""
    found: list[Found] = []
    missing: list[str] = []
    for track_id, track in _mirdata(name, home).items():
        place = SETS[name].place(track_id)
        audio, annotation = Path(track.audio_path), SETS[name].file(track)
        absent = [path.name for path in (audio, annotation) if not path.is_file()]
        if place is None:
            missing.append(f"{track_id}: not in this task's split of {name}")
        elif absent:
            missing.append(f"{track_id}: {' and '.join(absent)} not there")
        else:
            found.append(Found(track_id, *place, track, (_digest(audio), _digest(annotation))))
    copies = Counter(track.digests[0] for track in found)
    missing += [f"{t.id}: the same audio under another name" for t in found if copies[t.digests[0]] > 1]
    return [t for t in found if copies[t.digests[0]] == 1], missing


def _mirdata(name: str, home: Path | None) -> dict[str, Any]:
    """The tracks by id, as mirdata has them."""
    if home is None:
        raise DataError(f"the data set {name} needs recordings; {_download(name)}")
    if not home.is_dir():
        raise DataError(f"no folder {home}; {_download(name)}")
    try:
        import mirdata
    except ImportError as error:
        raise DataError(
            f"the data set {name} is read by mirdata; install it with: pip install 'trimbench[real]'"
        ) from error
    dataset = mirdata.initialize(name, data_home=str(home))
    own = home / Path(dataset.index_path).name
    if own.is_file():
        dataset.index_path = str(own)
    try:
        tracks: dict[str, Any] = dataset.load_tracks()
    except FileNotFoundError as error:
        raise DataError(f"no index {own.name} of {name}, in {home} or in mirdata; {_download(name)}") from error
    except (ValueError, KeyError) as error:
        raise DataError(f"the index of {name} cannot be read ({error}); {_download(name)}") from error
    return tracks


def _clips(name: str, tracks: Sequence[Found], names: Sequence[str]) -> Clips:
    """The tracks of a fold as clips, from the cache where it has them."""
    spec = {"code": generator_digest(Path(__file__)), "tracks": [[name, track.id, *track.digests] for track in tracks]}

    def build() -> dict[str, np.ndarray]:
        read = [excerpt(SETS[name], found.track) for found in tracks]
        return {
            "audio": np.concatenate([audio for audio, _ in read]),
            "hertz": np.concatenate([hertz for _, hertz in read]),
            "lengths": np.array([len(hertz) for _, hertz in read], np.int64),
        }

    sources = np.array([names.index(track.source) for track in tracks], np.int64)
    return Clips(**cached_arrays("pitch-real", spec, build), sources=sources)


def excerpt(kind: RealSet, track: Any) -> tuple[np.ndarray, np.ndarray]:
    """The longest excerpt from the first voiced frame on: audio int16 at 16 kHz, and Hz of every 10 ms.

    Raises
    ------
    DataError
        A file cannot be read, or the annotation has no voiced frame.
    """
    import soundfile

    try:
        annotation = getattr(track, kind.annotation)
        times, hertz = np.asarray(annotation.times), np.asarray(annotation.frequencies)
        voiced = np.flatnonzero(hertz > 0)
        if not len(voiced):
            raise DataError(f"{kind.file(track)} has no voiced frame: get it again")
        start = max(0.0, times[voiced[0]] - LEAD)
        rate = soundfile.info(track.audio_path).samplerate
        heard, _ = soundfile.read(track.audio_path, round(kind.longest * rate), round(start * rate), always_2d=True)
    except (OSError, ValueError, IndexError, soundfile.LibsndfileError) as error:
        raise DataError(f"{track.audio_path} or {kind.file(track)} cannot be read ({error}): get it again") from error
    sound = resample(heard.mean(1), rate, RATE)
    frames = len(sound) // HOP
    return to_int16(sound[: frames * HOP]), at(times, hertz, start + np.arange(frames) * HOP / RATE)


def at(times: np.ndarray, hertz: np.ndarray, when: np.ndarray) -> np.ndarray:
    """An annotation (n,) in Hz, 0 or less: no pitch, at other times (m,), float32.

    Between two voiced points the pitch is interpolated in cents; else the nearer point is taken. Beyond the first and
    last points there is no pitch.
    """
    right = np.clip(np.searchsorted(times, when), 1, len(times) - 1)
    left = right - 1
    part = np.clip((when - times[left]) / (times[right] - times[left]), 0, 1)
    log = np.log(np.where(hertz > 0, hertz, 1.0))
    nearest = np.where(part < 0.5, left, right)
    both = (hertz[left] > 0) & (hertz[right] > 0)
    pitch = np.exp(np.where(both, log[left] * (1 - part) + log[right] * part, log[nearest]))
    inside = (when >= times[0]) & (when <= times[-1])
    return np.where(inside & (hertz[nearest] > 0), pitch, 0.0).round(3).astype(np.float32)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(name: str) -> str:
    return (
        f"get it with: python -c \"import mirdata; mirdata.initialize('{name}', data_home='DIR').download()\""
        " and give --data-home DIR"
    )
