"""Data sets read from the folders that they are published as: VocalSet (techniques) and NSynth (instruments)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.data import splits
from benchmark.data.splits import Manifest
from benchmark.errors import DataError
from benchmark.task import Data, DataSet, Profile

from . import recorded
from .clips import Side
from .recorded import Found, Take
from .techniques import TECHNIQUES

VOCALSET = DataSet(
    "vocalset",
    "VocalSet: ten techniques by 20 singers (Wilkins et al., ISMIR 2018)",
    "CC BY 4.0",
    needs_home=True,
    layout="download VocalSet from zenodo.org/records/1442513 and give --data-home DIR with"
    " DIR/FULL/<singer>/<exercise>/<technique>/*.wav",
)
TECHNIQUE_NAMES = tuple(TECHNIQUES)
VOCALSET_SPLIT = "0fa960814fdc433c4ba0ad1aab0f6852f012b89bcd7b9ae16e6a73244bad0467"

NSYNTH = DataSet(
    "nsynth",
    "NSynth: notes of ten instrument families, ten of each of 1,000 instruments (Engel et al., ICML 2017)",
    "CC BY 4.0",
    needs_home=True,
    layout="download NSynth from magenta.tensorflow.org/datasets/nsynth (json/wav) and give --data-home DIR with"
    " DIR/nsynth-train, DIR/nsynth-valid and DIR/nsynth-test, each with examples.json and audio/*.wav",
)
FAMILIES = ("bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "vocal")
"""Without `synth_lead`, which the published validation and test parts do not have."""
NOTES = 10
"""Of each instrument, by hash of their names: as many as Esling et al., DAFx 2020 took."""
_PARTS: Mapping[str, Side] = {"nsynth-train": "train", "nsynth-valid": "validation", "nsynth-test": "test"}


def vocalset(home: Path | None, profile: Profile, seed: int) -> Data:
    """By singer, the same split for every seed; three seconds a take."""
    return recorded.build(find_vocalset(home), TECHNIQUE_NAMES, 3, profile, VOCALSET.layout)


def nsynth(home: Path | None, profile: Profile, seed: int) -> Data:
    """The published parts. Instruments that both validation and test have are left to test."""
    return recorded.build(find_nsynth(home), FAMILIES, 1, profile, NSYNTH.layout)


def singer_split() -> Manifest:
    """Which singer is on which side; it never changes."""
    return splits.read(Path(__file__).with_name("splits") / "vocalset.json", VOCALSET_SPLIT)


def find_vocalset(home: Path | None) -> Found:
    """The takes of the ten techniques by the singers of the split."""
    root = _folder(VOCALSET, home)
    root = root / "FULL" if (root / "FULL").is_dir() else root
    manifest, not_used = singer_split(), Counter[str]()
    takes = []
    for path in sorted(root.rglob("*.wav")):
        place = path.relative_to(root).parts
        if path.name.startswith(".") or len(place) != 4:
            not_used["files that are not <singer>/<exercise>/<technique>/*.wav"] += 1
        elif place[2] not in TECHNIQUE_NAMES:
            not_used["takes of other techniques"] += 1
        else:
            side = manifest.side(place[0], 0)
            if side is None:
                not_used[f"takes of {place[0]}, who is not in the split"] += 1
            else:
                takes.append(Take("/".join(place), path, TECHNIQUE_NAMES.index(place[2]), place[0], side))
    if not takes:
        raise DataError(f"no take of the ten techniques in {root}; {VOCALSET.layout}")
    absent = sorted(set(manifest.items) - {take.source for take in takes})
    return Found(takes, [f"{singer}: no take there" for singer in absent], dict(not_used))


def find_nsynth(home: Path | None) -> Found:
    """Ten notes of every instrument, in the published parts."""
    root = _folder(NSYNTH, home)
    takes, missing, not_used = [], [], Counter[str]()
    for part, side in _PARTS.items():
        seen: Counter[str] = Counter()
        listed = _examples(root / part / "examples.json")
        for name in sorted(listed, key=lambda name: hashlib.sha256(name.encode()).digest()):
            about = listed[name]
            family, instrument = about["instrument_family_str"], about["instrument_str"]
            path = root / part / "audio" / f"{name}.wav"
            if family not in FAMILIES:
                not_used[f"notes of {family}"] += 1
            elif seen[instrument] == NOTES:
                not_used["further notes of an instrument"] += 1
            elif not path.is_file():
                missing.append(f"{part}/{name}: {path.name} not there")
            else:
                seen[instrument] += 1
                takes.append(Take(f"{part}/{name}", path, FAMILIES.index(family), instrument, side))
    return Found(takes, missing, dict(not_used))


def _examples(path: Path) -> dict[str, dict[str, Any]]:
    try:
        listed = json.loads(path.read_bytes())
        if not all({"instrument_family_str", "instrument_str"} <= set(about) for about in listed.values()):
            raise ValueError("a note lacks its instrument")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); {NSYNTH.layout}") from error
    except (ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{path} is not NSynth's ({error}); {NSYNTH.layout}") from error
    return dict(listed)


def _folder(data: DataSet, home: Path | None) -> Path:
    if home is None:
        raise DataError(f"the data set {data.name} needs recordings; {data.layout}")
    if not home.is_dir():
        raise DataError(f"no folder {home}; {data.layout}")
    return home
