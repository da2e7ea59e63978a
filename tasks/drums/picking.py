"""From the net's frame-wise answers to strokes.

The net is trained with plain binary cross-entropy on targets that add up to `STROKE` over the frames of a stroke, so
the sum of five neighbouring answers, over that, is the number of strokes to be expected in those 58 ms. Where the
answers are largest and a stroke is more likely than not, there is one. That half was chosen once, on the validation
clips of seeds 0 to 2 with the dense nets, where 0.3 to 0.6 give mean F1 of .866, .878, .885, .890, .891, .890 and .881
(`python -m tasks.drums.compare` prints them), and is the same for every net, data set and seed: a trimmed net is scored
by the rule of the dense one.
"""

from __future__ import annotations

import numpy as np

from .features import HOP_SECONDS
from .patches import BESIDE

THRESHOLD = 0.5
"""Strokes to be expected in `2 AROUND + 1` frames."""
STROKE = 1 + 2 * BESIDE
"""The sum of the targets of a stroke."""
AROUND = 2
APART = 3
"""A stroke is the largest answer of so many frames on both sides: two on one drum are at least 46 ms apart."""


def pick(probabilities: np.ndarray, threshold: float = THRESHOLD) -> np.ndarray:
    """Times of strokes.

    Parameters
    ----------
    probabilities
        (frames,) of one drum in one clip.
    threshold
        Strokes to be expected.

    Returns
    -------
    numpy.ndarray
        (strokes,) seconds, ascending: the centre of mass of three frames.
    """
    from scipy.ndimage import maximum_filter1d

    if not len(probabilities):
        return np.zeros(0)
    answers = np.pad(probabilities.astype(np.float64), AROUND)
    inner = slice(AROUND, len(answers) - AROUND)
    smooth = np.convolve(answers, (0.25, 0.5, 0.25), "same")[inner]
    expected = np.convolve(answers, np.ones(2 * AROUND + 1), "same")[inner] / STROKE
    peaks = (smooth == maximum_filter1d(smooth, 2 * APART + 1, mode="constant")) & (expected >= threshold)
    strokes: list[int] = []
    for frame in np.flatnonzero(peaks).tolist():
        # Equal neighbours are all maxima: the first one counts.
        if not strokes or frame - strokes[-1] > APART:
            strokes.append(frame)
    frames = np.array(strokes, np.int64)
    before, here, after = (answers[frames + AROUND + step] for step in (-1, 0, 1))
    mass = before + here + after
    offset = np.divide(after - before, mass, out=np.zeros(len(frames)), where=mass > 0)
    return np.asarray((frames + offset) * HOP_SECONDS)
