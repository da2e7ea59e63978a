"""Melody scores of mir_eval, with frames pooled over clips.

Every frame counts once: raw pitch and chroma accuracy are right frames over voiced frames of all clips, where
`mir_eval.melody` gives one number a clip. Sources: Raffel et al., "mir_eval: a transparent implementation of common MIR
metrics", ISMIR 2014; Poliner et al., "Melody transcription from music audio: approaches and evaluation", IEEE TASLP
15(4), 2007; Salamon et al., "Melody extraction from polyphonic music signals", IEEE SPM 31(2), 2014.

Policy. Right is less than 50 cents (25 for `rpa25`) from the truth: exactly on the tolerance is wrong. Raw pitch and
chroma ask every voiced frame for its pitch, also where the answer is "no pitch"; overall accuracy and the voicing
scores ask for both. An empty reference, a clip without voiced frames, has nothing to be right about and no weight in
`rpa50`, `rpa25`, `rca50` and `vr` (mir_eval: 0, and 1 for recall), but its frames count in `oa50` and `vfa`; one
without unvoiced frames has no weight in `vfa`. An empty estimate, no frame called voiced, recalls nothing: `vr` 0,
`vfa` 0, and `oa50` is the share of unvoiced frames. A split where nothing has a weight scores NaN.
"""

from __future__ import annotations

import numpy as np

from benchmark.errors import BenchError


def score_items(
    truth: np.ndarray, guess: np.ndarray, voiced: np.ndarray, items: np.ndarray, count: int
) -> dict[str, dict[str, np.ndarray]]:
    """Part and whole (count,), in frames, of every score, by its short name.

    Parameters
    ----------
    truth
        (rows,) Hz, 0: no pitch.
    guess
        (rows,) Hz, above 0, of every frame.
    voiced
        (rows,) booleans: whether the guess is that the frame has a pitch.
    items
        (rows,) the clip of every frame, 0 to count - 1, clip after clip.

    Raises
    ------
    BenchError
        A frequency is not finite or a guess is not above 0; frames are not in order; lengths differ.
    """
    from mir_eval.melody import hz2cents

    if not len(truth) == len(guess) == len(voiced) == len(items):
        raise BenchError(f"{len(truth)} frames, {len(guess)} guesses, {len(voiced)} voicings and {len(items)} clips")
    if not (np.isfinite(truth).all() and np.isfinite(guess).all() and (guess > 0).all()):
        raise BenchError("frequencies must be finite, and guesses above 0")
    if (np.diff(items) < 0).any():
        raise BenchError("frames must be in order, clip after clip")
    pitched = truth > 0
    cents = np.abs(hz2cents(guess.astype(float)) - hz2cents(np.where(pitched, truth, 1.0).astype(float)))
    chroma = np.abs(cents - 1200 * np.floor(cents / 1200 + 0.5))
    near = pitched & (cents < 50)
    every = np.ones(len(truth), bool)
    counted = {
        "rpa50": (near, pitched),
        "rpa25": (pitched & (cents < 25), pitched),
        "rca50": (pitched & (chroma < 50), pitched),
        "oa50": (np.where(pitched, near & voiced, ~voiced), every),
        "vr": (pitched & voiced, pitched),
        "vfa": (~pitched & voiced, ~pitched),
    }
    return {
        name: {
            side: np.bincount(items[rows], minlength=count) for side, rows in zip(("part", "whole"), pair, strict=True)
        }
        for name, pair in counted.items()
    }
