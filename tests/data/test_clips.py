"""Clips: packed without loss, rendered once, dealt out by fold."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from benchmark.data.clips import Clip, Rendering, dealt, framed, pack, rendered, unpack
from benchmark.data.logmel import LogMel

MEL = LogMel(8000, hop=80, lowest=30.0, highest=4000.0, window=512)


def same(one: Clip, other: Clip) -> bool:
    return (
        np.array_equal(one.features, other.features)
        and one.source == other.source
        and all(np.array_equal(a, b) for a, b in zip(one.events, other.events, strict=True))
    )


@pytest.mark.parametrize("kinds", [1, 3])
def test_clips_are_packed_without_loss(kinds: int) -> None:
    rng = np.random.default_rng(0)
    made = [
        Clip(rng.normal(size=(n, 64)).astype(np.float16), tuple(np.sort(rng.random(k)) for k in counts[:kinds]), n)
        for n, counts in ((5, (3, 0, 1)), (9, (0, 0, 0)), (2, (1, 4, 0)))
    ]
    assert all(same(one, other) for one, other in zip(made, unpack(pack(made)), strict=True))


def sound(index: int) -> Rendering:
    """Noise of 1,000 samples, two kinds of events and a source."""
    audio = np.random.default_rng(index).integers(-9000, 9000, 1000).astype(np.int16)
    return audio, [np.array([0.01 * index]), np.zeros(0)], 10 + index


def test_a_rendered_clip_has_a_frame_for_every_whole_hop() -> None:
    audio, events, source = sound(1)
    clip = framed((audio, events, source), MEL)
    assert clip.features.shape == (12, 64) and clip.source == 11
    assert np.array_equal(clip.features, MEL.frames(audio / 32768)[:12])


def test_clips_are_rendered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path))
    asked = []

    def render(index: int) -> Rendering:
        asked.append(index)
        return sound(index)

    clips, digest = rendered("made", {"code": "a"}, 3, render, MEL)
    again, digest_again = rendered("made", {"code": "a"}, 3, render, MEL)
    assert asked == [0, 1, 2] and digest == digest_again
    assert digest == hashlib.sha256(b"".join(sound(index)[0].tobytes() for index in range(3))).hexdigest()
    for index, (one, other) in enumerate(zip(clips, again, strict=True)):
        assert same(one, other) and same(one, framed(sound(index), MEL))
    rendered("made", {"code": "b"}, 2, render, MEL)
    assert asked == [0, 1, 2, 0, 1]


def test_folds_are_dealt_in_turn() -> None:
    asked = set()

    def of_fold(fold: int, count: int) -> tuple[list[Clip], str]:
        asked.add((fold, count))
        return [Clip(np.zeros((1, 64), np.float16), (), 100 * fold + n) for n in range(count)], f"fold {fold}"

    found = dealt(4, 5, (2, 1, 3), of_fold)
    assert found.folds == {"train": [1, 2, 3], "validation": [0], "test": [4]}
    assert {side: [clip.source for clip in clips] for side, clips in found.clips.items()} == {
        "train": [100, 101, 200, 201, 300, 301],
        "validation": [0],
        "test": [400, 401, 402],
    }
    assert found.audio == {"train": ["fold 1", "fold 2", "fold 3"], "validation": ["fold 0"], "test": ["fold 4"]}
    assert asked == {(fold, 3) for fold in range(5)}, "as many of every fold, so that all seeds share one rendering"
    assert dealt(9, 5, (2, 1, 3), of_fold).folds == found.folds
