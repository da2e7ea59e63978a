"""The classical method: pYIN on every frame of a clip.

Mauch and Dixon, "pYIN: a fundamental frequency estimator using probabilistic threshold distributions", ICASSP 2014, as
librosa has it, with its defaults and a hop of 10 ms. Unlike the net it hears the whole clip: it smooths over time by a
hidden Markov model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.digest import digest_arrays

from .frames import Frames
from .model import RATE
from .recordings import HOP

Range = tuple[float, float]
"""Hz."""


def track(audio: np.ndarray, length: int, within: Range) -> tuple[np.ndarray, np.ndarray]:
    """What pYIN with frames of `length` samples says of int16 audio: Hz and voicing, (samples / HOP,) each."""
    import librosa

    hertz, voiced, _ = librosa.pyin(
        audio.astype(np.float32) / 32768,
        fmin=within[0], fmax=within[1], sr=RATE, frame_length=length, hop_length=HOP, fill_na=None,
    )  # fmt: skip
    frames = len(audio) // HOP
    return hertz[:frames], voiced[:frames]


def spanned(splits: Sequence[Frames]) -> Range:
    """Hz of the key under the lowest pitch of the splits and of the one over the highest, and a key beyond."""
    hertz = np.concatenate([split.hertz[split.hertz > 0] for split in splits])
    keys = 12 * np.log2(hertz / 440)
    lowest, highest = float(np.floor(keys.min())) - 1, float(np.ceil(keys.max())) + 1
    return 440 * 2 ** (lowest / 12), 440 * 2 ** (highest / 12)


def guesses(split: Frames, length: int, within: Range) -> tuple[np.ndarray, np.ndarray]:
    """Hz and voicing of the rows; clips are tracked whole, or come from the cache where it has them."""
    audio = [split.audio(item) for item in range(len(split.sources))]
    spec = {"code": generator_digest(Path(__file__)), "audio": digest_arrays(audio), "of": [length, *within]}

    def build() -> dict[str, np.ndarray]:
        hertz, voiced = zip(*(track(sound, length, within) for sound in audio), strict=True)
        return {"hertz": np.concatenate(hertz), "voiced": np.concatenate(voiced)}

    arrays = cached_arrays("pitch-pyin", spec, build)
    first = np.cumsum([0, *(len(sound) // HOP for sound in audio[:-1])])
    rows = np.concatenate([start + frames for start, frames in zip(first, split.frames, strict=True)])
    return arrays["hertz"][rows], arrays["voiced"][rows]
