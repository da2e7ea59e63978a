"""From frame-wise answers to events, for nets whose outputs are what targets are to be expected.

A net that is trained with plain binary cross-entropy on targets that add up to `mass` over the frames of an event says
how many events are to be expected in some neighbouring frames: the sum of its answers there, over that. Where the
answers are largest and enough of an event is expected, there is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmark.audio.windows import Windows
from benchmark.errors import BenchError


@dataclass(frozen=True)
class Peaks:
    """When a peak of the answers is an event."""

    threshold: float
    """Events to be expected in `2 around + 1` frames."""
    around: int
    apart: int
    """An event is the largest answer of so many frames on both sides."""
    mass: float
    """The sum of an event's targets."""

    def pick(self, answers: np.ndarray) -> np.ndarray:
        """Where events are.

        Parameters
        ----------
        answers
            (frames,) in 0 to 1, of one kind in one clip.

        Returns
        -------
        numpy.ndarray
            (events,) frames, ascending, with fractions: the centre of mass of three.
        """
        from scipy.ndimage import maximum_filter1d

        if not len(answers):
            return np.zeros(0)
        padded = np.pad(answers.astype(np.float64), self.around)
        inner = slice(self.around, len(padded) - self.around)
        smooth = np.convolve(padded, (0.25, 0.5, 0.25), "same")[inner]
        expected = np.convolve(padded, np.ones(2 * self.around + 1), "same")[inner] / self.mass
        largest = smooth == maximum_filter1d(smooth, 2 * self.apart + 1, mode="constant")
        events: list[int] = []
        for frame in np.flatnonzero(largest & (expected >= self.threshold)).tolist():
            # Equal neighbours are all maxima: the first one counts.
            if not events or frame - events[-1] > self.apart:
                events.append(frame)
        frames = np.array(events, np.int64)
        before, here, after = (padded[frames + self.around + step] for step in (-1, 0, 1))
        mass = before + here + after
        return np.asarray(frames + np.divide(after - before, mass, out=np.zeros(len(frames)), where=mass > 0))


def heard(outputs: Tensor, split: Windows, peaks: Peaks) -> list[list[np.ndarray]]:
    """Seconds of the events of every kind in every clip that a model's outputs, logits, say.

    Raises
    ------
    BenchError
        Outputs are not finite.
    """
    if not torch.isfinite(outputs).all():
        raise BenchError("the model's answers are not all finite: it diverged, train it with a lower learning rate")
    clips = split.by_clip(torch.sigmoid(outputs.double()).cpu())
    hop = split.layout.mel.hop_seconds
    return [[peaks.pick(kind) * hop for kind in clip.numpy().T] for clip in clips]
