"""The same music on another sound font."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmark.data.second_font import has_second_font, second_font
from benchmark.data.soundfont import SoundFont, font
from tasks.chords import cross_font, recordings, sounds, task
from tasks.chords.harmony import CODE_CLASSES, OUT
from tasks.chords.patches import Patches
from tasks.chords.template import recognise, score

needs_font = pytest.mark.skipif(not has_second_font(), reason="FluidR3 (fluid-soundfont-gm) is not installed")


@pytest.fixture(scope="module")
def other() -> SoundFont:
    return font(second_font())


@pytest.mark.parametrize("fold", range(sounds.FOLDS))
def test_by_the_first_font_it_is_the_very_same_clip(fold: int) -> None:
    """What makes the comparison one of sounds: nothing else of a clip depends on the font."""
    ours, theirs = cross_font.render(font(), fold, fold + 3), recordings.render(fold, fold + 3)
    assert np.array_equal(ours[0], theirs[0])
    assert np.array_equal(ours[1], theirs[1])
    assert ours[2:] == theirs[2:]


@needs_font
def test_by_the_other_font_labels_are_the_same_and_the_sound_is_not(other: SoundFont) -> None:
    ours, theirs = cross_font.render(other, 1, 4), recordings.render(1, 4)
    assert np.array_equal(ours[1], theirs[1])
    assert ours[0].shape == theirs[0].shape
    assert np.abs(np.corrcoef(ours[0], theirs[0])[0, 1]) < 0.9


@needs_font
def test_every_sound_of_the_task_is_in_the_other_font(other: SoundFont) -> None:
    for fold in sounds.folds(font()):
        for preset in [*(p for source in fold.sources for p in source), *fold.bass]:
            assert other.zones(0, preset)
        for kit, key in fold.drums:
            assert sounds.drum_zone(other, kit, key)


@needs_font
def test_clips_are_made_once_and_are_heard_as_their_chords(other: SoundFont) -> None:
    clips, chroma = cross_font.clips(other, 0, 6)
    again, _ = cross_font.clips(other, 0, 6)
    assert clips.audio_digest == again.audio_digest
    assert clips.features.shape == recordings.clips(0, 6).features.shape
    # A triad is found by its chroma in half of the frames: labels are in time with the sound.
    assert score(clips.codes, recognise(chroma, 9, 0.6)) > 0.4
    wrong = np.roll(clips.codes, 3, axis=0)
    assert score(wrong, recognise(chroma, 9, 0.6)) < 0.3
    rows = Patches([clips], 1.0, 2.0)
    assert (rows.targets.numpy() == OUT).sum() == (CODE_CLASSES[clips.codes] == OUT).sum()


@needs_font
def test_scores_of_net_and_template_are_printed_for_three_seeds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With data of `smoke` in place of `quick`, and an untrained net: the numbers are of no interest here."""
    from benchmark.training import Fit

    def untrained(plugin: object, chords: object, data: object, profile: str, seed: int, on_check: object) -> object:
        return Fit(state=task.model("quick").state_dict(), kept=None, **dict.fromkeys(facts, 0)), False

    facts = [name for name in Fit.__dataclass_fields__ if name not in ("state", "kept")]
    monkeypatch.setattr(cross_font, "trained_dense", untrained)
    monkeypatch.setitem(cross_font.CLIPS, "quick", (6, 6))
    cross_font.main()
    printed = json.loads(capsys.readouterr().out)
    assert printed["font"].startswith("FluidR3")
    for seed in range(3):
        assert set(printed[f"seed {seed}"]) == {"net", "net, other font", "template", "template, other font"}
        assert all(0 <= value <= 1 for value in printed[f"seed {seed}"].values())
        assert printed[f"seed {seed}"]["template, other font"] > 0.2
