"""From the net's frame-wise answers to onsets.

The net is trained with plain binary cross-entropy on *one* frame an onset, so its outputs are probabilities, and the
sum of neighbours is the number of onsets to be expected there. An onset is said where a peak expects enough of one.
Of calibrated answers F1 would be best with half of the F1 that is reached, about 0.4 (Lipton, Elkan and Naryanaswamy,
"Optimal thresholding of classifiers to maximize F1 measure", ECML 2014); on sounds that the net has not learnt from it
expects too little. Threshold and width were chosen once, as the best on the validation clips of seeds 0 to 2 with the
dense nets of `quick`; :mod:`.compare` prints validation F1 by threshold for every seed. They are the
same for every net: nothing is chosen on test clips, nor anew for a trimmed net.
"""

from __future__ import annotations

import numpy as np

from .features import HOP_SECONDS

THRESHOLD = 0.2
"""Onsets to be expected in `2 AROUND + 1` frames."""
AROUND = 4
APART = 3
"""An onset is the largest answer of so many frames on both sides: two are more than 30 ms apart."""


def pick(probabilities: np.ndarray, threshold: float = THRESHOLD) -> np.ndarray:
    """Times of onsets.

    Parameters
    ----------
    probabilities
        (frames,) of one clip.

    Returns
    -------
    numpy.ndarray
        (onsets,) seconds, ascending: the centre of mass of three frames.
    """
    from scipy.ndimage import maximum_filter1d

    if not len(probabilities):
        return np.zeros(0)
    answers = np.pad(probabilities.astype(np.float64), AROUND)
    inner = slice(AROUND, len(answers) - AROUND)
    smooth = np.convolve(answers, (0.25, 0.5, 0.25), "same")[inner]
    expected = np.convolve(answers, np.ones(2 * AROUND + 1), "same")[inner]
    peaks = (smooth == maximum_filter1d(smooth, 2 * APART + 1, mode="constant")) & (expected >= threshold)
    onsets: list[int] = []
    for frame in np.flatnonzero(peaks).tolist():
        # Equal neighbours are all maxima: the first one counts.
        if not onsets or frame - onsets[-1] > APART:
            onsets.append(frame)
    frames = np.array(onsets, np.int64)
    before, here, after = (answers[frames + AROUND + step] for step in (-1, 0, 1))
    mass = before + here + after
    offset = np.divide(after - before, mass, out=np.zeros(len(frames)), where=mass > 0)
    return np.asarray((frames + offset) * HOP_SECONDS)
