"""Rendered clips: the same everywhere, no leaks, onsets where they are heard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.data.second_font import has_second_font
from benchmark.data.soundfont import font
from benchmark.task import Data
from benchmark.training import evaluate, fit
from tasks.onsets import arrange, other_font, playing, rendered, task
from tasks.onsets.arrange import ATTACK, FRAMES, SAMPLES, begins, pitched
from tasks.onsets.features import MEL, RATE
from tasks.onsets.merging import TOGETHER, merged
from tasks.onsets.model import ANSWERS, CONTEXT
from tasks.onsets.playing import CLEAR, SECONDS, STYLES, Note
from tasks.onsets.rows import LAYOUT
from tasks.onsets.sounds import FOLDS, KITS, PRESETS, RATTLING, folds, keys, samples

ROOT = Path(__file__).parents[2]
SIDES = ("train", "validation", "test")
CLIPS = [(fold, index) for fold in range(FOLDS) for index in (0, 13)]
"""Of every fold one that a pitched source leads, and one that a kit leads."""
HASH = """
import hashlib
from tasks.onsets import rendered
for fold, index in {clips}:
    audio, onsets, _ = rendered.render(fold, index)
    print(hashlib.sha256(audio.tobytes() + onsets.tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIMBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "shared-cache"))
        return task.data("rendered", None, "smoke", 0)


@pytest.fixture(scope="module")
def rendering() -> list[tuple[np.ndarray, np.ndarray, int]]:
    return [rendered.render(fold, index) for fold, index in CLIPS]


def test_clips_are_the_same_in_other_processes_and_on_more_threads() -> None:
    """Bit by bit, in int16."""
    code = HASH.format(clips=CLIPS[:4])
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads),
            stdout=subprocess.PIPE,
            text=True,
        )
        for threads in ("1", "2")
    ]
    one, other = (process.communicate(timeout=120)[0] for process in running)
    assert [process.returncode for process in running] == [0, 0]
    assert one == other and len(set(one.split())) == 4


def test_a_clip_does_not_depend_on_others(rendering: list[tuple[np.ndarray, np.ndarray, int]]) -> None:
    audio, onsets, source = rendered.render(*CLIPS[3])
    assert audio.dtype == np.int16 and audio.shape == (SAMPLES,)
    assert np.array_equal(audio, rendering[3][0]) and np.array_equal(onsets, rendering[3][1])
    assert source == rendering[3][2]


def test_data_are_the_same_when_rendered_again(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path))
    again = task.data("rendered", None, "smoke", 0)
    assert again.digest == data.digest and again.manifest == data.manifest
    rows = torch.arange(0, len(data.train), 20)
    assert torch.equal(again.train.batch(rows).inputs, data.train.batch(rows).inputs)


def test_seeds_rotate_the_folds(data: Data) -> None:
    assert task.data("rendered", None, "smoke", 1).digest != data.digest
    assert task.data("rendered", None, "smoke", FOLDS).digest == data.digest


def test_no_sample_is_in_two_sources() -> None:
    every = list(chain(*folds(font())))
    assert [source.number for source in sorted(every, key=lambda s: s.number)] == list(range(len(every)))
    for one, other in combinations([samples(font(), source) for source in every], 2):
        assert one and not one & other


def test_every_fold_has_pitched_sources_and_kits() -> None:
    for fold in folds(font()):
        assert sum(bool(source.drums) for source in fold) == KITS
        assert sum(bool(source.presets) for source in fold) >= 11
        assert all(2 <= len(source.drums) <= 3 for source in fold if source.drums)
    assert sorted(chain(*(source.presets for fold in folds(font()) for source in fold))) == sorted(PRESETS)


def test_nothing_that_rattles_is_struck() -> None:
    names = {
        zone.sample_name
        for fold in folds(font())
        for source in fold
        for kit, key in source.drums
        for zone in font().zones(128, kit)
        if zone.sample in samples(font(), source)
    }
    assert len(names) > 40 and not names & RATTLING


@pytest.mark.parametrize("seed", range(FOLDS))
def test_splits_share_nothing(seed: int) -> None:
    found = task.data("rendered", None, "smoke", seed)
    for one, other in combinations([found.train, found.validation, found.test], 2):
        assert not set(one.sources.tolist()) & set(other.sources.tolist())
    for one, other in combinations(found.manifest["splits"].values(), 2):
        for what in ("folds", "audio"):
            assert not set(one[what]) & set(other[what])
        assert not set(chain(*one["presets"])) & set(chain(*other["presets"]))
        assert not set(map(tuple, chain(*one["drums"]))) & set(map(tuple, chain(*other["drums"])))


def test_a_fold_is_led_by_all_its_sources_in_turn() -> None:
    here = [source.number for source in folds(font())[2]]
    clips = [rendered.render(2, index)[2] for index in (0, 3, len(here))]
    assert clips == [here[0], here[3], here[0]]


def test_the_manifest_is_json_and_counts(data: Data) -> None:
    manifest = json.loads(json.dumps(data.manifest))
    assert manifest["font"] == font().digest and manifest["missing"] == []
    for side in SIDES:
        found, split = manifest["splits"][side], getattr(data, side)
        assert found["clips"] == len(split.sources)
        assert found["rows"] == len(split) == found["clips"] * FRAMES // ANSWERS
        assert found["events"]["onset"] == split.targets.sum() > 0


def test_onsets_are_in_order_apart_and_inside(rendering: list[tuple[np.ndarray, np.ndarray, int]]) -> None:
    for _, onsets, _ in rendering:
        assert len(onsets) >= 4
        assert (np.diff(onsets) > 0).all() and onsets[0] > 0 and onsets[-1] < SECONDS - CLEAR / 2


def test_levels_differ_and_nothing_clips(rendering: list[tuple[np.ndarray, np.ndarray, int]]) -> None:
    peaks = np.array([np.abs(audio.astype(int)).max() / 32768 for audio, *_ in rendering])
    assert peaks.max() < 1 and peaks.min() > 0.1 and peaks.std() > 0.1


@pytest.mark.parametrize("fold", range(FOLDS))
def test_a_lone_note_begins_where_the_truth_says(fold: int) -> None:
    """The first sample over a tenth of its early peak, in the track that is heard; no later than 0.13 s."""
    for source in folds(font())[fold]:
        if source.drums:
            waves = [arrange._stroke(font(), drum, np.random.default_rng(0)) for drum in source.drums]
        else:
            lowest, highest = keys(source.presets[0])
            waves = [pitched(font(), source.presets[0], Note(0, 0.4, (lowest + highest) // 2), 0.0)]
        for wave in waves:
            track, times = arrange._sound([Note(1.2345, 0.4, 0)], [wave])
            level = np.abs(track)
            first = int(np.argmax(level >= ATTACK * level[: round((1.2345 + 0.25) * RATE)].max()))
            assert times == pytest.approx([first / RATE], abs=1.5 / RATE)
            assert 0 <= times[0] - 1.2345 < 0.13, source


def test_begins_is_the_first_sample_over_a_tenth_of_the_early_peak() -> None:
    wave = np.zeros(RATE)
    wave[320], wave[640], wave[1000], wave[20_000] = 0.05, -0.1, 1.0, 50.0
    assert begins(wave) == 640 / RATE


def test_what_sounds_already_is_no_onset(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sustained background is heard from the first sample on and is not in the truth."""
    here = folds(font())[0]
    drone = arrange._drone(font(), here[3], np.random.default_rng(1))
    first, last = (np.abs(part).max() for part in (drone[: RATE // 4], drone[-RATE // 4 :]))
    assert min(first, last) > 0.1 * np.abs(drone).max()
    monkeypatch.setattr(arrange.playing, "play", lambda *_: [Note(2.0, 0.5, 60)])
    lead = next(source for source in here if source.presets)
    seen = [
        len(arrange.perform(font(), lead, here[:3], [s for s in here if s.drums], np.random.default_rng(seed))[1])
        for seed in range(12)
    ]
    assert min(seen) == 1, "clips of one note and perhaps a background"


def test_vibrato_and_glides_change_the_pitch_and_not_the_onset() -> None:
    plain, swung = (
        pitched(font(), 73, Note(0, 1.0, 72, vibrato=(depth, 6.0), glide=depth), 0.0) for depth in (0.0, 80.0)
    )
    assert begins(plain) == begins(swung)
    assert np.abs(plain - swung)[RATE // 2 : RATE].max() > 0.2 * np.abs(plain).max()
    assert np.allclose(plain[:320], swung[:320], atol=0.05 * np.abs(plain).max())


@pytest.mark.parametrize("style", STYLES)
def test_parts_stay_in_their_range_and_time(style: object) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        part = style(50, 68, playing.tempo(rng), rng)  # type: ignore[operator]
        assert part and all(0 <= note.start <= SECONDS - CLEAR and note.held > 0 for note in part)
        assert all(50 <= note.key <= 68 + 12 and 0 < note.gain <= 1 for note in part)


def test_drums_play_every_drum_and_some_strokes_are_flams() -> None:
    parts = [playing.drums(3, 0.5, np.random.default_rng(seed)) for seed in range(20)]
    assert {note.key for part in parts for note in part} == {0, 1, 2}
    gaps = np.concatenate([np.diff(sorted(note.start for note in part if note.key == 0)) for part in parts])
    assert ((gaps > 0.03) & (gaps < 0.07)).any()
    assert all(0 <= note.start < SECONDS - CLEAR for part in parts for note in part)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], []),
        ([1.0], [1.0]),
        ([1.0, 1.02], [1.01]),
        ([1.02, 1.0, 1.01], [1.01]),
        ([0.0, 0.03, 0.06], [0.015, 0.06]),
        ([1.0, 1.031], [1.0, 1.031]),
    ],
)
def test_onsets_within_30_ms_are_one(given: list[float], expected: list[float]) -> None:
    assert merged(np.array(given)) == pytest.approx(np.array(expected), abs=1e-12)


def test_merging_leaves_onsets_that_are_apart() -> None:
    times = np.cumsum(np.random.default_rng(0).uniform(TOGETHER + 1e-6, 0.2, 50))
    assert np.array_equal(merged(np.random.default_rng(1).permutation(times)), times)


def test_frames_rise_where_onsets_are(rendering: list[tuple[np.ndarray, np.ndarray, int]]) -> None:
    """The spectral flux of whole mixes, averaged at so many frames from the labels."""
    lags = range(-8, 9)
    total = dict.fromkeys(lags, 0.0)
    for audio, onsets, _ in rendering:
        frames = MEL.frames(audio / 32768).astype(np.float64)
        flux = np.maximum(np.diff(frames, axis=0, prepend=frames[:1]), 0).sum(1)
        for lag in lags:
            total[lag] += flux[np.clip(MEL.nearest(onsets) + lag, 0, len(flux) - 1)].sum()
    # A window of 64 ms hears a stroke before its middle.
    assert max(total, key=lambda lag: total[lag]) in (-1, 0, 1)
    assert total[0] > 1.5 * max(total[-8], total[8])


@pytest.mark.parametrize("side", SIDES)
def test_a_row_has_its_frames_and_their_context(data: Data, side: str) -> None:
    split = getattr(data, side)
    per_clip = FRAMES // ANSWERS
    rows = torch.tensor([0, 1, per_clip - 1, per_clip, len(split) - 1])
    batch = split.batch(rows)
    assert batch.inputs.shape == (5, 1, MEL.bands, LAYOUT.seen) and batch.targets.shape == (5, ANSWERS)
    moments = data.manifest["features"]
    for row, frames, target in zip(rows.tolist(), batch.inputs, batch.targets, strict=True):
        clip, place = split.clips[row // per_clip], row % per_clip * ANSWERS
        padded = np.pad(clip.features.astype(np.float32), ((CONTEXT, CONTEXT), (0, 0)))[place : place + LAYOUT.seen].T
        expected = (padded - moments["mean"]) / moments["deviation"]
        assert frames[0].numpy() == pytest.approx(expected, abs=1e-4)
        inside = [f - place for f in MEL.nearest(clip.events[0]).tolist() if place <= f < place + ANSWERS]
        assert torch.nonzero(target).flatten().tolist() == sorted(set(inside))


def test_smoke_training_learns(data: Data) -> None:
    """Better than one onset guessed every 0.2 s, and than the untrained net."""
    torch.manual_seed(0)
    model = task.model("smoke")
    primary = task.metrics[0].id
    before = evaluate(task, model, data.test).scores[primary]
    fit(task, model, data, task.training("smoke"), seed=0)
    after = evaluate(task, model, data.test).scores[primary]
    regular = [[np.arange(0.1, SECONDS, 0.2)] for _ in data.test.clips]
    assert after > max(before, task.score(data.test, regular).scores[primary]) + 0.05


@pytest.mark.skipif(not has_second_font(), reason="the second sound font is not installed")
def test_another_font_plays_the_same_parts() -> None:
    ours = rendered.fold_clips(0, 6)[0]
    theirs = other_font.clips(0, 6)
    assert [clip.source for clip in theirs] == [clip.source for clip in ours]
    for one, other in zip(ours, theirs, strict=True):
        assert np.isfinite(other.features).all() and other.features.shape == one.features.shape
        assert not np.array_equal(one.features, other.features)
        assert len(other.events[0]) == pytest.approx(len(one.events[0]), abs=0.4 * len(one.events[0]) + 2)
