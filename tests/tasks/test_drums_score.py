"""From answers to strokes to scores, by models that know the targets, are late, or say nothing or everything."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmark.audio.windows import Windows
from benchmark.data.clips import Clip
from benchmark.errors import BenchError
from benchmark.task import Batch, Split
from tasks.drums import task
from tasks.drums.features import MEL
from tasks.drums.rows import LAYOUT

FIFTY, TWENTY = (metric.id for metric in task.metrics)


def clip(*strokes: list[int], frames: int = 100, source: int = 0) -> Clip:
    """Silence with strokes in these frames of each drum."""
    times = tuple(np.array(frames_of, np.float64) * MEL.hop_seconds for frames_of in strokes)
    return Clip(np.zeros((frames, MEL.bands), np.float16), times, source)


def split(*clips: Clip) -> Windows:
    return Windows(clips, LAYOUT, 0.0, 1.0)


def sure(split: Windows, later: int = 0) -> torch.Tensor:
    """Logits of a model that knows the targets, and answers so many frames late."""
    parts = [torch.roll(part, later, 0) for part in split.targets.split(split.rows)]
    return 40 * torch.cat(parts) - 20


def test_a_perfect_model_scores_exactly_one() -> None:
    clips = split(clip([0, 4, 30, 99], [], [7, 11, 15]), clip([50], [98], [0, 4], frames=104))
    assert task.evaluate(sure(clips), clips).scores == {FIFTY: 1.0, TWENTY: 1.0}


def test_a_late_model_scores_by_its_lateness() -> None:
    """Frames are 11.6 ms apart: one is within 20 ms, two and four within 50 ms, five are not."""
    clips = split(clip([10, 30, 60], [20], [10, 40, 80]))
    scores = {late: task.evaluate(sure(clips, late), clips).scores for late in (1, 2, 4, 5)}
    assert [scores[late][FIFTY] for late in (1, 2, 4, 5)] == [1, 1, 1, 0]
    assert [scores[late][TWENTY] for late in (1, 2, 4, 5)] == [1, 0, 0, 0]


def test_models_that_say_nothing_or_everything() -> None:
    clips = split(clip([10, 40], [20], [30]))
    silent, loud = torch.full((100, 3), -20.0), torch.full((100, 3), 20.0)
    assert task.evaluate(silent, clips).scores[FIFTY] == 0
    found = task.evaluate(loud, clips)
    # Every fourth frame, as close as strokes may be.
    assert found.items[FIFTY]["guesses"].tolist() == [25, 25, 25]
    assert 0 < found.scores[FIFTY] < 0.2


def test_a_model_that_diverged_is_refused() -> None:
    clips = split(clip([10], [20], [30]))
    with pytest.raises(BenchError, match="not all finite"):
        task.evaluate(torch.full((100, 3), float("nan")), clips)


def test_items_are_drums_of_clips() -> None:
    clips = split(clip([1], [2], [3], source=5), clip([1], [], [3], source=9))
    items = task.evaluate(sure(clips), clips).items
    assert clips.sources.tolist() == [5, 5, 5, 9, 9, 9]
    assert all(len(values) == 6 for metric in items.values() for values in metric.values())
    assert items[FIFTY]["label"].tolist() == [0, 1, 2, 0, 1, 2]


def test_only_its_own_splits_are_scored() -> None:
    class Foreign(Split):
        sources = np.zeros(1, np.int64)

        def __len__(self) -> int:
            return 1

        def batch(self, rows: torch.Tensor) -> Batch:
            raise AssertionError

    with pytest.raises(TypeError, match="own splits"):
        task.evaluate(torch.zeros(1, 3), Foreign())


def test_the_target_of_a_row_is_which_drums_are_struck_in_it() -> None:
    """One class for each of the eight sets, whether a stroke's frame or the one beside it is in the middle."""
    clips = split(clip([10, 20], [20, 40], [20, 40, 41, 60]))
    summary = task.target_summary(clips.batch(torch.tensor([0, 10, 11, 12, 20, 21, 39, 40, 42, 60])).targets)
    assert not summary.is_floating_point()
    assert summary.tolist() == [0, 1, 1, 0, 7, 7, 6, 6, 4, 4]
    every = torch.tensor([[k, s, h] for k in (0.0, 1.0) for s in (0.0, 0.5) for h in (0.0, 1.0)])
    assert sorted(task.target_summary(every).tolist()) == list(range(8))
