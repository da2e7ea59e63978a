"""From answers to onsets to scores, by models that know the targets, are late, or say nothing or everything."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmark.audio.windows import Windows
from benchmark.data.clips import Clip
from benchmark.errors import BenchError
from benchmark.task import Batch, Split
from tasks.onsets import task
from tasks.onsets.features import MEL
from tasks.onsets.rows import LAYOUT

FIFTY, TWENTY_FIVE = (metric.id for metric in task.metrics)


def clip(*frames: int, length: int = 100, source: int = 0) -> Clip:
    """Silence with onsets in these frames."""
    times = np.array(frames, np.float64) * MEL.hop_seconds
    return Clip(np.zeros((length, MEL.bands), np.float16), (times,), source)


def split(*clips: Clip) -> Windows:
    return Windows(clips, LAYOUT, 0.0, 1.0)


def sure(split: Windows, later: int = 0) -> torch.Tensor:
    """Logits of a model that knows the targets, and answers so many frames late."""
    parts = [part.flatten().roll(later) for part in split.targets.split(split.rows)]
    return (40 * torch.cat(parts) - 20).reshape(split.targets.shape)


def test_a_perfect_model_scores_exactly_one() -> None:
    clips = split(clip(0, 4, 30, 99), clip(50, length=130), clip(7, 11, 15, length=49))
    assert set(task.evaluate(sure(clips), clips).scores.values()) == {1.0}


def test_a_late_model_scores_by_its_lateness() -> None:
    """Frames are 10 ms apart."""
    clips = split(clip(10, 30, 60), clip(20, 80))
    scores = {late: task.evaluate(sure(clips, late), clips).scores for late in (2, 3, 4, 6)}
    assert [scores[late][FIFTY] for late in scores] == [1, 1, 1, 0]
    assert [scores[late][TWENTY_FIVE] for late in scores] == [1, 0, 0, 0]


def test_models_that_say_nothing_or_everything() -> None:
    clips = split(clip(10, 40))
    silent = task.evaluate(torch.full((4, 25), -20.0), clips)
    assert set(silent.scores.values()) == {0.0}
    loud = task.evaluate(torch.full((4, 25), 20.0), clips)
    assert loud.items[FIFTY]["guesses"].tolist() == [25], "every fourth frame, as close as onsets may be"
    assert loud.scores["onsets.recall_50ms.micro.v1"] == 1.0
    assert loud.scores["onsets.precision_50ms.micro.v1"] == 2 / 25


def test_a_model_that_diverged_is_refused() -> None:
    with pytest.raises(BenchError, match="not all finite"):
        task.evaluate(torch.full((4, 25), float("nan")), split(clip(10, 40)))


def test_scores_are_those_of_the_items() -> None:
    clips = split(clip(10, 40, source=5), clip(20, source=9))
    found = task.evaluate(sure(clips), clips)
    assert set(found.items) == {FIFTY, TWENTY_FIVE} and clips.sources.tolist() == [5, 9]
    names = {f"onsets.{kind}_{ms}ms.micro.v1" for kind in ("f1", "precision", "recall") for ms in (25, 50)}
    assert set(found.scores) == names
    assert all(len(values) == 2 for metric in found.items.values() for values in metric.values())


def test_only_its_own_splits_are_scored() -> None:
    class Foreign(Split):
        sources = np.zeros(1, np.int64)

        def __len__(self) -> int:
            return 1

        def batch(self, rows: torch.Tensor) -> Batch:
            raise AssertionError

    with pytest.raises(TypeError, match="own splits"):
        task.evaluate(torch.zeros(1, 25), Foreign())


def test_the_target_of_a_row_is_how_much_begins_in_it() -> None:
    clips = split(clip(3, 30, 40, 45))
    summary = task.target_summary(clips.targets)
    assert summary.tolist() == pytest.approx([1 / 25, 3 / 25, 0, 0])
