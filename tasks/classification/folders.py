"""Data sets read from the folders that they are published as: VocalSet (techniques) and NSynth (instruments).

The split of VocalSet is our own list of singers, written down in `splits/vocalset.json`. What is known: the archive
has `train_singers_technique.txt` and `test_singers_technique.txt`, which by its readme name the singers that its
authors trained and tested their classifier of techniques on. What is not: we have not read these two files. Our five
test singers are those that two users of the archive report from them, independently; which singers validate is our
choice. Esling et al., ISMIR 2020 tested on five others (by their code female5, female8, male4, male7, male10). So a
score here is not to be called one of a published split.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from benchmark.data import nsynth as published
from benchmark.data import splits
from benchmark.data.played import folder
from benchmark.data.splits import Manifest
from benchmark.errors import DataError
from benchmark.task import Data, DataSet, Profile

from . import recorded
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
    layout=published.LAYOUT,
)
FAMILIES = ("bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "vocal")
"""Without `synth_lead`, which the published validation and test parts do not have."""


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
    root = folder(VOCALSET, home)
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
    found = published.find(folder(NSYNTH, home), FAMILIES)
    takes = [Take(n.name, n.path, FAMILIES.index(n.family), n.instrument, n.side) for n in found.notes]
    return Found(takes, found.missing, found.not_used)
