"""Single notes for tasks that generate them: rendered, or played, by the name of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from benchmark.data import played, tones
from benchmark.data.soundfont import font
from benchmark.data.splits import Side
from benchmark.data.tones import Sides
from benchmark.task import DataSet, Profile

RENDERED = DataSet(
    "rendered",
    "single notes rendered from a sound font",
    "the font is GPL-2 and is read from the installed pretty_midi package; nothing is redistributed",
    needs_home=False,
)
DATASETS = (RENDERED, *played.DATASETS)

SECONDS: Mapping[Profile, float] = {"smoke": 0.5, "quick": 1.0, "full": 4.0}
"""Of a note."""
NOTES: Mapping[Profile, Mapping[Side, int]] = {
    "smoke": {"train": 54, "validation": 9, "test": 9},
    "quick": {"train": 432, "validation": 36, "test": 108},
    "full": {"train": 8100, "validation": 180, "test": 540},
}
"""About how many of each side."""


def load(
    name: str, home: Path | None, profile: Profile, seed: int, seconds: float | None = None, train: int | None = None
) -> Sides:
    """Fold `seed` of the sources tests, on the keys of fold `seed`; see :mod:`benchmark.data.tones`.

    Parameters
    ----------
    name
        Of one of `DATASETS`.
    home
        The folder of recordings; None where it needs none.
    profile
        How many notes.
    seed
        Which fold tests.
    seconds
        Of a note, where they are not those of the profile.
    train
        About how many notes to train on, likewise.

    Raises
    ------
    DataError
        The folder is absent, or a side has no usable note.
    """
    counts = dict(NOTES[profile])
    if train is not None:
        counts["train"] = train
    wanted = SECONDS[profile] if seconds is None else seconds, counts, seed
    held = tones.rendered(font(), *wanted) if name == RENDERED.name else played.load(name, home, *wanted)
    licence = next(data.licence for data in DATASETS if data.name == name)
    return replace(held, facts={"licence": licence, **held.facts})
