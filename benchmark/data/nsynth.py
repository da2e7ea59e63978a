"""NSynth as it is published: its three parts, and ten notes of every instrument.

J. Engel et al., "Neural audio synthesis of musical notes with WaveNet autoencoders", ICML 2017. Ten notes of each
instrument are as many as Esling et al., DAFx 2020 took. Training shares no instrument with the other parts; validation
and test have instruments in common, which are left to test.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.data.splits import Side
from benchmark.errors import DataError

LAYOUT = (
    "download NSynth from magenta.tensorflow.org/datasets/nsynth (json/wav) and give --data-home DIR with"
    " DIR/nsynth-train, DIR/nsynth-valid and DIR/nsynth-test, each with examples.json and audio/*.wav"
)
PARTS: dict[str, Side] = {"nsynth-train": "train", "nsynth-valid": "validation", "nsynth-test": "test"}
EACH = 10
"""Notes of an instrument, at most: the first by the hash of their names."""


@dataclass(frozen=True)
class Note:
    """One note that is listed and there."""

    name: str
    """With its part before it."""
    path: Path
    key: int
    """MIDI."""
    instrument: str
    family: str
    """Of the instrument; empty where families were not asked for."""
    side: Side


@dataclass(frozen=True)
class Found:
    """What a folder has of NSynth."""

    notes: Sequence[Note]
    missing: Sequence[str]
    """Notes that are listed and not there, each with the reason."""
    not_used: Mapping[str, int]
    """How many are there by right and were not taken, by reason."""


def find(root: Path, families: Collection[str] | None = None) -> Found:
    """The notes of all parts, of some families of instruments or of all of them.

    Raises
    ------
    DataError
        The list of a part is absent, or is not NSynth's.
    """
    notes, missing, not_used = [], [], Counter[str]()
    taken: set[str] = set()
    for part in reversed(PARTS):
        seen: Counter[str] = Counter()
        listed = _listed(root / part / "examples.json", families is not None)
        for name in sorted(listed, key=lambda name: hashlib.sha256(name.encode()).digest()):
            about = listed[name]
            instrument, family = str(about["instrument_str"]), str(about.get("instrument_family_str", ""))
            path = root / part / "audio" / f"{name}.wav"
            if families is not None and family not in families:
                not_used[f"notes of {family}"] += 1
            elif instrument in taken or seen[instrument] == EACH:
                not_used["further notes of an instrument"] += 1
            elif not path.is_file():
                missing.append(f"{part}/{name}: {path.name} not there")
            else:
                seen[instrument] += 1
                notes.append(Note(f"{part}/{name}", path, int(about["pitch"]), instrument, family, PARTS[part]))
        taken |= set(seen)
    return Found(notes, missing, dict(not_used))


def _listed(path: Path, families: bool) -> dict[str, dict[str, Any]]:
    """What a part says of its notes, by name."""
    needed = {"pitch", "instrument_str"} | ({"instrument_family_str"} if families else set())
    try:
        listed = json.loads(path.read_bytes())
        if not all(needed <= set(about) for about in listed.values()):
            raise ValueError(f"a note lacks one of {', '.join(sorted(needed))}")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); {LAYOUT}") from error
    except (ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{path} is not NSynth's ({error}); {LAYOUT}") from error
    return dict(listed)
