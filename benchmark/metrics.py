"""From items to a score: the reductions that a metric may name.

Every reduction is a function of *sums over items*: items are turned into columns once, summed with any weights, and the
sums are turned into a score. So a bootstrap draw is one row of a matrix product, for every metric alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from benchmark.errors import UsageError, did_you_mean

Items = Mapping[str, np.ndarray]


class Reduction(ABC):
    """A score that depends on its items only through sums of per-item columns."""

    arrays: tuple[str, ...]
    """The names of the per-item arrays, each (items,)."""

    @abstractmethod
    def columns(self, items: Items) -> np.ndarray:
        """(items, c) float64."""

    @abstractmethod
    def score(self, sums: np.ndarray) -> np.ndarray:
        """Sums (..., c) -> scores (...). NaN where nothing could be scored."""

    def __call__(self, items: Items) -> float:
        """The score of these items, each counted once."""
        return float(self.score(self.columns(items).sum(0)))


class Ratio(Reduction):
    """Sum of `part` over sum of `whole`: accuracies, and averages weighted by duration (WCSR)."""

    arrays = ("part", "whole")

    def columns(self, items: Items) -> np.ndarray:
        """(items, 2): part, whole."""
        return np.stack([items["part"], items["whole"]], 1).astype(np.float64)

    def score(self, sums: np.ndarray) -> np.ndarray:
        """Part over whole."""
        part, whole = sums[..., 0], sums[..., 1]
        scores: np.ndarray = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
        return scores


class MacroF1(Reduction):
    """Mean over classes of F1 with counts pooled over items; `truth` and `guess` are class numbers.

    A class that neither `truth` nor `guess` has is left out of the mean, as in scikit-learn's `f1_score`.
    """

    arrays = ("truth", "guess")

    def columns(self, items: Items) -> np.ndarray:
        """(items, 3 x classes): hits, truths, guesses."""
        truth, guess = np.asarray(items["truth"], int), np.asarray(items["guess"], int)
        classes = np.arange(max(truth.max(initial=0), guess.max(initial=0)) + 1)
        is_truth, is_guess = truth[:, None] == classes, guess[:, None] == classes
        return np.concatenate([is_truth & is_guess, is_truth, is_guess], 1).astype(np.float64)

    def score(self, sums: np.ndarray) -> np.ndarray:
        """Mean of 2 hits / (truths + guesses) over the classes seen."""
        return _mean_f1(sums)


class PooledF1(Reduction):
    """Mean over labels of F1 of events (onsets, drum hits), with counts pooled over items.

    An item is one label of one clip: `label` is its number, `hits` how many events were found, `truths` and `guesses`
    how many there are and were guessed. A label with neither is left out of the mean; one label alone gives micro-F1.
    """

    arrays = ("label", "hits", "truths", "guesses")

    def columns(self, items: Items) -> np.ndarray:
        """(items, 3 x labels): hits, truths, guesses."""
        label = np.asarray(items["label"], int)
        own = label[:, None] == np.arange(label.max(initial=0) + 1)
        counts = (np.asarray(items[name], np.float64)[:, None] * own for name in ("hits", "truths", "guesses"))
        return np.concatenate(list(counts), 1)

    def score(self, sums: np.ndarray) -> np.ndarray:
        """Mean of 2 hits / (truths + guesses) over the labels seen."""
        return _mean_f1(sums)


def _mean_f1(sums: np.ndarray) -> np.ndarray:
    hits, truth, guess = np.split(sums, 3, axis=-1)
    seen = truth + guess
    f1 = np.divide(2 * hits, seen, out=np.zeros_like(hits), where=seen > 0)
    classes = (seen > 0).sum(-1)
    scores: np.ndarray = np.divide(f1.sum(-1), classes, out=np.full(classes.shape, np.nan), where=classes > 0)
    return scores


REDUCTIONS: dict[str, Reduction] = {"ratio": Ratio(), "macro_f1": MacroF1(), "pooled_f1": PooledF1()}


def reduction(name: str) -> Reduction:
    """The reduction of that name.

    Raises
    ------
    UsageError
        No reduction has the name.
    """
    if name not in REDUCTIONS:
        raise UsageError(f"no reduction {name!r}: {did_you_mean(name, REDUCTIONS)}")
    return REDUCTIONS[name]
