"""Clips of a fold, rendered once and kept as constant-Q features.

A fold has its own sounds and its own families of progressions. A seed only chooses which folds train, validate and
test, so all seeds share one rendering.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.notes import renderer_digest
from benchmark.data.soundfont import font

from . import arrange, harmony, piece, sounds
from .harmony import FAMILIES, Family
from .model import BINS
from .model import FRAMES as PATCH
from .piece import FRAMES, HOP, RATE

BINS_PER_SEMITONE = 2
MOST_SEMITONES = 4
"""How far the augmentation transposes, as the authors' transposer."""
MARGIN = BINS_PER_SEMITONE * MOST_SEMITONES
LOWEST = 65.406
"""Hz of the patch's lowest bin: C2."""
CONTEXT = PATCH // 2
"""Frames of silence on each side of a clip, so that its first and last frames have a whole patch."""
COMPRESSION = 20.0
"""Of magnitudes in units of the clip's mean."""


@dataclass(frozen=True)
class Clips:
    """The clips of one fold.

    Attributes
    ----------
    features : np.ndarray
        (clips, BINS + 2 MARGIN, FRAMES + 2 CONTEXT) float16.
    codes : np.ndarray
        (clips, FRAMES) int16, places in `harmony.LABELS`.
    sources, families : np.ndarray
        (clips,) int16, numbers over all folds.
    audio_digest : str
        sha256 of the rendered int16 audio.
    """

    features: np.ndarray
    codes: np.ndarray
    sources: np.ndarray
    families: np.ndarray
    audio_digest: str

    def first(self, count: int) -> Clips:
        """The first clips only; the digest stays that of the whole rendering."""
        return replace(
            self,
            features=self.features[:count],
            codes=self.codes[:count],
            sources=self.sources[:count],
            families=self.families[:count],
        )


def families(fold: int) -> tuple[tuple[int, Family], ...]:
    """Numbers and families of a fold: five functional ones and a random walk."""
    return tuple(enumerate(FAMILIES))[fold :: sounds.FOLDS]


def generator() -> str:
    """Digest of the code and the font that the clips come from."""
    code = generator_digest(harmony, piece, sounds, arrange, Path(__file__))
    return hashlib.sha256(f"{code} {renderer_digest(font())}".encode()).hexdigest()


def render(fold: int, index: int) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Audio (FRAMES * HOP,) int16, codes (FRAMES,), source and family of one clip; clips do not depend on others."""
    rng = np.random.default_rng([fold, index])
    here = sounds.folds(font())[fold]
    source, family = cast(index, len(here.sources), len(families(fold)))
    number, progressions = families(fold)[family]
    what = piece.compose(progressions, rng)
    audio = arrange.perform(font(), here, here.sources[source], what, rng)
    return audio, what.codes(), here.numbers[source], number


def cast(index: int, sources: int, families: int) -> tuple[int, int]:
    """Which source and which family of a fold clip `index` has: in turn, so that every source meets every family."""
    source = index % sources
    return source, (source + index // sources) % families


def constant_q(audio: np.ndarray) -> np.ndarray:
    """(BINS + 2 MARGIN, FRAMES + 2 CONTEXT) float32: log-compressed magnitudes of int16 audio with silence around it.

    Magnitudes are in units of the clip's mean, so that its gain does not matter.

    A frame is centred on the middle of its hop, so that frame i answers for seconds i HOP / RATE to (i + 1) HOP / RATE.
    """
    import librosa

    padded = np.pad(audio.astype(np.float32) / 32768, CONTEXT * HOP)[HOP // 2 :]
    lowest = LOWEST * 2 ** (-MOST_SEMITONES / 12)
    magnitude = np.abs(
        librosa.cqt(
            padded,
            sr=RATE,
            hop_length=HOP,
            fmin=lowest,
            n_bins=BINS + 2 * MARGIN,
            bins_per_octave=12 * BINS_PER_SEMITONE,
        )
    )
    magnitude = magnitude[:, : FRAMES + 2 * CONTEXT]
    level = magnitude[:, CONTEXT:-CONTEXT].mean() + 1e-9
    compressed: np.ndarray = np.log1p(COMPRESSION * magnitude / level).astype(np.float32)
    return compressed


def clips(fold: int, count: int) -> Clips:
    """The first `count` clips of a fold, from the cache where it has them."""
    arrays = cached_arrays(
        "chords", {"generator": generator(), "fold": fold, "clips": count}, lambda: _build(fold, count)
    )
    digest = bytes(arrays.pop("audio_digest")).hex()
    return Clips(**arrays, audio_digest=digest)


def _build(fold: int, count: int) -> dict[str, np.ndarray]:
    rendered = [render(fold, index) for index in range(count)]
    total = hashlib.sha256()
    for audio, *_ in rendered:
        total.update(audio.astype("<i2").tobytes())
    return {
        "features": np.stack([constant_q(audio) for audio, *_ in rendered]).astype(np.float16),
        "codes": np.stack([codes for _, codes, _, _ in rendered]),
        "sources": np.array([source for *_, source, _ in rendered], np.int16),
        "families": np.array([family for *_, family in rendered], np.int16),
        "audio_digest": np.frombuffer(total.digest(), np.uint8),
    }
