"""Splits of clips into windows of frames, cut out when a batch is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmark.data.clips import Clip
from benchmark.data.logmel import LogMel
from benchmark.data.splits import Side
from benchmark.digest import digest_arrays, digest_json
from benchmark.task import Batch, Data, Split


@dataclass(frozen=True)
class Layout:
    """How clips become rows."""

    mel: LogMel
    kinds: tuple[str, ...]
    """Names of the kinds of events, in the order of a clip's."""
    answers: int
    """Frames that a row answers for."""
    context: int
    """Frames that it sees on each side of them."""
    beside: float
    """The target of the frames before and after an event's."""

    @property
    def seen(self) -> int:
        """Frames of a row."""
        return self.answers + 2 * self.context

    @property
    def mass(self) -> float:
        """The sum of the targets of an event that is alone."""
        return 1 + 2 * self.beside

    def targets(self, clip: Clip, frames: int) -> np.ndarray:
        """(frames, kinds) float32: 1 in the frame nearest to an event, `beside` in those before and after."""
        targets = np.zeros((frames, len(self.kinds)), np.float32)
        for kind, times in enumerate(clip.events):
            for step, value in ((-1, self.beside), (1, self.beside), (0, 1.0)):
                at = self.mel.nearest(times) + step
                inside = at[(at >= 0) & (at < len(clip.features))]
                targets[inside, kind] = np.maximum(targets[inside, kind], value)
        return targets


class Windows(Split):
    """Rows are windows of frames, clip by clip; a clip's last one ends in silence. Items are kinds of clips.

    Parameters
    ----------
    clips
        At least one.
    layout
        How they become rows.
    mean, deviation
        Of the training frames.
    """

    def __init__(self, clips: Sequence[Clip], layout: Layout, mean: float, deviation: float) -> None:
        self.clips, self.layout = tuple(clips), layout
        self.sources = np.repeat([clip.source for clip in clips], len(layout.kinds)).astype(np.int64)
        self.rows = [-(-len(clip.features) // layout.answers) for clip in clips]
        """Of every clip."""
        self._mean, self._deviation = mean, deviation
        lengths = [rows * layout.answers for rows in self.rows]
        padded = [
            np.pad(clip.features, ((layout.context, layout.context + length - len(clip.features)), (0, 0)))
            for clip, length in zip(clips, lengths, strict=True)
        ]
        self._windows = torch.from_numpy(np.concatenate(padded)).unfold(0, layout.seen, 1)
        starts = np.cumsum([0, *(length + 2 * layout.context for length in lengths[:-1])])
        self._first = torch.from_numpy(
            np.concatenate(
                [s + np.arange(0, length, layout.answers) for s, length in zip(starts, lengths, strict=True)]
            )
        )
        targets = np.concatenate([layout.targets(clip, length) for clip, length in zip(clips, lengths, strict=True)])
        self.targets = torch.from_numpy(targets).reshape(len(self._first), -1)
        """(rows, answers x kinds) float32 of :meth:`Layout.targets`, frame by frame."""

    def __len__(self) -> int:
        """Rows."""
        return len(self._first)

    def batch(self, rows: Tensor) -> Batch:
        """Windows (rows, 1, bands, seen) and the targets (rows, answers x kinds) of their inner frames."""
        frames = self._windows[self._first[rows]].float().unsqueeze(1)
        return Batch((frames - self._mean) / self._deviation, self.targets[rows])

    def by_clip(self, outputs: Tensor) -> list[Tensor]:
        """Answers (rows, answers x kinds) as (frames, kinds) of every clip, without the silence at its end."""
        frames = outputs.reshape(-1, len(self.layout.kinds)).split([rows * self.layout.answers for rows in self.rows])
        return [part[: len(clip.features)] for part, clip in zip(frames, self.clips, strict=True)]


def statistics(clips: Sequence[Clip]) -> tuple[float, float]:
    """Mean and standard deviation of features, over clips, bands and frames."""
    total = squares = 0.0
    count = 0
    for clip in clips:
        values = clip.features.astype(np.float64)
        total, squares, count = total + values.sum(), squares + np.square(values).sum(), count + values.size
    mean = total / count
    return float(mean), float(np.sqrt(max(squares / count - mean**2, 1e-12)))


def data(
    clips: Mapping[Side, Sequence[Clip]],
    about: Mapping[Side, Mapping[str, object]],
    facts: Mapping[str, object],
    layout: Layout,
) -> Data:
    """Splits of clips, digested by what they were made from: the last bits of features differ by processor.

    Parameters
    ----------
    clips
        Of every side.
    about
        What the manifest says of every side; `audio`: sha256 of what was heard.
    facts
        What it says of all; `generator`: digest of the code that the clips come from.
    layout
        How clips become rows.
    """
    mean, deviation = statistics(clips["train"])
    splits = {side: Windows(here, layout, mean, deviation) for side, here in clips.items()}
    content = {
        side: [about[side]["audio"], digest_arrays([splits[side].sources, *(t for clip in here for t in clip.events)])]
        for side, here in clips.items()
    }
    described = {side: {**about[side], **_described(split)} for side, split in splits.items()}
    return Data(
        splits["train"],
        splits["validation"],
        splits["test"],
        digest=digest_json({"generator": facts["generator"], "content": content}),
        manifest={**facts, "features": {"mean": mean, "deviation": deviation}, "splits": described},
    )


def _described(split: Windows) -> dict[str, object]:
    layout, clips = split.layout, split.clips
    return {
        "clips": len(clips),
        "rows": len(split),
        "seconds": round(sum(len(clip.features) for clip in clips) * layout.mel.hop_seconds),
        "sources": len({clip.source for clip in clips}),
        "events": {name: sum(len(clip.events[kind]) for clip in clips) for kind, name in enumerate(layout.kinds)},
    }
