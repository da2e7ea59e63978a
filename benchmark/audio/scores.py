"""The metrics that all generating tasks share: generated notes beside the notes that they were to be.

==========  =====  ========  ==============================================================================
name        unit   better    what
==========  =====  ========  ==============================================================================
`mss`       -      lower     multi-scale spectral distance: 0 a copy, 1 silence
`lsd`       dB     lower     log-spectral distance, windows of 1,024
`cents`     cents  lower     median over a note's frames of the pitch error, at most 1,200; 1,200 where the
                             note has a pitch and what was generated never has one
`rpa50`     share  higher    frames with a pitch in the reference whose pitch is within 50 cents
`voicing`   share  higher    frames that have a pitch in both, or in neither
`loudness`  dB     lower     mean error of A-weighted loudness while the note sounds
==========  =====  ========  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from benchmark.audio import distances, tracker
from benchmark.task import Metric

OCTAVE = 1200.0
HIGHER_IS_BETTER = {
    "mss": False, "lsd": False, "cents": False, "rpa50": True, "voicing": True, "loudness": False,
}  # fmt: skip
ROWS_AT_ONCE = 16

Items = dict[str, dict[str, np.ndarray]]
"""By name, `part` and `whole` (rows,) of the reduction `ratio`; a note with a whole of 0 has no part in the score."""


def metrics(task: str, version: int = 1) -> tuple[Metric, ...]:
    """As the metrics of a task, `mss` first: `ddsp.mss.v1` and so on."""
    return tuple(Metric(f"{task}.{name}.v{version}", "ratio", better) for name, better in HIGHER_IS_BETTER.items())


def compare(guess: Tensor, reference: Tensor, rate: int) -> Items:
    """Score notes one by one.

    Parameters
    ----------
    guess, reference
        (rows, samples) float32 in -1 to 1, note by note; of the longer one the rest is left out.
    rate
        Samples a second.
    """
    samples = min(guess.shape[1], reference.shape[1])
    pairs = zip(guess[:, :samples].split(ROWS_AT_ONCE), reference[:, :samples].split(ROWS_AT_ONCE), strict=True)
    parts = [_compare(mine, theirs, rate) for mine, theirs in pairs]
    return {
        name: {kind: np.concatenate([part[name][i] for part in parts]) for i, kind in enumerate(("part", "whole"))}
        for name in HIGHER_IS_BETTER
    }


@torch.no_grad()
def _compare(guess: Tensor, reference: Tensor, rate: int) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """`part` and `whole` by name."""
    one = np.ones(len(guess))
    loud, frames = distances.loudness_error(guess, reference, rate)
    return {
        "mss": (_array(distances.spectral_distance(guess, reference)), one),
        "lsd": (_array(distances.log_spectral_distance(guess, reference)), one),
        "loudness": (_array(loud), _array(frames)),
        **_pitch(tracker.track(_array(guess), rate), tracker.track(_array(reference), rate)),
    }


def _pitch(guess: tracker.Pitch, reference: tracker.Pitch) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    off = np.minimum(np.abs(tracker.cents(guess.hertz, reference.hertz)), OCTAVE)
    both = guess.voiced & reference.voiced
    off = np.where(both, off, OCTAVE)
    asked = reference.voiced.sum(1)
    medians = [float(np.median(errors[mask])) if mask.any() else OCTAVE for errors, mask in zip(off, both, strict=True)]
    has_pitch = (asked > 0).astype(float)
    return {
        "cents": (np.array(medians) * has_pitch, has_pitch),
        "rpa50": (((off <= 50) & both).sum(1).astype(float), asked.astype(float)),
        "voicing": ((guess.voiced == reference.voiced).sum(1).astype(float), np.full(len(asked), both.shape[1], float)),
    }


def _array(values: Tensor) -> np.ndarray:
    found: np.ndarray = values.cpu().numpy().astype(np.float64)
    return found
