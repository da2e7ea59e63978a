"""Windows of clips: what a row sees, what it is asked, and the data that are made of them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmark.audio import windows
from benchmark.audio.windows import Layout, Windows, statistics
from benchmark.data.clips import Clip
from benchmark.data.logmel import LogMel
from benchmark.data.splits import SIDES, Side

MEL = LogMel(8000, hop=80, lowest=30.0, highest=4000.0)
PATCHES = Layout(MEL, ("low", "mid", "high"), answers=1, context=7, beside=0.5)
SEGMENTS = Layout(MEL, ("any",), answers=25, context=13, beside=0.0)
LENGTHS = (1, 49, 50, 51, 130)


def clip(*events: list[int], frames: int = 100, source: int = 0) -> Clip:
    """Noise with events in these frames of each kind."""
    noise = np.random.default_rng(frames).normal(size=(frames, 64)).astype(np.float16)
    return Clip(noise, tuple(np.array(at, np.float64) * MEL.hop_seconds for at in events), source)


@pytest.mark.parametrize("layout", [PATCHES, SEGMENTS])
def test_a_row_sees_its_frames_and_their_context(layout: Layout) -> None:
    clips = [clip(*([] for _ in layout.kinds), frames=frames) for frames in LENGTHS]
    split = Windows(clips, layout, 0.3, 2.0)
    batch = split.batch(torch.arange(len(split)))
    assert batch.inputs.shape == (len(split), 1, 64, layout.seen)
    row = 0
    for one, rows in zip(clips, split.rows, strict=True):
        assert rows == -(-len(one.features) // layout.answers)
        padded = np.pad(one.features.astype(np.float32), ((layout.context, layout.context + 25), (0, 0)))
        for place in range(0, rows * layout.answers, layout.answers):
            expected = (padded[place : place + layout.seen].T - 0.3) / 2
            assert batch.inputs[row, 0].numpy() == pytest.approx(expected, abs=1e-6)
            row += 1
    assert row == len(split)


def test_rows_come_in_the_order_asked_for() -> None:
    split = Windows([clip([3, 40], frames=60), clip([7], frames=30)], SEGMENTS, 0.0, 1.0)
    one, other = split.batch(torch.tensor([3, 0])), split.batch(torch.tensor([0, 3]))
    assert torch.equal(one.inputs, other.inputs.flip(0)) and torch.equal(one.targets, other.targets.flip(0))
    assert torch.nonzero(one.targets).tolist() == [[0, 7], [1, 3]]


def test_targets_reach_into_the_next_frames_and_no_further() -> None:
    targets = PATCHES.targets(clip([0, 10, 11], [5], [99]), 100)
    assert targets[[0, 1, 2, 9, 10, 11, 12, 13], 0].tolist() == [1, 0.5, 0, 0.5, 1, 1, 0.5, 0]
    assert targets[3:8, 1].tolist() == [0, 0.5, 1, 0.5, 0]
    assert targets[:, 2].sum() == 1.5 and targets[99, 2] == 1
    assert PATCHES.mass == 2 == targets[:, 1].sum() and SEGMENTS.mass == 1


def test_targets_of_several_frames_are_side_by_side() -> None:
    both = replace(SEGMENTS, kinds=("low", "high"))
    split = Windows([clip([3, 30], [4])], both, 0.0, 1.0)
    assert split.targets.shape == (4, 50)
    assert torch.nonzero(split.targets).tolist() == [[0, 6], [0, 9], [1, 10]]


def test_events_beyond_the_last_frame_have_no_target() -> None:
    split = Windows([clip([0, frames], frames=frames) for frames in LENGTHS], SEGMENTS, 0.0, 1.0)
    assert split.rows == [1, 2, 2, 3, 6] and split.targets.sum() == len(LENGTHS)


def test_answers_are_cut_again_by_clip() -> None:
    split = Windows([clip([], frames=frames) for frames in LENGTHS], SEGMENTS, 0.0, 1.0)
    parts = split.by_clip(torch.arange(350.0).reshape(14, 25))
    assert [tuple(part.shape) for part in parts] == [(frames, 1) for frames in LENGTHS]
    assert parts[3].flatten().tolist() == list(range(125, 176))
    split = Windows([clip([], [], [], frames=frames) for frames in (2, 3)], PATCHES, 0.0, 1.0)
    parts = split.by_clip(torch.arange(15.0).reshape(5, 3))
    assert parts[1].tolist() == [[6, 7, 8], [9, 10, 11], [12, 13, 14]]


def test_items_are_kinds_of_clips() -> None:
    clips = [clip([], [], [], source=5), clip([], [], [], source=9)]
    assert Windows(clips, PATCHES, 0.0, 1.0).sources.tolist() == [5, 5, 5, 9, 9, 9]


def test_statistics_are_those_of_all_values() -> None:
    clips = [clip([], frames=frames) for frames in LENGTHS]
    values = np.concatenate([one.features for one in clips]).astype(float)
    assert statistics(clips) == pytest.approx((values.mean(), values.std()), abs=1e-9)


def made(**changed: object) -> windows.Data:
    """Of a clip a side."""
    events: dict[Side, list[int]] = {"train": [3, 9], "validation": [5], "test": [7]}
    clips = {side: [clip(at, frames=100 + place)] for place, (side, at) in enumerate(events.items())}
    about: dict[Side, dict[str, object]] = {side: {"audio": [f"digest of {side}"]} for side in SIDES}
    return windows.data(**({"clips": clips, "about": about, "facts": {"generator": "a"}, "layout": SEGMENTS} | changed))


def test_data_are_normalised_by_training_clips_and_described() -> None:
    data = made()
    manifest = json.loads(json.dumps(data.manifest))
    values = clip([3, 9]).features.astype(float)
    assert manifest["features"] == pytest.approx({"mean": values.mean(), "deviation": values.std()})
    assert manifest["generator"] == "a"
    assert manifest["splits"]["test"] == {
        "audio": ["digest of test"], "clips": 1, "rows": 5, "seconds": 1, "sources": 1, "events": {"any": 1},
    }  # fmt: skip
    seen = data.train.batch(torch.tensor([1])).inputs[0, 0].numpy()
    expected = (values[12:63].T - values.mean()) / values.std()
    assert seen == pytest.approx(expected, abs=1e-5)


def test_the_digest_follows_audio_truth_sources_and_code() -> None:
    before = made().digest
    assert made().digest == before
    clips = {side: [clip([3])] for side in SIDES}
    digests = {
        before,
        made(facts={"generator": "b"}).digest,
        made(about={side: {"audio": ["another"]} for side in SIDES}).digest,
        made(clips=clips).digest,
        made(clips=clips | {"test": [clip([4])]}).digest,
        made(clips=clips | {"test": [clip([3], source=1)]}).digest,
    }
    assert len(digests) == 6
