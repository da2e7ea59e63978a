"""Rendered clips of a fold, made once and kept as frames.

A fold has its own sounds. A seed only chooses which folds train, validate and test, so all seeds share one rendering.
Which sound leads and who plays what is drawn for the default font; another font can play the same clips.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmark.data import clips, logmel, room
from benchmark.data.cache import generator_digest
from benchmark.data.clips import Clip, Rendering
from benchmark.data.notes import renderer_digest
from benchmark.data.soundfont import SoundFont, font
from benchmark.digest import digest_json

from . import arrange, features, merging, playing, sounds
from .features import MEL
from .merging import merged
from .sounds import folds


def generator(other: SoundFont | None = None) -> str:
    """Digest of the code and the fonts that the clips come from."""
    code = generator_digest(sounds, playing, arrange, features, merging, logmel, room, clips, Path(__file__))
    return digest_json([code, *(renderer_digest(one) for one in (font(), other) if one is not None)])


def render(fold: int, index: int, other: SoundFont | None = None) -> tuple[np.ndarray, np.ndarray, int]:
    """Audio (SAMPLES,) int16, onsets in seconds and source of one clip; clips do not depend on others.

    `other` is the font that plays it, if not the default one.
    """
    rng = np.random.default_rng([fold, index])
    here = folds(font())[fold]
    lead = here[index % len(here)]
    others = [source for source in here if source is not lead and source.presets]
    kits = [source for source in here if source is not lead and source.drums]
    audio, onsets = arrange.perform(other or font(), lead, others, kits, rng)
    return audio, merged(onsets), lead.number


def fold_clips(fold: int, count: int, other: SoundFont | None = None) -> tuple[list[Clip], str]:
    """The first clips of a fold and the sha256 of their audio, from the cache where it has them."""

    def clip(index: int) -> Rendering:
        audio, onsets, source = render(fold, index, other)
        return audio, [onsets], source

    return clips.rendered("onsets", {"generator": generator(other), "fold": fold}, count, clip, MEL)
