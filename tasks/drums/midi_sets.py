"""Drum recordings with MIDI beside them, read through mirdata: Groove MIDI and Slakh.

Groove MIDI (Gillick et al., "Learning to groove with inverse sequence transformations", ICML 2019) is played by
drummers on one electronic kit; Slakh (Manilow et al., "Cutting music source separation some Slakh", WASPAA 2019) is
rendered from MIDI by sampled kits, of which the drum stems are taken. Both have official splits, but for Slakh's small
version `baby`, whose songs are dealt here once and for all. mirdata (the optional dependency `real`) knows where the
files lie; its index, which it downloads with the data, is taken from the data's own folder where it lies there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import DataError
from benchmark.task import Profile

from . import recordings
from .recordings import Recording, Sides, UnusableError
from .sounds import DRUM_NAMES

LONGEST = 20.0
"""Seconds that are taken of a recording, from just before its first labelled stroke on."""
LEAD = 0.25
"""Seconds before that stroke."""
RECORDINGS: Mapping[Profile, tuple[int, int, int]] = {
    "smoke": (4, 2, 4),
    "quick": (300, 40, 120),
    "full": (10_000, 10_000, 10_000),
}
"""At most so many train, validate and test, evenly spread over all."""
BABY = {"test": (3, 6, 9, 12, 15, 18), "validation": (2, 8, 14)}
"""Songs of babyslakh by number; the others of its twenty train."""
KEYS = ((35, 36), (38, 40), (22, 26, 42, 44, 46))
"""MIDI keys of kick, snare and hat: General MIDI, and the edge of the hat on the Roland TD-11 (22, 26). The side stick
(37) is no snare, as in MDB Drums."""


@dataclass(frozen=True)
class Listed:
    """A recording as the data set lists it."""

    name: str
    side: str
    """`train`, `validation` or `test`; any other, as Slakh's `omitted`, is not used."""
    source: str
    audio: Path | None
    midi: Path | None
    problem: str = ""
    """Why it is not known whether it could be used."""


def load(name: str, home: Path | None, profile: Profile) -> Sides:
    """The recordings of a data set, on their sides.

    Raises
    ------
    DataError
        mirdata, the folder or the index is missing, or a side has too little.
    """
    used: dict[str, list[Recording]] = {"train": [], "validation": [], "test": []}
    present: dict[str, list[Listed]] = {side: [] for side in used}
    missing: list[str] = []
    for entry in LISTS[name](_dataset(name, home)):
        files = {"audio": entry.audio, "midi": entry.midi}
        absent = [f"no {kind}" for kind, path in files.items() if path is None or not path.is_file()]
        if entry.problem or (absent and entry.side in used):
            missing.append(f"{entry.name}: {entry.problem or ' and '.join(absent)}")
        elif entry.side in used:
            present[entry.side].append(entry)
    sources = sorted({entry.source for here in present.values() for entry in here})
    for (side, here), most in zip(present.items(), RECORDINGS[profile], strict=True):
        for entry in _spread(here, most):
            try:
                used[side].append(_recording(entry, sources.index(entry.source)))
            except UnusableError as reason:
                missing.append(f"{entry.name}: {reason}")
    return recordings.checked(Sides(used, tuple(missing)), name, _download(name))


def strokes(midi: bytes) -> tuple[np.ndarray, ...]:
    """Seconds of the strokes of each drum in a MIDI file, ascending; the same stroke twice counts once.

    Raises
    ------
    UnusableError
        It is no MIDI file, or has no stroke with a label.
    """
    import pretty_midi

    try:
        played = pretty_midi.PrettyMIDI(io.BytesIO(midi)).instruments
    except (OSError, ValueError, EOFError, KeyError, IndexError) as error:
        raise UnusableError(f"its MIDI file cannot be read ({error})") from None
    notes = [note for part in played if part.is_drum for note in part.notes]
    found = tuple(np.unique([round(note.start, 6) for note in notes if note.pitch in keys]) for keys in KEYS)
    if not any(map(len, found)):
        raise UnusableError(f"its MIDI file has no stroke on {', '.join(DRUM_NAMES)}")
    return found


def _recording(entry: Listed, source: int) -> Recording:
    assert entry.audio is not None and entry.midi is not None
    midi = recordings.content(entry.midi)
    heard = strokes(midi)
    start = max(0.0, round(min(times[0] for times in heard if len(times)) - LEAD, 3))
    return recordings.recording(entry.name, source, heard, entry.audio, midi, start, LONGEST)


def _spread(entries: Sequence[Listed], most: int) -> list[Listed]:
    """At most so many, evenly spread."""
    places = np.linspace(0, len(entries), min(most, len(entries)), endpoint=False).astype(int)
    return [entries[place] for place in places.tolist()]


def _groove(dataset: Any) -> Iterator[Listed]:
    for name, track in sorted(dataset.load_tracks().items()):
        yield Listed(name, str(track.split), name, _path(track.audio_path), _path(track.midi_path))


def _slakh(dataset: Any) -> Iterator[Listed]:
    """The drum stems. A song's stems are told apart by its metadata file, which is read once."""
    import yaml  # type: ignore[import-untyped]

    tracks = dataset.load_tracks()
    for song, parts in sorted(dataset.load_multitracks().items()):
        try:
            stems = yaml.safe_load(Path(parts.metadata_path).read_bytes())["stems"]
        except (OSError, TypeError, KeyError, yaml.YAMLError):
            yield Listed(song, "", song, None, None, "no metadata")
            continue
        for stem in sorted(stem for stem, about in stems.items() if about.get("is_drum")):
            if (track := tracks.get(f"{song}-{stem}")) is not None:
                side = track.split or _baby(song)
                yield Listed(track.track_id, side, song, _path(track.audio_path), _path(track.midi_path))


LISTS: Mapping[str, Callable[[Any], Iterator[Listed]]] = {"groove_midi": _groove, "slakh": _slakh}
"""What a data set lists, by its name."""


def _baby(song: str) -> str:
    number = int(song.removeprefix("Track"))
    return next((side for side, songs in BABY.items() if number in songs), "train")


def _path(path: str | None) -> Path | None:
    return Path(path) if path else None


def _dataset(name: str, home: Path | None) -> Any:
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
    version = "baby" if name == "slakh" and (home / "babyslakh_16k").is_dir() else "default"
    dataset = mirdata.initialize(name, data_home=str(home), version=version)
    own = home / Path(dataset.index_path).name
    if own.is_file():
        dataset.index_path = str(own)
    try:
        dataset.load_tracks()
    except (FileNotFoundError, ValueError, KeyError) as error:
        raise DataError(
            f"the index of {name} is not in {home} or in mirdata, or cannot be read; {_download(name)}"
        ) from error
    return dataset


def _download(name: str) -> str:
    return (
        f"get it with: python -c \"import mirdata; mirdata.initialize('{name}', data_home='DIR').download()\""
        " and give --data-home DIR"
    )
