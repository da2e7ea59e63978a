"""The data sets of this task, each with its classes and how a net is trained on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmark.data import philharmonia
from benchmark.task import Batch, Data, DataSet, Profile, Training

from . import augment, folders, instruments, mir, orchestra, singing, sounds

FONT = "the font is GPL-2 and is read from the installed pretty_midi package; nothing is redistributed"


@dataclass(frozen=True)
class Set:
    """What the task needs to know of a data set."""

    dataset: DataSet
    classes: tuple[str, ...]
    load: Callable[[Path | None, Profile, int], Data]
    """From the folder of the recordings, the profile and the seed."""
    steps: Mapping[Profile, int]
    """Of training."""
    vary: Callable[[Batch, torch.Generator], Batch] = augment.in_level
    """What becomes of training rows."""

    def training(self, profile: Profile) -> Training:
        """The recipe: one schedule for all, as long as the data need."""
        return Training(steps=self.steps[profile], batch=32, learning_rate=4e-3, weight_decay=1e-2)


MADE: Mapping[Profile, int] = {"smoke": 60, "quick": 1250, "full": 2500}
"""For what is made at run time: a sweep of `quick` stays within four minutes of one core."""
SHORT: Mapping[Profile, int] = {"smoke": 60, "quick": 1300, "full": 2600}
"""For sets with up to a few thousand recordings."""
LONG: Mapping[Profile, int] = {"smoke": 60, "quick": 2600, "full": 10_400}
"""For sets with thousands of recordings."""

_ALL = (
    Set(
        DataSet("instruments", "single notes of 13 instruments rendered from a sound font", FONT, needs_home=False),
        sounds.CLASSES,
        instruments.load,
        MADE,
        augment.in_colour,
    ),
    Set(
        DataSet(
            "instruments_two_fonts",
            "the same from two sound fonts: the second, FluidR3, must be installed",
            f"{FONT}; FluidR3 is MIT",
            needs_home=False,
        ),
        sounds.CLASSES,
        instruments.load_two,
        MADE,
        augment.in_colour,
    ),
    Set(
        DataSet(
            "singing", "ten singing techniques by synthetic singers", "made by our own code: MIT", needs_home=False
        ),
        singing.CLASSES,
        singing.load,
        MADE,
        augment.in_colour,
    ),
    Set(philharmonia.DATA, philharmonia.INSTRUMENTS, orchestra.load, SHORT),
    Set(mir.MEDLEY, mir.MEDLEY_CLASSES, mir.medley, LONG),
    Set(mir.TINYSOL, tuple(mir.TINYSOL_NAMES.values()), mir.tinysol, SHORT),
    Set(mir.IRMAS, tuple(mir.IRMAS_NAMES.values()), mir.irmas, LONG),
    Set(folders.VOCALSET, folders.TECHNIQUE_NAMES, folders.vocalset, LONG),
    Set(folders.NSYNTH, folders.FAMILIES, folders.nsynth, LONG),
)
SETS: Mapping[str, Set] = {one.dataset.name: one for one in _ALL}
"""By name; the first is the default."""
