"""The comparison with pYIN: the same frames, a length chosen on validation, paired intervals, a second font."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchmark import classical
from benchmark.classical import Both
from benchmark.data.second_font import has_second_font
from benchmark.task import Data
from tasks.pitch import pyin, reference, task
from tasks.pitch.frames import Frames
from tasks.pitch.model import FRAME, RATE
from tasks.pitch.pyin import guesses, spanned
from tasks.pitch.recordings import HOP, Clips
from tasks.pitch.reference import by_pyin, on_second_font, presets_only


def split(pitches: list[float], stride: int = 4) -> Frames:
    """Clips of 0.4 s of a tone each; each its own source."""
    time = np.arange(40 * HOP) / RATE
    audio = [(8000 * np.sign(np.sin(2 * np.pi * p * time))).astype(np.int16) for p in pitches]
    hertz = np.repeat(np.array(pitches, np.float32), 40)
    count = len(pitches)
    return Frames([Clips(np.concatenate(audio), hertz, np.full(count, 40), np.arange(count))], stride)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path))


def test_pyin_is_asked_for_the_range_of_the_data_and_scored_on_its_rows() -> None:
    sides = split([220.0]), split([150.0, 300.0]), split([200.0, 400.0])
    within = spanned(sides)
    # 150 Hz is between the keys 50 and 51, 400 Hz between 67 and 68.
    assert [69 + 12 * np.log2(hertz / 440) for hertz in within] == pytest.approx([49, 69])
    length, found = by_pyin(Data(*sides, "", {}))
    assert length in reference.LENGTHS
    assert found.scores["pitch.rpa50.v1"] == 1
    assert found.items["pitch.rpa50.v1"]["whole"].tolist() == [10, 10]


def test_guesses_are_those_of_the_rows_of_each_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    def track(audio: np.ndarray, length: int, within: object) -> tuple[np.ndarray, np.ndarray]:
        first = 100.0 * (audio[10] > 0) + audio.max()
        return first + np.arange(40.0), np.ones(40, bool)

    monkeypatch.setattr(pyin, "track", track)
    hertz, voiced = guesses(split([200.0, 400.0, 300.0], 16), FRAME, (50.0, 500.0))
    assert (hertz - hertz[0]).tolist() == [0, 16, 0, 16, 0, 16]
    assert voiced.all()


def test_the_length_is_chosen_on_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    """On validation the long frame hears right, on test the short one would."""
    sides = split([220.0]), split([150.0]), split([200.0, 400.0])

    def heard(of: Frames, length: int, within: object) -> tuple[np.ndarray, np.ndarray]:
        right = (length == FRAME) == (len(of.sources) == 2)
        truth = of.hertz.astype(float)
        return truth * (1 if right else 1.5), truth > 0

    monkeypatch.setattr(reference, "guesses", heard)
    length, found = by_pyin(Data(*sides, "", {}))
    assert length == 2 * FRAME
    assert found.scores["pitch.rpa50.v1"] == 0


def test_presets_are_the_sources_of_the_font() -> None:
    here = split([100.0, 200.0])
    truth, voiced = here.hertz.astype(float), np.ones(len(here), bool)
    right = task.score(here, truth, voiced)
    half = task.score(here, truth * np.where(here.items == 1, 1.5, 1.0), voiced)
    kept = presets_only(Both(right, half, np.array([0, 10_000])))
    assert kept.sources.tolist() == [0]
    assert kept.classical.scores["pitch.rpa50.v1"] == 1 and half.scores["pitch.rpa50.v1"] == 0.5
    assert kept.dense.items["pitch.rpa50.v1"]["whole"].tolist() == [10]


class Sine(nn.Module):
    """Says 100 Hz of anything."""

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        from tasks.pitch.scale import blurred

        return blurred(torch.full((len(frames),), 100.0)).clamp_min(1e-9).log()


def test_the_command_prints_seeds_their_mean_and_a_second_font(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = split([220.0]), split([150.0]), split([100.0, 400.0])
    monkeypatch.setattr(type(task), "data", lambda self, *rest: Data(*sides, "", {}))
    monkeypatch.setattr(classical, "dense", lambda *of: Sine())
    monkeypatch.setattr(reference, "has_second_font", lambda: False)
    assert reference.main(["--profile", "smoke", "--seeds", "0", "1"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"seed 0", "seed 1", "all seeds", "presets only", "second font"}
    assert said["seed 0"]["scores"]["dense"]["pitch.rpa50.v1"] == said["all seeds"]["dense"]["value"] == 0.5
    assert said["seed 1"]["scores"]["pyin"]["pitch.rpa50.v1"] == said["all seeds"]["pyin"]["value"] == 1
    assert said["second font"] == "not installed"


def test_what_is_absent_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main(["--data", "philharmonia"]) == 1
    assert "needs recordings" in capsys.readouterr().err


@pytest.mark.skipif(not has_second_font(), reason="the second sound font is not installed")
def test_the_second_font_is_all_test_and_holds_presets_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "TURNS", 1)
    found = on_second_font()
    assert len(np.unique(found.sources)) == len(found.sources) >= 50
    assert 0.5 < (found.hertz > 0).mean() < 1
