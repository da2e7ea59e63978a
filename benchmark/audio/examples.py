"""Generated notes as files that a person can hear, with their levels checked."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from benchmark.errors import BenchError
from benchmark.files import write_whole


@dataclass(frozen=True)
class Example:
    """A file that was written."""

    path: str
    """Its name in the folder."""
    sha256: str
    peak: float
    """dB below full scale; above 0 it was clipped."""
    rms: float
    """dB."""
    clipped: int
    """Samples beyond full scale."""

    def entry(self) -> dict[str, object]:
        """As JSON of a record."""
        return asdict(self)


def write_examples(folder: Path, sounds: Mapping[str, Tensor], rate: int) -> list[Example]:
    """Write sounds as FLAC of 16 bits, `NAME.flac` each, as loud as they are: a level that is off is to be heard.

    Parameters
    ----------
    folder
        Made where absent.
    sounds
        By name, (samples,) in -1 to 1.
    rate
        Samples a second.

    Raises
    ------
    BenchError
        A sound is not finite, or so loud that more than one sample in a hundred would be clipped.
    """
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, sound in sounds.items():
        audio = sound.detach().cpu().numpy().astype(np.float64)
        _check(name, audio)
        file = io.BytesIO()
        soundfile.write(file, np.clip(audio, -1, 1 - 2**-15), rate, format="FLAC", subtype="PCM_16")
        path = folder / f"{name}.flac"
        write_whole(path, file.getvalue())
        peak, rms = np.abs(audio).max(), np.sqrt(np.mean(audio**2))
        digest = hashlib.sha256(file.getvalue()).hexdigest()
        written.append(Example(path.name, digest, _decibels(peak), _decibels(rms), int((np.abs(audio) > 1).sum())))
    return written


def _check(name: str, audio: np.ndarray) -> None:
    if audio.ndim != 1 or not len(audio) or not np.isfinite(audio).all():
        raise BenchError(f"example {name!r} is not a sound: shape {audio.shape}, or values that are not finite")
    loud = float(np.mean(np.abs(audio) > 1))
    if loud > 0.01:
        raise BenchError(f"example {name!r} is clipped in {loud:.0%} of its samples: the net is out of control")


def _decibels(amplitude: float) -> float:
    return round(20 * float(np.log10(max(float(amplitude), 1e-6))), 2)
