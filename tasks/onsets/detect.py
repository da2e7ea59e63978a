"""The classical reference: librosa's onset detection on the same audio.

Half-wave rectified flux of a mel spectrogram (`librosa.onset.onset_strength`; Boeck and Widmer, "Maximum filter vibrato
suppression for onset detection", DAFx 2013) and `librosa.onset.onset_detect`, every 10 ms. What its user may set is
chosen on the validation clips: whether vibrato is suppressed, and how far a peak must stand over the mean around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.audio.events import Events, score_items
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.excerpts import excerpt
from benchmark.data.sides import Recording
from benchmark.data.soundfont import SoundFont
from benchmark.metrics import reduction

from . import rendered
from .features import MEL, RATE
from .libraries import SETS
from .recording import Listed

KINDS: Mapping[str, Mapping[str, Any]] = {
    "flux": {},
    "superflux": {"lag": 2, "max_size": 3, "n_mels": 138, "fmin": 27.5, "fmax": 16_000.0},
}
"""Settings of `onset_strength`: its own, and those of Boeck and Widmer as librosa's documentation has them."""
THRESHOLDS = tuple(float(d) for d in np.geomspace(0.01, 0.6, 16))
"""Values of `delta`, in parts of the clip's largest strength."""

Strengths = Sequence[np.ndarray]
"""(kinds, frames) of every clip."""
Setting = tuple[int, float]
"""A place in `KINDS`, and a threshold."""


def strength(audio: np.ndarray) -> np.ndarray:
    """(kinds, frames) float32 onset strength of audio (samples,) in -1 to 1."""
    import librosa

    return np.stack(
        [
            librosa.onset.onset_strength(y=audio.astype(np.float32), sr=RATE, hop_length=MEL.hop, **settings)
            for settings in KINDS.values()
        ]
    ).astype(np.float32)


def onsets(strengths: np.ndarray, setting: Setting) -> np.ndarray:
    """Seconds of the onsets of one clip."""
    import librosa

    kind, delta = setting
    found = librosa.onset.onset_detect(
        onset_envelope=strengths[kind], sr=RATE, hop_length=MEL.hop, delta=delta, units="time"
    )
    return np.asarray(found, np.float64)


def choose(strengths: Strengths, truth: Sequence[Events], tolerance: float) -> Setting:
    """The setting that has the best pooled F1."""
    pooled = reduction("pooled_f1")

    def f1(setting: Setting) -> float:
        return pooled(score_items(truth, [[onsets(one, setting)] for one in strengths], tolerance))

    return max(product(range(len(KINDS)), THRESHOLDS), key=f1)


def of_fold(fold: int, count: int, other: SoundFont | None = None) -> list[np.ndarray]:
    """Strengths of the first clips of a fold, from the cache where it has them."""
    spec = {"clips": rendered.generator(other), "code": generator_digest(Path(__file__)), "fold": fold, "count": count}
    return _cached(spec, (rendered.render(fold, index, other)[0] / 32768 for index in range(count)))


def of_recordings(name: str, listed: Mapping[str, Listed], here: Sequence[Recording]) -> list[np.ndarray]:
    """Strengths of recordings of a data set, from the cache where it has them."""
    spec = {"heard": [one.digest for one in here], "code": generator_digest(Path(__file__))}
    return _cached(spec, (excerpt(listed[one.name].audio(), length=SETS[name].longest).mono(RATE) for one in here))


def _cached(spec: Mapping[str, object], sounds: Iterable[np.ndarray]) -> list[np.ndarray]:
    def build() -> dict[str, np.ndarray]:
        made = [strength(audio) for audio in sounds]
        return {"strengths": np.concatenate(made, 1), "frames": np.array([one.shape[1] for one in made])}

    arrays = cached_arrays("onsets-librosa", spec, build)
    return np.split(arrays["strengths"], np.cumsum(arrays["frames"])[:-1], axis=1)
