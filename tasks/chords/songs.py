"""Recorded songs: of any length, with annotations in any of Harte's labels.

A frame has the label that the annotation has at its middle, so a change of chord is up to half a hop (46 ms) off. Where
an annotation says nothing there is no chord (`N`), as mir_eval has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .model import BINS
from .model import FRAMES as PATCH
from .patches import ChordSplit, WideBatch
from .piece import HOP, HOP_SECONDS, RATE
from .recordings import BINS_PER_SEMITONE, COMPRESSION, CONTEXT, LOWEST, MARGIN, MOST_SEMITONES
from .score import classes, score_items

NONE = "N"


@dataclass(frozen=True)
class Song:
    """A song or a part of one.

    Attributes
    ----------
    features : np.ndarray
        (BINS + 2 MARGIN, frames + 2 CONTEXT) float16.
    labels : tuple of str
        The label of every frame.
    source : int
    """

    features: np.ndarray
    labels: tuple[str, ...]
    source: int


def constant_q(audio: np.ndarray) -> np.ndarray:
    """What :func:`.recordings.constant_q` makes of a clip, of audio (samples,) int16 of any length of whole hops.

    Magnitudes are in units of the mean over all that is given.
    """
    import librosa

    padded = np.pad(audio.astype(np.float32) / 32768, CONTEXT * HOP)[HOP // 2 :]
    magnitude = np.abs(
        librosa.cqt(
            padded,
            sr=RATE,
            hop_length=HOP,
            fmin=LOWEST * 2 ** (-MOST_SEMITONES / 12),
            n_bins=BINS + 2 * MARGIN,
            bins_per_octave=12 * BINS_PER_SEMITONE,
        )
    )[:, : len(audio) // HOP + 2 * CONTEXT]
    level = magnitude[:, CONTEXT:-CONTEXT].mean() + 1e-9
    compressed: np.ndarray = np.log1p(COMPRESSION * magnitude / level).astype(np.float32)
    return compressed


def frame_labels(intervals: np.ndarray, labels: Sequence[str], start: float, frames: int) -> tuple[str, ...]:
    """The label at the middle of every frame from second `start` on, of an annotation (n, 2) in seconds."""
    order = np.argsort(intervals[:, 0], kind="stable")
    begins, ends = intervals[order].T
    middle = start + (np.arange(frames) + 0.5) * HOP_SECONDS
    place = np.searchsorted(begins, middle, "right") - 1
    inside = (place >= 0) & (middle < ends[np.maximum(place, 0)])
    return tuple(labels[order[p]] if here else NONE for p, here in zip(place, inside, strict=True))


def readable(label: str) -> bool:
    """Whether mir_eval knows what chord a label is."""
    import mir_eval

    try:
        mir_eval.chord.encode(label)
    except mir_eval.chord.InvalidChordException:
        return False
    return True


def statistics(songs: Sequence[Song]) -> tuple[float, float]:
    """Mean and standard deviation of features, over songs, bins and frames."""
    count = sum(song.features.size for song in songs)
    mean = sum(float(song.features.sum(dtype=np.float64)) for song in songs) / count
    squares = sum(float(((song.features.astype(np.float64) - mean) ** 2).sum()) for song in songs)
    return mean, float(np.sqrt(squares / count))


class Songs(ChordSplit):
    """Rows are frames of songs, `stride` frames apart; items are songs.

    Parameters
    ----------
    songs
        At least one.
    mean, deviation
        Of the training features.
    stride
        1: every frame.
    """

    def __init__(self, songs: Sequence[Song], mean: float, deviation: float, stride: int = 1) -> None:
        self.labels = tuple(sorted({label for song in songs for label in song.labels}))
        numbers = {label: number for number, label in enumerate(self.labels)}
        self.codes = [np.array([numbers[label] for label in song.labels[stride // 2 :: stride]]) for song in songs]
        """Of each song, (rows,) places in `labels`."""
        self.sources = np.array([song.source for song in songs], np.int64)
        self.targets = torch.from_numpy(classes(self.labels)[np.concatenate(self.codes)])
        self.seconds = stride * HOP_SECONDS
        joined = np.concatenate([song.features for song in songs], 1, dtype=np.float32)
        joined -= mean
        joined /= deviation
        self._windows = torch.from_numpy(joined).unfold(1, PATCH, 1)
        begins = np.cumsum([0, *(song.features.shape[1] for song in songs)])
        rows = [b + np.arange(stride // 2, len(s.labels), stride) for b, s in zip(begins, songs, strict=False)]
        self._begins = torch.from_numpy(np.concatenate(rows))
        """(rows,) of each patch, the place of its first frame."""

    def __len__(self) -> int:
        """Rows."""
        return len(self._begins)

    def batch(self, rows: Tensor) -> WideBatch:
        """Patches (rows, 1, 105, 15) and the classes of their middle frames."""
        wide = self._windows[:, self._begins[rows]].transpose(0, 1).unsqueeze(1)
        return WideBatch(wide[:, :, MARGIN : MARGIN + BINS], self.targets[rows], wide)

    def score(self, guess: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
        """Part and whole of every score, a song an item."""
        guesses = np.split(guess, np.cumsum([len(codes) for codes in self.codes])[:-1])
        songs = [
            score_items(codes[None], said[None], self.seconds, self.labels)
            for codes, said in zip(self.codes, guesses, strict=True)
        ]
        return {
            name: {part: np.concatenate([song[name][part] for song in songs]) for part in ("part", "whole")}
            for name in songs[0]
        }
