"""Rendered clips: the same twice, no leaks, and the pitch that they are said to have, when they are said to have it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from benchmark.data.soundfont import font
from benchmark.data.sources import samples
from benchmark.data.tones import PRESETS
from benchmark.task import Data
from tasks.pitch import melody, recordings, sounds, stage, task
from tasks.pitch.melody import SECONDS, Slide, Tone, Vibrato, compose
from tasks.pitch.model import FRAME, RATE
from tasks.pitch.recordings import FRAMES, HOP
from tasks.pitch.task import rotated

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIMBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "shared-cache"))
        return task.data("rendered", None, "smoke", 0)


def cents(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(1200 * np.log2(a / b))


def test_a_clip_is_the_same_twice() -> None:
    one, other = recordings.render(font(), 2, 5), recordings.render(font(), 2, 5)
    assert one[0].dtype == np.int16
    assert one[0].shape == (FRAMES * HOP,)
    assert one[1].shape == (FRAMES,)
    assert np.array_equal(one[0], other[0])
    assert np.array_equal(one[1], other[1])
    assert not np.array_equal(one[0], recordings.render(font(), 2, 6)[0])


def test_data_are_the_same_when_rendered_again(data: Data, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path))
    again = task.data("rendered", None, "smoke", 0)
    assert again.digest == data.digest
    assert again.manifest == data.manifest
    rows = torch.arange(0, len(data.train), 50)
    assert torch.equal(again.train.batch(rows).inputs, data.train.batch(rows).inputs)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_clip_is_the_same_in_another_process_and_with_other_threads(threads: str) -> None:
    code = (
        "from benchmark.data.soundfont import font; from tasks.pitch import recordings; import hashlib; "
        "clips = [recordings.render(font(), 4, index) for index in (1, 7)]; "
        "print([hashlib.sha256(audio.tobytes() + hertz.tobytes()).hexdigest() for audio, hertz, _ in clips])"
    )
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=os.environ | dict.fromkeys(names, threads), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    here = [recordings.render(font(), 4, index) for index in (1, 7)]
    assert done.stdout.strip() == str([hashlib.sha256(a.tobytes() + h.tobytes()).hexdigest() for a, h, _ in here])


def test_seeds_in_a_row_have_disjoint_tests_and_later_ones_other_data(data: Data) -> None:
    tests = [set(rotated("rendered", seed)[0][:3]) for seed in range(3)]
    assert set.union(*tests) == set(range(sounds.FOLDS)) and sum(map(len, tests)) == sounds.FOLDS
    orders = [tuple(rotated("rendered", seed)[0]) for seed in range(sounds.FOLDS)]
    assert len(set(orders)) == sounds.FOLDS
    assert task.data("rendered", None, "smoke", 1).digest != data.digest


@pytest.mark.parametrize(("name", "folds", "tests"), [("rendered", 9, 3), ("philharmonia", 6, 2), ("vocadito", 5, 1)])
def test_every_fold_has_one_place_and_every_fold_tests(name: str, folds: int, tests: int) -> None:
    for seed in range(12):
        order, count = rotated(name, seed)
        assert sorted(order) == list(range(folds)) and count == tests
    assert {fold for seed in range(folds // tests) for fold in rotated(name, seed)[0][:tests]} == set(range(folds))


def test_no_sample_is_in_two_folds_and_every_preset_in_one() -> None:
    folds = sounds.folds(font())
    heard = [frozenset().union(*(samples(font(), p) for s in fold.sources for p in s)) for fold in folds]
    for one, other in combinations(heard, 2):
        assert not one & other
    assert sorted(p for fold in folds for s in fold.sources for p in s) == sorted(PRESETS)
    numbers = [n for fold in folds for n in fold.numbers]
    assert sorted(numbers) == list(range(len(numbers)))
    assert {len(fold.sources) for fold in folds} == {5}
    assert {len(fold.numbers) for fold in folds} == {5 + sounds.PLAYERS}


@pytest.mark.parametrize("seed", range(4))
def test_splits_share_no_source(seed: int) -> None:
    found = task.data("rendered", None, "smoke", seed)
    for one, other in combinations([found.train, found.validation, found.test], 2):
        assert not set(one.sources.tolist()) & set(other.sources.tolist())
    sides = found.manifest["splits"].values()
    assert sorted(fold for side in sides for fold in side["folds"]) == list(range(sounds.FOLDS))
    assert len(set(found.test.sources.tolist())) == 3 * (5 + sounds.PLAYERS)


def test_the_manifest_is_json_and_counts(data: Data) -> None:
    manifest = json.loads(json.dumps(data.manifest))
    assert manifest["font"] == font().digest
    for side in ("train", "validation", "test"):
        split, said = getattr(data, side), manifest["splits"][side]
        assert (said["rows"], said["clips"]) == (len(split), len(split.sources))
        assert 0.5 * said["rows"] < said["voiced_rows"] < said["rows"]


def test_a_melody_is_one_voice_within_its_keys() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        tones = compose(50, 60, rng)
        assert all(a.end <= b.start for a, b in pairwise(tones))
        assert tones[0].start >= 0 and tones[-1].end <= SECONDS
        for tone in tones:
            time = np.linspace(0, tone.end - tone.start, 200)
            pitch = tone.key + tone.cents(time) / 100
            assert pitch.min() >= 50 - 2.6 and pitch.max() <= 60 + 2.6
            assert tone.vibrato is None or (4 <= tone.vibrato.rate <= 7 and tone.vibrato.depth <= 60)


def test_melodies_have_all_that_they_should() -> None:
    rng = np.random.default_rng(1)
    tones = [tone for _ in range(100) for tone in compose(50, 70, rng)]
    shares = {
        "vibrato": np.mean([tone.vibrato is not None for tone in tones]),
        "glides": np.mean([any(slide.start > 0 for slide in tone.slides) for tone in tones]),
        "scoops": np.mean([tone.origin != 0 for tone in tones]),
        "re-struck": np.mean([len(tone.slides) == 0 for tone in tones]),
    }
    assert all(0.1 < share < 0.9 for share in shares.values()), shares


def test_the_curve_is_what_the_tone_says() -> None:
    slid = Tone(0, 2, 69, 100, origin=-100.0, slides=(Slide(0.0, 0.1, 100.0), Slide(1.0, 0.2, 300.0)))
    assert slid.cents(np.array([0.0, 0.05, 0.1, 1.0, 1.1, 1.2, 2.0])) == pytest.approx([-100, -50, 0, 0, 150, 300, 300])
    swung = Tone(0, 2, 69, 100, vibrato=Vibrato(5.0, 60.0, 0.0, 0.0, swell=0.1))
    assert swung.cents(np.array([1.05, 1.1, 1.15])) == pytest.approx([60, 0, -60], abs=1e-9)
    held, hertz = recordings.curve((Tone(0.1, 0.5, 69, 100), Tone(1.0, 1.5, 57, 100)), 50.0)
    assert np.flatnonzero(held).tolist() == [*range(10, 50), *range(100, 150)]
    assert hertz[10] == pytest.approx(440 * 2 ** (50 / 1200), abs=1e-3)
    assert hertz[149] == pytest.approx(220 * 2 ** (50 / 1200), abs=1e-3)


@pytest.mark.parametrize("preset", [0, 24, 65, 71, 110])
def test_an_independent_tracker_hears_the_curve(preset: int) -> None:
    """Glides and vibrato, without noise; and nowhere else in time does the curve fit as well."""
    tones = (
        Tone(0.1, 1.2, 60, 110, slides=(Slide(0.3, 0.15, 400.0), Slide(0.7, 0.1, -200.0))),
        Tone(1.3, 2.5, 64, 100, vibrato=Vibrato(5.5, 60.0, 0.0, 1.0)),
    )
    audio = recordings.perform(font(), preset, tones, 30.0)
    held, hertz = recordings.curve(tones, 30.0)
    heard, voiced, _ = librosa.pyin(audio, fmin=100, fmax=1000, sr=RATE, frame_length=FRAME, hop_length=HOP)
    heard, voiced = heard[:FRAMES], voiced[:FRAMES]
    inner = held & voiced & np.r_[[False] * 5, held[:-5]] & np.r_[held[5:], [False] * 5]
    assert inner.sum() > 0.7 * held.sum()
    error = cents(heard[inner], hertz[inner])
    assert np.median(error) < 12
    assert (error < 50).mean() > 0.97
    places = np.flatnonzero(inner)
    shifted = {lag: np.mean(cents(heard[places], hertz[places + lag]).clip(max=200)) for lag in (-3, -2, 0, 2, 3)}
    assert min(shifted, key=shifted.__getitem__) == 0, shifted


def voiced_frames(preset: int, tone: Tone, down: float) -> np.ndarray:
    """Numbers of the voiced frames of a clip that plays one tone on a preset, with noise that many dB below it."""
    fold, place = next(
        (n, i) for n, f in enumerate(sounds.folds(font())) for i, s in enumerate(f.sources) if s[0] == preset
    )

    def noise(heard: np.ndarray, level: float, band: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return rng.normal(0, level * 10 ** (-down / 20), len(heard))

    recordings.dry.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(melody, "compose", lambda lowest, highest, rng: (tone,))
        patch.setattr(stage, "in_a_room", lambda dry, rng: dry)
        patch.setattr(stage, "disturbance", noise)
        voiced = np.flatnonzero(recordings.render(font(), fold, place)[1])
    recordings.dry.cache_clear()
    return voiced


def test_what_is_held_is_voiced_and_nothing_else() -> None:
    voiced = voiced_frames(20, Tone(0.5, 1.5, 60, 110), 20)
    assert voiced[0] in (50, 51, 52)
    assert voiced[-1] in (148, 149)
    assert len(voiced) == voiced[-1] - voiced[0] + 1


def test_what_has_died_away_in_the_noise_is_not_voiced() -> None:
    """A kalimba that is held for 2.3 s: voiced from its stroke until it is far under the noise, sooner or later."""
    ends = []
    for down in (10, 20, 30):
        voiced = voiced_frames(108, Tone(0.2, 2.5, 72, 110), down)
        assert voiced[0] in (20, 21)
        assert len(voiced) > 0.9 * (voiced[-1] - voiced[0])
        ends.append(voiced[-1])
    assert 30 < ends[0] < ends[1] < ends[2] <= 249


def test_presets_of_a_source_take_turns() -> None:
    fold = next(f for f in range(sounds.FOLDS) if max(map(len, sounds.folds(font())[f].sources)) > 1)
    here = sounds.folds(font())[fold]
    place = next(i for i, s in enumerate(here.sources) if len(s) > 1)
    played: list[int] = []
    recordings.dry.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            recordings, "perform", lambda f, preset, tones, tuning: played.append(preset) or np.ones(FRAMES * HOP)
        )
        for turn in range(4):
            recordings.dry(font(), fold, place + turn * len(here.numbers))
    recordings.dry.cache_clear()
    assert played == [here.sources[place][turn % len(here.sources[place])] for turn in range(4)]


def test_a_key_that_the_font_left_out_is_played_on_its_neighbour() -> None:
    """The alto saxophone has no zone for key 64."""
    assert not font().match(0, 65, 64, 100)
    assert abs(sounds.struck(font(), 65, 64) - 64) == 1
    assert sounds.struck(font(), 65, 60) == 60
    audio = recordings.perform(font(), 65, (Tone(0.0, 2.5, 64, 100),), 0.0)
    heard = librosa.yin(audio[RATE : 2 * RATE], fmin=100, fmax=1000, sr=RATE, frame_length=2048)
    assert np.median(cents(heard, 440 * 2 ** (-5 / 12))) < 15
