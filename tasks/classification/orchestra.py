"""From a folder of recordings to three splits and their manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.philharmonia import DATA, INSTRUMENTS, Folder, Note, Recording, scan
from benchmark.digest import digest_json
from benchmark.errors import DataError
from benchmark.task import Data, Profile

from . import features
from .clips import SIDES, Clips, Side, content, side_of
from .quarters import QUARTERS, assign, order

SMOKE_NOTES = 8
"""Notes of an instrument in the smoke profile."""


def load(home: Path | None, profile: Profile, seed: int) -> Data:
    """The splits of a folder.

    The digest is over the bytes of the recordings and the code of the features, not over the features: those differ
    in their last bits from machine to machine.

    Raises
    ------
    DataError
        The folder is absent, has no mp3, or has fewer than four usable notes of an instrument.
    """
    folder = scan(home)
    notes_each = SMOKE_NOTES if profile == "smoke" else None
    chosen = _recordings(folder, notes_each)
    arrays = _features(chosen)
    notes = {i: recording.note for i, recording in enumerate(chosen) if arrays["status"][i] == features.OK}
    _require_quarters(notes.values(), folder.root)
    sides = assign(notes.values(), seed)
    parts = {side: _side(arrays["features"], notes, sides, side) for side in SIDES}
    digests = {i: recording.sha256 for i, recording in enumerate(chosen)}
    held = {side: content(part, digests) for side, part in parts.items()}
    manifest = {
        "classes": list(INSTRUMENTS),
        "notes_each": notes_each,
        "files": folder.files,
        "missing": [*folder.missing, *_failures(chosen, arrays["status"])],
        "not_used": folder.not_used,
        "splits": {side: _describe(part, notes) for side, part in parts.items()},
    }
    return Data(
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
        digest=digest_json({"features": generator_digest(Path(features.__file__)), "content": held}),
        manifest=manifest,
    )


def _recordings(folder: Folder, notes_each: int | None) -> list[Recording]:
    shuffled = order(recording.note for recording in folder.recordings)
    kept = {note for notes in shuffled.values() for note in notes[:notes_each]}
    return [recording for recording in folder.recordings if recording.note in kept]


def _features(recordings: list[Recording]) -> Mapping[str, np.ndarray]:
    spec = {
        "files": [recording.sha256 for recording in recordings],
        "code": generator_digest(Path(features.__file__)),
    }
    return cached_arrays("classification", spec, lambda: features.extract([r.path for r in recordings]))


def _require_quarters(notes: Iterable[Note], root: Path) -> None:
    """Every instrument needs a note for each quarter of the split."""
    count = Counter(note.instrument for note in set(notes))
    few = [f"{name} ({count[name]})" for name in INSTRUMENTS if count[name] < QUARTERS]
    if few:
        raise DataError(f"{root} has fewer than {QUARTERS} usable notes of {', '.join(few)}; {DATA.layout}")


def _failures(recordings: list[Recording], status: np.ndarray) -> list[str]:
    return [
        f"{recording.label}: {features.REASONS[int(code)]}"
        for recording, code in zip(recordings, status, strict=True)
        if code != features.OK
    ]


def _side(features: np.ndarray, notes: Mapping[int, Note], sides: Mapping[Note, Side], side: Side) -> Clips:
    """The recordings of one side; `notes` maps the number of every usable recording to its note."""
    index = [i for i, note in notes.items() if sides[note] == side]
    labels = [INSTRUMENTS.index(notes[i].instrument) for i in index]
    return side_of(features, [[i] for i in index], labels, [notes[i].source for i in index])


def _describe(part: Clips, notes: Mapping[int, Note]) -> dict[str, object]:
    """How many clips of how many notes, and which notes."""
    clips = Counter(notes[int(i)].instrument for i in part.index)
    held = sorted({notes[int(i)] for i in part.index})
    return {
        "items": len(part),
        "sources": len(held),
        "items_by_class": {name: clips[name] for name in INSTRUMENTS},
        "notes": {name: " ".join(str(note) for note in held if note.instrument == name) for name in INSTRUMENTS},
    }
