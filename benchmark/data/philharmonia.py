"""The Philharmonia Orchestra's sound samples as they lie in a folder: names, labels, and what cannot be used.

Nothing here decodes audio. The folder is the published one, `DIR/audio/<instrument>/*.mp3` or `DIR/<instrument>/*.mp3`,
with names `<instrument>_<note>_<duration>_<dynamics>_<articulation>.mp3`, such as `oboe_As4_15_forte_normal.mp3`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.data.recordings import digest, sort_out
from benchmark.errors import DataError
from benchmark.task import DataSet

_NAMES = "<instrument>_<note>_<duration>_<dynamics>_<articulation>.mp3"
DATA = DataSet(
    "philharmonia",
    "Philharmonia Orchestra sound samples, 12 instruments",
    "free to use, also commercially; not to be sold or passed on as samples",
    needs_home=True,
    layout="download the sound samples of these instruments from the Philharmonia Orchestra's web site"
    f" and put them as DIR/audio/<instrument>/{_NAMES}",
)
INSTRUMENTS = (
    "bass clarinet", "bassoon", "cello", "clarinet", "contrabassoon", "cor anglais",
    "double bass", "flute", "french horn", "oboe", "saxophone", "trombone",
)  # fmt: skip
DURATIONS = ("1", "15")
ARTICULATIONS = ("normal", "arco-normal")

_ALIASES = {"english horn": "cor anglais"}
_NAME = re.compile(
    r"(?P<instrument>[a-z-]+)_(?P<letter>[A-G])(?P<sharp>s?)(?P<octave>\d)"
    r"_(?P<duration>[a-z0-9-]+)_(?P<dynamics>[a-z-]+)_(?P<articulation>[a-z0-9-]+)\.mp3"
)
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True, order=True)
class Note:
    """One note of one instrument."""

    instrument: str
    midi: int

    @property
    def source(self) -> int:
        """A number of its own, the same in every folder that has the note."""
        return 128 * INSTRUMENTS.index(self.instrument) + self.midi

    @property
    def hertz(self) -> float:
        """Of the name, equally tempered at 440 Hz."""
        return float(440 * 2 ** ((self.midi - 69) / 12))

    def __str__(self) -> str:
        octave, semitone = divmod(self.midi, 12)
        return f"{('C', 'Cs', 'D', 'Ds', 'E', 'F', 'Fs', 'G', 'Gs', 'A', 'As', 'B')[semitone]}{octave - 1}"


@dataclass(frozen=True)
class Name:
    """What a file name says."""

    note: Note
    duration: str
    dynamics: str
    articulation: str


@dataclass(frozen=True)
class Recording:
    """One usable-looking file."""

    path: Path
    note: Note
    sha256: str
    """Of the file's bytes."""

    @property
    def label(self) -> str:
        """Folder and file name: how a manifest names it."""
        return f"{self.path.parent.name}/{self.path.name}"


@dataclass(frozen=True)
class Folder:
    """What was found."""

    root: Path
    """The folder that has the instruments' folders."""
    files: int
    """How many mp3 the 12 instruments' folders have."""
    recordings: tuple[Recording, ...]
    """By instrument, then by file name."""
    missing: tuple[str, ...]
    """Files that should be usable and are not, each with the reason."""
    not_used: dict[str, object]
    """There by right, and not of this data set: names of instruments, counts of durations and of articulations."""


def parse(name: str) -> Name | None:
    """Read a file name; None where it is not of the published form."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    midi = 12 * (int(match["octave"]) + 1) + _SEMITONES[match["letter"]] + len(match["sharp"])
    note = Note(_canonical(match["instrument"]), midi)
    return Name(note, match["duration"], match["dynamics"], match["articulation"])


def scan(home: Path | None) -> Folder:
    """List a folder's recordings of the 12 instruments, sustained and played normally.

    Files of other lengths and ways of playing are counted and left out, so that the whole published set and a copy
    of its part that is used here give the same data.

    Raises
    ------
    DataError
        No folder was named, or it has no mp3.
    """
    root = _root(home)
    folders = sorted(folder for folder in root.iterdir() if folder.is_dir())
    known = [folder for folder in folders if _canonical(folder.name) in INSTRUMENTS]
    files = [path for folder in known for path in sorted(folder.iterdir()) if path.suffix.lower() == ".mp3"]
    if not files:
        raise DataError(f"no mp3 in {root}/<instrument>/; {DATA.layout}")
    wanted: dict[str, tuple[Path, Note]] = {}
    misnamed: list[str] = []
    durations: Counter[str] = Counter()
    articulations: Counter[str] = Counter()
    for path in files:
        name, label = parse(path.name), f"{path.parent.name}/{path.name}"
        if name is None or name.note.instrument != _canonical(path.parent.name):
            misnamed.append(f"{label}: not named {_NAMES} after its folder")
        elif name.duration not in DURATIONS:
            durations[name.duration] += 1
        elif name.articulation not in ARTICULATIONS:
            articulations[name.articulation] += 1
        else:
            wanted[label] = path, name.note
    read, unread = sort_out(wanted, lambda label: Recording(*wanted[label], digest(wanted[label][0])))
    recordings = sorted(read.values(), key=lambda r: (r.note.instrument, r.path.name))
    twice = _under_two_names(recordings)
    wrong = [f"{r.label}: the same bytes as a file of another note" for r in recordings if r.sha256 in twice]
    return Folder(
        root,
        len(files),
        tuple(r for r in recordings if r.sha256 not in twice),
        (*misnamed, *unread, *wrong),
        {
            "instruments": [folder.name for folder in folders if folder not in known],
            "durations": dict(sorted(durations.items())),
            "articulations": dict(sorted(articulations.items())),
        },
    )


def _canonical(name: str) -> str:
    name = name.replace("-", " ").strip().lower()
    return _ALIASES.get(name, name)


def _root(home: Path | None) -> Path:
    if home is None:
        raise DataError(f"the data set philharmonia needs recordings; {DATA.layout}")
    if not home.is_dir():
        raise DataError(f"no folder {home}; {DATA.layout}")
    return home / "audio" if (home / "audio").is_dir() else home


def _under_two_names(recordings: Sequence[Recording]) -> frozenset[str]:
    """Contents that carry two labels: at most one is right, and which cannot be told from here."""
    notes: dict[str, set[Note]] = {}
    for recording in recordings:
        notes.setdefault(recording.sha256, set()).add(recording.note)
    return frozenset(sha256 for sha256, labels in notes.items() if len(labels) > 1)
