"""Drum recordings with MIDI beside them, read through mirdata: Groove MIDI and Slakh.

Groove MIDI (Gillick et al., "Learning to groove with inverse sequence transformations", ICML 2019) is played by
drummers on one electronic kit; Slakh (Manilow et al., "Cutting music source separation some Slakh", WASPAA 2019) is
rendered from MIDI by sampled kits, of which the drum stems are taken. Both have official splits, but for Slakh's small
version, whose songs are dealt here once and for all.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.data import mirsets
from benchmark.data.mirsets import MirSet
from benchmark.data.recordings import UnusableError, content, sort_out
from benchmark.data.sides import Recording, Sides, checked
from benchmark.data.splits import SIDES, Side
from benchmark.task import DataSet, Mirdata, Profile

from .recordings import read
from .sounds import DRUM_NAMES

GROOVE = DataSet(
    "groove_midi",
    "Groove MIDI, drummers on an electronic kit",
    "CC BY 4.0",
    needs_home=True,
    mirdata=Mirdata("groove_midi", files=("audio", "midi")),
    layout="or from magenta.tensorflow.org/datasets/groove unpack groove-v1.0.0.zip into DIR",
)
SLAKH = DataSet(
    "slakh",
    "Slakh2100-redux, the drum stems",
    "CC BY 4.0",
    needs_home=True,
    mirdata=Mirdata("slakh", "2100-redux", files=("audio", "midi")),
    layout="or from zenodo.org/records/4599666 unpack slakh2100_flac_redux.tar.gz (100 GB) into DIR",
)
BABYSLAKH = DataSet(
    "babyslakh",
    "BabySlakh, the drum stems of 20 songs of Slakh at 16 kHz",
    "CC BY 4.0",
    needs_home=True,
    mirdata=Mirdata("slakh", "baby", files=("audio", "midi")),
    layout="or from zenodo.org/records/4603870 unpack babyslakh_16k.tar.gz into DIR",
)
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
    """What a data set says of a recording."""

    side: str
    """`train`, `validation` or `test`; any other, as Slakh's `omitted`, is not used."""
    source: str


def load(data: DataSet, home: Path | None, profile: Profile) -> Sides:
    """The recordings of a data set, on their sides.

    Raises
    ------
    DataError
        mirdata, the folder or the index is missing, or a side has too little.
    """
    found = mirsets.opened(data, home)
    with mirsets.table_of(data):
        listed, missing = LISTS[data.name](found)
    wanted = [name for name, one in listed.items() if one.side in SIDES]
    files, absent = sort_out(wanted, lambda name: (found.path(name, "audio"), found.path(name, "midi")))
    sources = sorted({listed[name].source for name in files})
    missing += absent
    used: dict[Side, list[Recording]] = {}
    for side, most in zip(SIDES, RECORDINGS[profile], strict=True):
        here = _spread([name for name in files if listed[name].side == side], most)
        usable, broken = sort_out(here, lambda name: _recording(name, listed[name].source, sources, *files[name]))
        used[side] = list(usable.values())
        missing += broken
    return checked(used, missing, data, DRUM_NAMES)


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


def _recording(name: str, source: str, sources: Sequence[str], audio: Path, midi: Path) -> Recording:
    heard = strokes(content(midi))
    start = max(0.0, round(min(times[0] for times in heard if len(times)) - LEAD, 3))
    return Recording(name, source, *read(audio, heard, sources.index(source), start, LONGEST))


def _spread(entries: Sequence[str], most: int) -> list[str]:
    """At most so many, evenly spread."""
    places = np.linspace(0, len(entries), min(most, len(entries)), endpoint=False).astype(int)
    return [entries[place] for place in places.tolist()]


def _groove(found: MirSet) -> tuple[dict[str, Listed], list[str]]:
    return {name: Listed(str(track.split), name) for name, track in sorted(found.tracks().items())}, []


def _slakh(found: MirSet) -> tuple[dict[str, Listed], list[str]]:
    """The drum stems, and songs of which they are not known. A song's metadata file, which tells them, is read once."""
    import yaml  # type: ignore[import-untyped]

    tracks = found.tracks()
    songs = found.dataset.load_multitracks()

    def stems(song: str) -> dict[str, Listed]:
        try:
            known = yaml.safe_load(Path(songs[song].metadata_path).read_bytes())["stems"]
        except (OSError, TypeError, KeyError, yaml.YAMLError):
            raise UnusableError("no metadata") from None
        drums = (f"{song}-{stem}" for stem in sorted(known) if known[stem].get("is_drum"))
        return {name: Listed(tracks[name].split or _baby(song), song) for name in drums if name in tracks}

    listed, missing = sort_out(sorted(songs), stems)
    return {name: one for of_song in listed.values() for name, one in of_song.items()}, missing


def _baby(song: str) -> str:
    number = int(song.removeprefix("Track"))
    return next((side for side, songs in BABY.items() if number in songs), "train")


LISTS: Mapping[str, Callable[[MirSet], tuple[dict[str, Listed], list[str]]]] = {
    "groove_midi": _groove,
    "slakh": _slakh,
    "babyslakh": _slakh,
}
"""The recordings of a data set, and what is not known of it, by its name."""
