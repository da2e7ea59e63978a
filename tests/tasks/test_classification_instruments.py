"""Rendered notes: which sounds there are, who is on which side, and that they can be made again bit by bit."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.data.second_font import VARIABLE, has_second_font, second_font
from benchmark.data.soundfont import font
from benchmark.errors import DataError
from benchmark.task import Evaluation
from benchmark.training import evaluate
from tasks.classification import instruments, notes, reference, room, sounds, task
from tasks.classification.clips import SIDES
from tasks.classification.features import RATE
from tasks.classification.sounds import CLASSES, Sound

REPOSITORY = Path(__file__).parents[2]


def samples(sound: Sound) -> set[int]:
    return {zone.sample for zone in sound.zones}


def named(name: str) -> Sound:
    return next(sound for sound in sounds.sounds(font()) if sound.name == name)


def test_no_recorded_sample_is_in_two_sources() -> None:
    found = sounds.sounds(font())
    assert len(found) == 129
    for one, other in combinations(found, 2):
        assert not samples(one) & samples(other), (one.name, other.name)


def test_no_sample_is_another_one_under_a_second_name() -> None:
    """The font holds a tuba and a trombone twice, once at half the rate; only one of each may be used."""
    cut = {}
    for sound in sounds.sounds(font()):
        zone = sound.zones[0]
        cut[font().pool[zone.start : zone.end].tobytes()] = sound.name
    assert len(cut) == 129
    assert not [s.name for s in sounds.sounds(font()) if s.name.startswith("60 Tu") or s.name.startswith("60 Tr")]


def test_every_class_has_a_sound_for_every_side_and_keys_in_its_range() -> None:
    found = sounds.sounds(font())
    for label, instrument in enumerate(sounds.INSTRUMENTS):
        own = [sound for sound in found if sound.label == label]
        assert len(own) >= 3, instrument.name
        for sound in own:
            lowest, highest = instrument.presets[sound.preset]
            assert lowest <= sound.keys[0] < sound.keys[1] <= highest


def test_a_sample_that_names_another_instrument_is_not_used() -> None:
    horns = [sound.name for sound in sounds.sounds(font()) if CLASSES[sound.label] == "french horn"]
    assert len(horns) == 14
    assert all("horn" in name.lower() for name in horns)


def test_the_viola_of_the_font_is_a_violin() -> None:
    """Why there is no viola among the classes."""
    violin, viola = ({zone.sample for zone in font().zones(0, preset)} for preset in (40, 41))
    assert viola <= violin


def test_three_seeds_test_every_sound_once_and_train_every_class_on_two_at_least() -> None:
    found = sounds.sounds(font())
    tested = []
    for seed in range(3):
        sides = instruments.assign(found, seed)
        labels = {side: [s.label for s, where in zip(found, sides, strict=True) if where == side] for side in SIDES}
        assert set(labels["test"]) == set(range(13))
        assert min(np.bincount(labels["train"], minlength=13)) >= 2
        unvalidated = {CLASSES[label] for label in set(range(13)) - set(labels["validation"])}
        assert unvalidated == {"cello", "double bass"}
        tested += [n for n, side in enumerate(sides) if side == "test"]
        assert sides == instruments.assign(found, seed + 3)
    assert sorted(tested) == list(range(len(found)))


def test_each_fold_has_low_and_high_sounds_of_a_class() -> None:
    """Held-out sounds have a neighbour that is trained on: registers are not what is tested."""
    found = sounds.sounds(font())
    for seed in range(3):
        sides = instruments.assign(found, seed)
        for preset in (60, 65, 73):
            own = sorted((n for n, s in enumerate(found) if s.preset == preset), key=lambda n: found[n].pitch)
            here = [place for place, n in enumerate(own) if sides[n] == "test"]
            assert min(here) < 3 and max(here) >= len(own) - 3 and max(np.diff(here)) <= 4


def test_no_source_and_no_audio_is_on_two_sides() -> None:
    data = task.data("instruments", None, "smoke", 1)
    parts = [data.train, data.validation, data.test]
    sources = [set(part.sources.tolist()) for part in parts]
    assert sum(map(len, sources)) == len(set.union(*sources)) == 129
    arrays = notes.rendered(font(), instruments.CLIPS["smoke"])
    audio = [{bytes(row) for row in arrays["sha256"][part.index]} for part in parts]
    assert sum(map(len, audio)) == len(set.union(*audio)) == sum(map(len, parts))
    for part in (data.train, data.test):
        assert set(part.labels.tolist()) == set(range(13))
    everything = data.train.batch(torch.arange(len(data.train))).inputs
    assert abs(everything.mean().item()) < 1.0 and 0.5 < everything.std().item() < 1.5
    assert data.digest == task.data("instruments", None, "smoke", 1).digest
    assert data.digest != task.data("instruments", None, "smoke", 0).digest


def test_a_note_has_the_pitch_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import librosa

    monkeypatch.setattr(sounds, "draw", lambda sound, rng: (69, 100, sound.zone(69, 100)))
    for name in ("40 Violin C4", "73 FluteA#5", "68 Oboe A#"):
        audio = notes.render(font(), named(name), 0).astype(float) / 32768
        hertz = np.median(librosa.yin(audio, fmin=200, fmax=1000, sr=RATE, frame_length=2048)[10:20])
        assert abs(1200 * np.log2(hertz / 440)) < notes.TUNING + 35, name


def test_clips_of_a_sound_differ() -> None:
    sound = named("70 Bassoon C2")
    first, again, second = (notes.render(font(), sound, index) for index in (0, 0, 1))
    assert first.dtype == np.int16
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    assert 0.1 < np.abs(first.astype(float)).max() / 32768 < 0.95


def test_a_room_keeps_the_sound_and_adds_what_it_says() -> None:
    """A click in a room: the direct sound comes first, the tail dies away, the noise is as far below as asked."""
    click = np.zeros(RATE)
    click[1000] = 1.0
    place = room.Room(direct=(6.0, 6.0), colour=0.0, noise=(60.0, 60.0))
    tails = []
    for seed in range(8):
        heard = room.record(click, RATE, place, np.random.default_rng(seed)).astype(float)
        heard /= np.abs(heard).max()
        assert np.argmax(np.abs(heard)) == 1000
        assert np.abs(heard[:1000]).max() < 0.02
        tails.append(np.sum(heard[1001:] ** 2))
    assert min(tails) < 0.02
    assert max(tails) == pytest.approx(10 ** (-6 / 10), rel=0.1)


REPRODUCED = """
import hashlib, torch
torch.set_num_threads({threads})
from benchmark.data.soundfont import font
from tasks.classification import notes, singing, sounds
total = hashlib.sha256()
for sound in sounds.sounds(font())[::40]:
    total.update(notes.render(font(), sound, 3).tobytes())
for number, technique in enumerate(singing.CLASSES):
    total.update(singing.render(number, technique).tobytes())
print(total.hexdigest())
"""


def test_audio_is_the_same_in_other_processes_and_with_other_threads() -> None:
    digests = []
    for threads in (1, 2):
        settings = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "OPENBLAS", "MKL")}
        done = subprocess.run(
            [sys.executable, "-c", REPRODUCED.format(threads=threads)],
            env={**os.environ, **settings, "PYTHONHASHSEED": str(threads)},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
        digests.append(done.stdout)
    assert digests[0] == digests[1]
    assert len(digests[0].strip()) == 64


@pytest.mark.skipif(not has_second_font(), reason="the second sound font is not installed")
def test_the_second_font_has_every_class() -> None:
    other = instruments.other_font(each=1)
    assert set(other.labels.tolist()) == set(range(13))
    found = sounds.sounds(font(second_font()))
    assert len(np.unique(other.sources)) == len(found) > 150
    assert not [sound.name for sound in found if sound.name.endswith("(R)")]


@pytest.mark.skipif(not has_second_font(), reason="the second sound font is not installed")
def test_two_fonts_have_no_sound_in_common_and_enough_to_test() -> None:
    fonts = [font(), font(second_font())]
    found = [sound for of in fonts for sound in sounds.sounds(of)]
    assert len({sound.name for sound in found}) == len(found), "the name is what a clip is drawn by"
    recorded = fonts[1].pool.tobytes()
    for sound in sounds.sounds(fonts[0])[::8]:
        zone = sound.zones[0]
        middle = (zone.start + zone.end) // 2
        assert fonts[0].pool[middle : middle + 48].tobytes() not in recorded
    for seed in range(3):
        sides = instruments.assign(found, seed)
        tested = [s.label for s, side in zip(found, sides, strict=True) if side == "test"]
        assert min(np.bincount(tested, minlength=13)) >= 3


@pytest.mark.skipif(not has_second_font(), reason="the second sound font is not installed")
def test_nets_are_scored_on_the_second_font_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    other = instruments.other_font(each=1)
    monkeypatch.setattr(instruments, "other_font", lambda: other)
    torch.manual_seed(0)
    model = task.model("smoke")
    found = reference.elsewhere(task, [model, model])
    assert found["sources"] == len(np.unique(other.sources))
    expected = round(evaluate(task, model, other).scores["classification.macro_f1.v1"], 4)
    assert [one["classification.macro_f1.v1"] for one in found["seeds"]] == [expected, expected]
    assert found["mean"]["value"] == expected


def test_test_sets_are_scored_as_one() -> None:
    """Three clips of class 0 and one of 1: one miss, so F1 is 4/5 and 2/3; their errors are those of four sources."""
    metric = task.metrics[0]
    items = [
        {"truth": np.array([0, 0]), "guess": np.array([0, 0])},
        {"truth": np.array([0, 1]), "guess": np.array([1, 1])},
    ]
    found = [Evaluation({}, {metric.id: of_seed}) for of_seed in items]
    sources = [np.array([0, 1]), np.array([2, 3])]
    assert reference.together(metric, found, sources)["value"] == pytest.approx((4 / 5 + 2 / 3) / 2, abs=1e-4)
    assert reference.disjoint(sources)
    assert not reference.disjoint([np.array([0, 1]), np.array([1, 2])])


def test_the_sounds_of_a_second_font_are_counted_on() -> None:
    one = {"features": np.zeros((3, 1)), "sounds": np.array([0, 0, 1], np.int16), "labels": np.zeros(3, np.uint8)}
    two = {"features": np.ones((2, 1)), "sounds": np.array([0, 1], np.int16), "labels": np.ones(2, np.uint8)}
    both = notes.joined([one, two])
    assert both["sounds"].tolist() == [0, 0, 1, 2, 3]
    assert both["features"][:, 0].tolist() == [0, 0, 0, 1, 1]
    assert notes.joined([one]) is one


def test_without_a_second_font_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none.sf2"))
    with pytest.raises(DataError, match=r"none\.sf2, which is not a file"):
        instruments.other_font()
    with pytest.raises(DataError, match="not a file"):
        task.data("instruments_two_fonts", None, "smoke", 0)
