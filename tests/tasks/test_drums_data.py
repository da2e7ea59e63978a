"""Rendered loops: the same twice, no leaks, strokes where they are heard."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.data.second_font import has_second_font, second_font
from benchmark.data.soundfont import font
from benchmark.task import Data
from benchmark.training import evaluate, fit
from tasks.drums import other_font, patterns, rendered, synth, task
from tasks.drums.arrange import CLEAR, FRAMES, GAP, SAMPLES, SECONDS, _drums
from tasks.drums.features import MEL, PATCH, RATE
from tasks.drums.patterns import OTHER, Stroke
from tasks.drums.rendered import SAMPLED
from tasks.drums.rows import LAYOUT
from tasks.drums.sounds import FOLDS, HAT, KICK, SNARE, SOUNDS, samples
from tasks.drums.voices import ATTACK, attack, softened, voice

ROOT = Path(__file__).parents[2]
SIDES = ("train", "validation", "test")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIMBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "shared-cache"))
        return task.data("rendered", None, "smoke", 0)


@pytest.fixture(scope="module")
def rendering() -> list[tuple[np.ndarray, list[np.ndarray], int]]:
    return [rendered.render(fold, index) for fold in range(FOLDS) for index in range(3)]


def test_a_clip_is_the_same_twice() -> None:
    one, other, next_one = rendered.render(2, 5), rendered.render(2, 5), rendered.render(2, 6)
    assert one[0].dtype == np.int16 and one[0].shape == (SAMPLES,)
    assert np.array_equal(one[0], other[0])
    assert all(np.array_equal(a, b) for a, b in zip(one[1], other[1], strict=True))
    assert not np.array_equal(one[0], next_one[0])


def test_data_are_the_same_when_rendered_again(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path))
    again = task.data("rendered", None, "smoke", 0)
    assert again.digest == data.digest
    assert again.manifest == data.manifest
    rows = torch.arange(0, len(data.train), 50)
    assert torch.equal(again.train.batch(rows).inputs, data.train.batch(rows).inputs)


def test_other_seeds_are_other_data(data: Data) -> None:
    assert task.data("rendered", None, "smoke", 1).digest != data.digest
    assert task.data("rendered", None, "smoke", FOLDS).digest == data.digest


def test_no_sample_is_in_two_folds() -> None:
    for one, other in combinations([samples(font(), fold) for fold in SOUNDS], 2):
        assert not one & other


def test_every_fold_has_every_drum() -> None:
    for fold in SOUNDS:
        assert all(len(part) >= 1 for part in fold.labelled)
        assert len(fold.others) == 4


@pytest.mark.parametrize("fold", range(FOLDS))
def test_bars_are_well_formed_and_stay_in_their_fold(fold: int) -> None:
    rng = np.random.default_rng(fold)
    bars = [patterns.bar(fold, FOLDS, rng) for _ in range(100)]
    for lines in bars:
        assert len(lines) == 3 and len({len(line) for line in lines}) == 1
        assert len(lines[0]) in (12, 16)
        assert not set(lines[0]) - set(".xX") and not set(lines[1]) - set(".xXg") and not set(lines[2]) - set(".xgo")
        assert patterns.fold_of(lines, FOLDS) == fold
    assert len(set(bars)) > 90, "hardly two are equal"
    assert {len(lines[0]) for lines in bars} == {12, 16}


def clip_sounds(monkeypatch: pytest.MonkeyPatch, fold: int, index: int) -> tuple[tuple[str, ...], list[bytes]]:
    """The bar of a clip and the waves of the synthetic strokes in it."""
    bars: list[tuple[str, ...]] = []
    waves: list[bytes] = []
    real_bar, real_stroke = patterns.bar, synth.stroke

    def bar(fold: int, folds: int, rng: np.random.Generator) -> tuple[str, ...]:
        bars.append(real_bar(fold, folds, rng))
        return bars[-1]

    def stroke(drum: int, rng: np.random.Generator) -> np.ndarray:
        wave = real_stroke(drum, rng)
        waves.append(wave.tobytes())
        return wave

    with monkeypatch.context() as patch:
        patch.setattr(patterns, "bar", bar)
        patch.setattr(synth, "stroke", stroke)
        rendered.render(fold, index)
    return bars[0], waves


def test_no_bar_and_no_synthetic_drum_is_in_two_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = {fold: [clip_sounds(monkeypatch, fold, index) for index in range(4)] for fold in range(FOLDS)}
    for one, other in combinations(heard.values(), 2):
        assert not {bar for bar, _ in one} & {bar for bar, _ in other}
        assert not {wave for _, waves in one for wave in waves} & {wave for _, waves in other for wave in waves}
    kits = [tuple(waves) for clips in heard.values() for _, waves in clips[1:]]
    assert all(len(kit) == 7 for kit in kits) and len(set(kits)) == len(kits), "a kit of its own in every clip"


@pytest.mark.parametrize("seed", range(FOLDS))
def test_splits_share_nothing(seed: int) -> None:
    found = task.data("rendered", None, "smoke", seed)
    sides = [found.train, found.validation, found.test]
    for one, other in combinations(sides, 2):
        assert not set(one.sources.tolist()) & set(other.sources.tolist())
        assert not {c.features.tobytes() for c in one.clips} & {c.features.tobytes() for c in other.clips}
    for split, about in zip(sides, found.manifest["splits"].values(), strict=True):
        assert {source % FOLDS for source in split.sources.tolist()} == set(about["folds"])
    for one, other in combinations(found.manifest["splits"].values(), 2):
        assert not set(one["folds"]) & set(other["folds"])
        assert not set(one["audio"]) & set(other["audio"])
        for drum in ("KD", "SD", "HH"):
            heard = [{name for fold in side["samples"] for name in fold[drum]} for side in (one, other)]
            assert not heard[0] & heard[1]


def test_every_eighth_clip_has_the_font_and_all_others_a_source_of_their_own() -> None:
    sources = {(fold, index): rendered.render(fold, index)[2] for fold, index in product((0, 3), (0, 1, 7, SAMPLED))}
    assert sources[0, 0] == sources[0, SAMPLED] != sources[3, 0] == sources[3, SAMPLED]
    assert len(set(sources.values())) == 6


def test_the_manifest_is_json_and_counts(data: Data) -> None:
    manifest = json.loads(json.dumps(data.manifest))
    assert manifest["font"] == font().digest and manifest["missing"] == []
    for side in SIDES:
        found, split = manifest["splits"][side], getattr(data, side)
        assert found["rows"] == len(split) == FRAMES * found["clips"]
        assert 3 * found["clips"] == len(split.sources)
        assert list(found["events"].values()) == (split.targets == 1).sum(0).tolist()
        assert min(found["events"].values()) > 0


def test_strokes_are_in_order_apart_and_audible(rendering: list[tuple[np.ndarray, list[np.ndarray], int]]) -> None:
    for _, truth, _ in rendering:
        for times in truth:
            assert (np.diff(times) >= GAP).all()
            assert ((times > 0) & (times <= SECONDS - CLEAR)).all()


def test_levels_differ_and_nothing_clips(rendering: list[tuple[np.ndarray, list[np.ndarray], int]]) -> None:
    peaks = np.array([np.abs(audio.astype(int)).max() / 32768 for audio, *_ in rendering])
    assert peaks.max() < 1 and peaks.min() > 0.1 and peaks.std() > 0.1


@pytest.mark.parametrize("fold", range(FOLDS))
def test_truth_is_where_the_sound_begins(fold: int) -> None:
    """A lone stroke of every labelled sound: the first sample over a tenth of its peak."""
    rng = np.random.default_rng(fold)
    for drum, part in enumerate(SOUNDS[fold].labelled):
        for sound in (*part, None, None):
            kit = [[voice(drum, rng, font(), sound)] if d == drum else [] for d in range(OTHER + 1)]
            # A soft stroke is duller, and so begins a little earlier or later than the loud one that the truth is of.
            for gain, within in ((1.0, 1 / RATE), (0.3, 0.005)):
                audio, truth = _drums(kit, [Stroke(1.2345, drum, gain)], rng)
                level = np.abs(audio)
                first = int(np.argmax(level >= ATTACK * level.max()))
                assert truth[drum] == pytest.approx([first / RATE], abs=within)
                # To a sample, which the time of note-on is rounded to.
                assert -1 / RATE < truth[drum][0] - 1.2345 < 0.02
                assert all(len(truth[d]) == 0 for d in range(3) if d != drum)


def test_a_stroke_on_the_hat_ends_the_one_before() -> None:
    rng = np.random.default_rng(0)
    kit = [[], [], [voice(HAT, rng, font(), SOUNDS[1].hats[1])], []]
    alone, _ = _drums(kit, [Stroke(1.0, HAT, 1.0, open=True)], rng)
    choked, truth = _drums(kit, [Stroke(1.0, HAT, 1.0, open=True), Stroke(1.2, HAT, 0.01)], rng)
    after = slice(round(1.25 * RATE), None)
    assert np.abs(alone[after]).max() > 20 * np.abs(choked[after]).max()
    assert len(truth[HAT]) == 2


def test_strokes_too_close_are_one() -> None:
    rng = np.random.default_rng(0)
    kit = [[voice(KICK, rng, font(), SOUNDS[0].kicks[0])], [], [], []]
    strokes = [Stroke(t, 0, 1.0) for t in (1.0, 1.03, 1.059, 1.061, SECONDS - 0.05)]
    _, truth = _drums(kit, strokes, rng)
    assert truth[0] - truth[0][0] == pytest.approx([0, 0.061], abs=1e-4)


def test_frames_rise_where_strokes_are(rendering: list[tuple[np.ndarray, list[np.ndarray], int]]) -> None:
    """The spectral flux of whole mixes, averaged at so many frames from the labels."""
    lags = range(-6, 7)
    total = dict.fromkeys(lags, 0.0)
    for audio, truth, _ in rendering:
        frames = MEL.frames(audio / 32768).astype(np.float64)
        flux = np.maximum(np.diff(frames, axis=0, prepend=frames[:1]), 0).sum(1)
        at = MEL.nearest(np.concatenate(truth))
        for lag in lags:
            total[lag] += flux[np.clip(at + lag, 0, len(flux) - 1)].sum()
    # A window of four hops sees a stroke up to two frames before its middle.
    assert max(total, key=lambda lag: total[lag]) in (-1, 0)
    assert total[0] > 3 * max(total[-6], total[6])


def test_attack_is_the_first_sample_over_a_tenth() -> None:
    wave = np.zeros(RATE)
    wave[441], wave[882], wave[1000] = 0.05, -0.1, 1.0
    assert attack(wave) == 882 / RATE


@pytest.mark.parametrize(("drum", "low", "high"), [(KICK, 30, 500), (SNARE, 300, 12_000), (HAT, 6000, 17_000)])
def test_synthetic_drums_start_at_once_have_their_band_and_differ(drum: int, low: float, high: float) -> None:
    rng = np.random.default_rng(0)
    waves = [synth.stroke(drum, rng) for _ in range(30)]
    centres = []
    for wave in waves:
        assert np.abs(wave).max() == pytest.approx(1) and np.isfinite(wave).all()
        assert attack(wave) < 0.015
        power = np.abs(np.fft.rfft(wave)) ** 2
        centres.append((power * np.fft.rfftfreq(len(wave), 1 / RATE)).sum() / power.sum())
    assert low < min(centres) and max(centres) < high
    assert len({wave.tobytes() for wave in waves}) == len(waves)
    assert max(centres) > 1.3 * min(centres)


@pytest.mark.parametrize("model", synth.OTHERS)
def test_other_synthetic_drums_sound(model: object) -> None:
    wave = model(np.random.default_rng(1))
    assert np.isfinite(wave).all() and 0 < np.abs(wave).max() < 1000
    assert attack(wave) < 0.05


def test_softer_strokes_are_duller() -> None:
    wave = synth.stroke(SNARE, np.random.default_rng(0))
    loud, soft = softened(wave, 1.0), softened(wave, 0.2)
    assert loud == pytest.approx(wave)
    bright = [np.abs(np.diff(w)).mean() / np.abs(w).mean() for w in (loud, soft)]
    assert np.abs(soft).max() < 0.25 and bright[1] < 0.9 * bright[0]


@pytest.mark.parametrize("number", range(6))
def test_a_performance_keeps_to_its_bar(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without chance strokes and swing all strokes of the bar are played, and no others."""
    for name in ("DROPPED", "ADDED", "FILLED", "REPLACED", "JITTER", "DRAG"):
        monkeypatch.setattr(patterns, name, 0.0)
    rng = np.random.default_rng(number)
    lines = patterns.bar(0, FOLDS, rng)
    strokes = patterns.perform(lines, 20.0, rng)
    assert all(stroke.drum != OTHER and 0 < stroke.gain <= 1 for stroke in strokes)
    for drum, line in enumerate(lines):
        share = sum(stroke.drum == drum for stroke in strokes) / max(len(strokes), 1)
        there = sum(sign != "." for sign in line) / sum(sign != "." for part in lines for sign in part)
        assert share == pytest.approx(there, abs=0.08)
    assert [s.time for s in strokes] == sorted(s.time for s in strokes)


AUDIO = "b''.join(rendered.render(fold, index)[0].tobytes() for fold in (0, 4) for index in (0, 1))"


def test_rendering_is_the_same_in_another_process_with_other_threads() -> None:
    threads = "1" if torch.get_num_threads() > 1 else "2"
    settings = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
    program = f"import hashlib; from tasks.drums import rendered; print(hashlib.sha256({AUDIO}).hexdigest())"
    ran = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | settings, cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    here = b"".join(rendered.render(fold, index)[0].tobytes() for fold in (0, 4) for index in (0, 1))
    assert ran.stdout.strip() == hashlib.sha256(here).hexdigest()


@pytest.mark.skipif(not has_second_font(), reason="the second sound font is not installed")
def test_the_other_font_has_other_kits(monkeypatch: pytest.MonkeyPatch) -> None:
    found = font(second_font())
    assert len(other_font.programs(found)) >= 20
    monkeypatch.setattr(other_font, "programs", lambda found: [0, 25, 40])
    clips = other_font.clips(1)
    assert [clip.source for clip in clips] == [0] * 4 + [25] * 4 + [40] * 4
    assert all(clip.features.shape == (FRAMES, MEL.bands) for clip in clips)
    assert all(sum(len(clip.events[drum]) for clip in clips) > 20 for drum in range(3))
    same = other_font.clips(1)
    assert all(np.array_equal(one.features, other.features) for one, other in zip(clips, same, strict=True))


@pytest.mark.parametrize("side", SIDES)
def test_a_row_is_centred_on_its_frame(data: Data, side: str) -> None:
    split = getattr(data, side)
    rows = torch.tensor([0, LAYOUT.context, FRAMES - 1, FRAMES, len(split) - 1])
    batch = split.batch(rows)
    assert batch.inputs.shape == (5, 1, MEL.bands, PATCH)
    for row, patch, target in zip(rows.tolist(), batch.inputs, batch.targets, strict=True):
        clip, place = divmod(row, FRAMES)
        features = split.clips[clip].features.astype(np.float32)
        padded = np.pad(features, ((LAYOUT.context, LAYOUT.context), (0, 0)))[place : place + PATCH].T
        mean, deviation = data.manifest["features"]["mean"], data.manifest["features"]["deviation"]
        assert patch[0].numpy() == pytest.approx((padded - mean) / deviation, abs=1e-5)
        for drum, times in enumerate(split.clips[clip].events):
            assert (target[drum] == 1) == (np.rint(times / MEL.hop_seconds) == place).any()


def test_a_model_that_knows_the_targets_scores_one(data: Data) -> None:
    for side in SIDES:
        split = getattr(data, side)
        assert set(task.evaluate(40 * split.targets - 20, split).scores.values()) == {1.0}


def test_smoke_trains(data: Data) -> None:
    torch.manual_seed(0)
    model = task.model("smoke")
    first = task.loss(model(data.train.batch(torch.arange(500)).inputs), data.train.targets[:500]).item()
    fit(task, model, data, task.training("smoke"), seed=0)
    last = task.loss(model(data.train.batch(torch.arange(500)).inputs), data.train.targets[:500]).item()
    assert last < 0.7 * first
    assert 0 <= evaluate(task, model, data.test).scores[task.metrics[0].id] <= 1
