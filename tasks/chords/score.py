"""Chord scores of mir_eval, weighted by duration over a corpus.

Frames are decoded by the largest logit and are intervals of one hop; equal neighbours merge. Every change, of the truth
and of the guess, lies on the frame grid, so comparing frame by frame is what `mir_eval.chord.evaluate` does on merged
intervals, and each of the few pairs of labels is asked of mir_eval once. Sources: Raffel et al., "mir_eval: a
transparent implementation of common MIR metrics", ISMIR 2014; Pauwels and Peeters, "Evaluating automatically estimated
chord sequences", ICASSP 2013 (weighted chord symbol recall); Harte, "Towards automatic extraction of harmony
information from music signals", PhD thesis, QMUL 2010 (segmentation).

Policy. A reference label that no answer can match is not compared: dim and sus4 have a root and a third that can be
right, but are out of vocabulary for `majmin` and `mirex` (three common notes). For segmentation the seconds that
`majmin` leaves out are `X` in both truth and guess. *Coverage* is the share of seconds that `majmin` compares. Sevenths
count as their triads, as mir_eval has it. An item with no compared second has part = whole = 0 and no weight; a split
with none scores NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from .harmony import CLASS_LABELS, LABELS, OUT

COMPARISONS = ("majmin", "root", "thirds", "mirex")
SEGMENTATIONS = ("seg", "overseg", "underseg")


@lru_cache(maxsize=8)
def tables(labels: tuple[str, ...] = LABELS) -> Mapping[str, np.ndarray]:
    """(codes, classes) of mir_eval's comparison of every reference label with every answer; NaN: not compared."""
    import mir_eval

    truth = np.repeat(labels, len(CLASS_LABELS)).tolist()
    guess = list(CLASS_LABELS) * len(labels)
    found = {}
    for name in COMPARISONS:
        table = getattr(mir_eval.chord, name)(truth, guess).reshape(len(labels), len(CLASS_LABELS))
        found[name] = np.where(table.max(1, keepdims=True) == 1, table, np.nan)
    return found


@lru_cache(maxsize=8)
def classes(labels: tuple[str, ...] = LABELS) -> np.ndarray:
    """(codes,) int64: the answer that is right for `majmin`, by mir_eval's rules; `OUT`: none is."""
    table = tables(labels)["majmin"]
    found: np.ndarray = np.where(np.isnan(table[:, 0]), OUT, table.argmax(1))
    return found


def score_items(
    codes: np.ndarray, guess: np.ndarray, seconds: float, labels: tuple[str, ...] = LABELS
) -> dict[str, dict[str, np.ndarray]]:
    """Part and whole (items,) in seconds of every score, by its short name.

    Parameters
    ----------
    codes
        (items, frames) places of the true labels in `labels`.
    guess
        (items, frames) classes.
    seconds
        Length of a frame.
    labels
        Of the references, in Harte's syntax.
    """
    items = {}
    truth = classes(labels)[codes]
    for name, table in tables(labels).items():
        hits = table[codes, guess]
        items[name] = {"part": np.nansum(hits, 1) * seconds, "whole": (~np.isnan(hits)).sum(1) * seconds}
    known = truth != OUT
    whole = np.full(len(codes), codes.shape[1] * seconds)
    boundaries = [_segmentation(t, g) for t, g in zip(truth, np.where(known, guess, OUT), strict=True)]
    for name, values in zip(SEGMENTATIONS, np.array(boundaries).reshape(-1, len(SEGMENTATIONS)).T, strict=True):
        items[name] = {"part": values * whole, "whole": whole}
    items["coverage"] = {"part": known.sum(1) * seconds, "whole": whole}
    return items


def intervals(classes: np.ndarray) -> np.ndarray:
    """(n, 2) first and last frame edge of every run of equal neighbours."""
    edges = np.flatnonzero(np.diff(classes)) + 1
    return np.stack([np.r_[0, edges], np.r_[edges, len(classes)]], 1).astype(np.float64)


def _segmentation(truth: np.ndarray, guess: np.ndarray) -> tuple[float, float, float]:
    import mir_eval

    reference, estimate = intervals(truth), intervals(guess)
    over = mir_eval.chord.overseg(reference, estimate)
    under = mir_eval.chord.underseg(reference, estimate)
    return min(over, under), over, under
