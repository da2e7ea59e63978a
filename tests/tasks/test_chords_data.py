"""Rendered clips: the same twice, no leaks, labels in time with the sound."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
import torch

from benchmark.data.notes import render_note, resample, to_int16
from benchmark.data.soundfont import font
from benchmark.task import Batch, Data
from tasks.chords import augment, recordings, sounds, task
from tasks.chords.arrange import RENDER_RATE, Stem, play_chords, voicing
from tasks.chords.harmony import CODE_CLASSES, FAMILIES, NO_CHORD, OUT, Chord
from tasks.chords.model import BINS
from tasks.chords.patches import Patches, WideBatch
from tasks.chords.piece import FRAMES, HOP, HOP_SECONDS, RATE, compose
from tasks.chords.recordings import CONTEXT, MARGIN


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIMBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "shared-cache"))
        return task.data("rendered", None, "smoke", 0)


def test_a_clip_is_the_same_twice() -> None:
    one, other = recordings.render(2, 5), recordings.render(2, 5)
    assert one[0].dtype == np.int16
    assert one[0].shape == (FRAMES * HOP,)
    assert np.array_equal(one[0], other[0])
    assert np.array_equal(one[1], other[1])
    assert not np.array_equal(one[0], recordings.render(2, 6)[0])


def test_data_are_the_same_when_rendered_again(data: Data, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path))
    again = task.data("rendered", None, "smoke", 0)
    assert again.digest == data.digest
    assert again.manifest == data.manifest
    rows = torch.arange(0, len(data.train), 50)
    assert torch.equal(again.train.batch(rows).inputs, data.train.batch(rows).inputs)


def test_other_seeds_are_other_data(data: Data) -> None:
    assert task.data("rendered", None, "smoke", 1).digest != data.digest
    assert task.data("rendered", None, "smoke", 5).digest == data.digest


def test_no_sample_is_in_two_folds() -> None:
    heard = []
    for fold in sounds.folds(font()):
        presets = [p for source in fold.sources for p in source] + list(fold.bass)
        drums = {sounds.drum_zone(font(), kit, key).sample for kit, key in fold.drums}
        heard.append(drums.union(*(sounds.samples(font(), p) for p in presets)))
    for one, other in combinations(heard, 2):
        assert not one & other


def test_every_preset_and_drum_is_used_once() -> None:
    folds = sounds.folds(font())
    chords = [p for fold in folds for source in fold.sources for p in source]
    assert sorted(chords) == sorted(sounds.CHORD_PRESETS)
    assert sorted(p for fold in folds for p in fold.bass) == sorted(sounds.BASS_PRESETS)
    numbers = [n for fold in folds for n in fold.numbers]
    assert sorted(numbers) == list(range(len(numbers)))
    assert min(len(fold.sources) for fold in folds) >= 7


def test_presets_that_share_a_sample_are_one_source() -> None:
    groups = sounds.sources(font(), sounds.CHORD_PRESETS)
    for one, other in combinations(groups, 2):
        shared = [sounds.samples(font(), a) & sounds.samples(font(), b) for a in one for b in other]
        assert not any(shared)
    assert (0, 2) in groups, "two pianos of the same recordings"


def test_every_source_meets_every_family() -> None:
    pairs = [recordings.cast(index, 8, 6) for index in range(120)]
    assert len(set(pairs)) == 48
    assert len(set(pairs[:48])) == 48


def test_families_are_dealt_out() -> None:
    dealt = [name for fold in range(sounds.FOLDS) for name, _ in recordings.families(fold)]
    assert sorted(dealt) == list(range(len(FAMILIES)))
    for fold in range(sounds.FOLDS):
        assert sum(not family.templates for _, family in recordings.families(fold)) == 1, "one random walk each"


@pytest.mark.parametrize("seed", range(sounds.FOLDS))
def test_splits_share_nothing(seed: int) -> None:
    found = task.data("rendered", None, "smoke", seed)
    sides = [found.train, found.validation, found.test]
    for one, other in combinations(sides, 2):
        assert not set(one.sources.tolist()) & set(other.sources.tolist())
    described = list(found.manifest["splits"].values())
    for one, other in combinations(described, 2):
        for what in ("folds", "bass"):
            assert not set(one[what]) & set(other[what])
        for what in ("presets", "drums"):
            assert not set(map(tuple, one[what])) & set(map(tuple, other[what]))
        assert not set(one["families"]) & set(other["families"])


def test_the_manifest_is_json_and_counts(data: Data) -> None:
    manifest = json.loads(json.dumps(data.manifest))
    assert manifest["font"] == font().digest
    assert "GPL-2" in manifest["licence"]
    for side, split in (("train", data.train), ("validation", data.validation), ("test", data.test)):
        assert manifest["splits"][side]["rows"] == len(split)
        assert manifest["splits"][side]["clips"] == len(split.sources)
        assert sum(manifest["splits"][side]["classes"].values()) == len(split)


def test_training_draws_only_rows_with_a_class(data: Data) -> None:
    rows = torch.as_tensor(task.rows(data.train))
    outside = torch.nonzero(data.train.targets == OUT).flatten()
    assert len(outside) > 0
    assert len(rows) + len(outside) == len(data.train)
    assert (data.train.batch(rows).targets >= 0).all()


@pytest.mark.parametrize("side", ["train", "validation", "test"])
def test_a_row_is_centred_on_its_frame(data: Data, side: str) -> None:
    split = getattr(data, side)
    stride = round(split.seconds / HOP_SECONDS)
    length = split.codes.shape[1]
    rows = torch.tensor([0, length - 1, len(split) - 1, length + 3])
    batch = split.batch(rows)
    for row, wide, inputs, target in zip(rows.tolist(), batch.wide, batch.inputs, batch.targets, strict=True):
        clip, place = divmod(row, length)
        middle = stride // 2 + place * stride + CONTEXT
        expected = split.features[clip][:, middle - CONTEXT : middle + CONTEXT + 1]
        assert np.array_equal(wide[0].numpy(), expected)
        assert torch.equal(inputs[0], wide[0, MARGIN : MARGIN + BINS])
        assert target == CODE_CLASSES[split.codes[clip, place]]


def test_features_are_normalised_by_training_clips(data: Data) -> None:
    assert abs(float(data.train.features.mean())) < 1e-3
    assert float(data.train.features.std()) == pytest.approx(1, abs=1e-3)


def shares(preset: int, seed: int, lags: list[int]) -> np.ndarray:
    """(lags, frames) share of a clean piece's energy in the pitch classes of the label so many frames before."""
    rng = np.random.default_rng(seed)
    piece = compose(FAMILIES[seed], rng)
    audio = play_chords(Stem(font(), preset, 0.0), piece, rng)
    audio = to_int16(0.5 * resample(audio / np.abs(audio).max(), RENDER_RATE, RATE))
    # Every second bin is a note, and the lowest one is four semitones below C.
    energy = np.expm1(recordings.constant_q(audio)[:96:2, CONTEXT:-CONTEXT]).reshape(4, 12, FRAMES).sum(0)
    chroma = np.roll(energy / energy.sum(0), -4, axis=0)
    labelled = np.zeros((12, FRAMES))
    for segment in piece.segments:
        if segment.chord:
            labelled[list(segment.chord.pitch_classes), segment.start : segment.end] = 1
    inner = np.arange(max(lags), FRAMES - max(lags))
    inner = inner[labelled[:, inner].any(0)]
    return np.stack([(chroma[:, inner + lag] * labelled[:, inner]).sum(0) for lag in lags])


@pytest.mark.parametrize("preset", [0, 4, 16, 24, 48, 71])
def test_labels_say_what_sounds_and_when(preset: int) -> None:
    """The energy is in the labelled notes, and most so where labels are not moved in time."""
    lags = [-5, -2, -1, 0, 1, 2, 5]
    found = dict(zip(lags, np.hstack([shares(preset, seed, lags) for seed in range(4)]).mean(1), strict=True))
    assert found[0] > 0.7
    # A slow attack may be heard a frame late, nothing is heard early.
    assert max(found, key=lambda lag: found[lag]) in (0, 1)
    assert found[0] > max(found[-2], found[-5] + 0.1, found[5] + 0.05)


@pytest.mark.parametrize("semitones", [-4, -1, 3])
def test_a_transposed_recording_is_the_shifted_transform(semitones: int) -> None:
    """A triad on an organ, detuned by whole semitones, against the bins of the one that was not."""

    def features(shift: int) -> np.ndarray:
        seconds = FRAMES * HOP_SECONDS
        notes = [render_note(font(), 0, 17, k, 100, 60, seconds, RENDER_RATE, 100.0 * shift) for k in (48, 64, 67)]
        return recordings.constant_q(to_int16(0.3 * resample(np.sum(notes, 0), RENDER_RATE, RATE)))

    wide = torch.from_numpy(features(0)[None, None, :, 20:35])
    expected = features(semitones)[MARGIN : MARGIN + BINS, 20:35]
    moved, target = augment.transpose(wide, torch.tensor([0]), torch.tensor([semitones]))
    unmoved = wide[0, 0, MARGIN : MARGIN + BINS].numpy()
    assert target.item() == semitones % 12
    error = np.abs(moved[0, 0].numpy() - expected).mean()
    # The preset's filter stands still, so higher partials are not quite as loud.
    assert error < 0.15 * np.abs(unmoved - expected).mean()


def test_transposition_moves_labels_and_bins_by_the_row() -> None:
    wide = torch.arange(BINS + 2 * MARGIN).float()[None, None, :, None].repeat(5, 1, 1, 15)
    targets = torch.tensor([0, 14, 11, NO_CHORD, OUT])
    inputs, moved = augment.transpose(wide, targets, torch.tensor([4, -3, 1, 2, -4]))
    assert moved.tolist() == [4, 23, 0, NO_CHORD, OUT]
    # What sounded at bin b sounds 2 bins a semitone higher.
    assert inputs[:, 0, 0, 0].tolist() == [MARGIN - 8, MARGIN + 6, MARGIN - 2, MARGIN - 4, MARGIN + 8]
    assert inputs.shape == (5, 1, BINS, 15)


def test_level_and_colour_are_a_straight_line_over_bins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "NOISE", 0.0)
    flat = Batch(torch.zeros(200, 1, BINS, 15), torch.zeros(200, dtype=torch.int64))
    shift = augment.vary(flat, torch.Generator().manual_seed(0)).inputs[:, 0]
    assert torch.equal(shift, shift[:, :, :1].expand_as(shift)), "the same in every frame"
    line = shift[:, :, 0]
    assert (line.diff(dim=1).diff(dim=1)).abs().max() < 1e-6
    middle, reach = line[:, BINS // 2], line[:, -1] - line[:, BINS // 2]
    assert 0.9 * augment.LEVEL < middle.abs().max() <= augment.LEVEL
    assert 0.9 * augment.TILT < reach.abs().max() <= augment.TILT


def test_augmentation_comes_from_its_generator(data: Data) -> None:
    batch = data.train.batch(torch.arange(40))
    one, same, other = (task.augment(batch, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one.inputs, same.inputs)
    assert torch.equal(one.targets, same.targets)
    assert not torch.equal(one.inputs, other.inputs)
    assert one.inputs.shape == batch.inputs.shape
    assert torch.equal((one.targets == NO_CHORD), (batch.targets == NO_CHORD))
    plain = task.augment(Batch(batch.inputs, batch.targets), torch.Generator().manual_seed(1))
    assert isinstance(batch, WideBatch)
    assert torch.equal(plain.targets, batch.targets)


@pytest.mark.parametrize("seed", range(20))
def test_a_voicing_has_the_chords_notes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes = Chord(int(rng.integers(12)), str(rng.choice(["maj", "min7", "dim"]))).pitch_classes
    keys = voicing(classes, 50, rng)
    assert {key % 12 for key in keys} == set(classes)
    assert min(keys) >= 50 and max(keys) < 50 + 12 + 12 + 12


def test_smoke_trains_and_beats_chance(data: Data) -> None:
    from benchmark.training import evaluate, fit

    torch.manual_seed(0)
    model = task.model("smoke")
    before = evaluate(task, model, data.validation).scores["chords.majmin.wcsr.v1"]
    result = fit(task, model, data, task.training("smoke"), seed=0)
    assert result.validation > max(before, 1 / 25)


def test_patches_of_two_folds_are_joined() -> None:
    parts = [recordings.clips(fold, 6) for fold in (0, 1)]
    both = Patches(parts, 0.0, 1.0)
    assert len(both) == 12 * FRAMES
    second = Patches(parts[1:], 0.0, 1.0)
    rows = torch.tensor([0, 100])
    assert torch.equal(both.batch(rows + 6 * FRAMES).inputs, second.batch(rows).inputs)
