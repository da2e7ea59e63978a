"""Parts of recordings as they lie in files: read once, known by what is heard, and turned into frames."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmark.data import logmel, recordings
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.logmel import LogMel
from benchmark.data.notes import resample
from benchmark.data.recordings import UnusableError


@dataclass(frozen=True, eq=False)
class Excerpt:
    """What is heard of a recording."""

    samples: np.ndarray
    """(samples, channels) float32, as stored."""
    rate: int
    """Samples a second."""

    @cached_property
    def digest(self) -> str:
        """Sha256 of the samples, their shape and their rate: the same in every container without loss."""
        stated = f"{self.rate} Hz {self.samples.shape}".encode()
        return hashlib.sha256(stated + self.samples.astype("<f4").tobytes()).hexdigest()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate

    def mono(self, rate: int) -> np.ndarray:
        """The mean of the channels, (samples,) float32 at `rate`."""
        mean: np.ndarray = self.samples.mean(1)
        return mean if rate == self.rate else resample(mean, self.rate, rate)

    def frames(self, mel: LogMel) -> np.ndarray:
        """Its frames, (frames, bands) float16, from the cache where it has them."""
        spec = {"heard": self.digest, "mel": asdict(mel), "code": generator()}
        return cached_arrays("frames", spec, lambda: {"frames": mel.frames(self.mono(mel.rate))})["frames"]


def excerpt(path: Path, start: float = 0.0, length: float | None = None) -> Excerpt:
    """So many seconds of a recording (None: to its end) from `start` on; a part beyond the end is cut there.

    Raises
    ------
    UnusableError
        The file is absent, empty or not audio, or it is silent there or holds values that are not numbers.
    """
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            rate = int(file.samplerate)
            file.seek(min(round(start * rate), file.frames))
            samples = file.read(-1 if length is None else round(length * rate), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        # Its own reasons do not tell an absent file from a damaged one.
        recordings.content(path)
        raise UnusableError(f"{path.name} is not readable as audio") from None
    if not np.isfinite(samples).all():
        raise UnusableError(f"{path.name} holds values that are not numbers")
    if not samples.any():
        raise UnusableError(f"{path.name} is silent")
    return Excerpt(samples, rate)


def generator() -> str:
    """Digest of the code that frames of excerpts come from."""
    return generator_digest(logmel, Path(__file__))
