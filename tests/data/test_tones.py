"""Single notes: their pitch and level, which side they are on, and the same int16 everywhere."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmark.audio import tracker
from benchmark.data import played, tones
from benchmark.data.recordings import UnusableError
from benchmark.data.soundfont import font
from benchmark.data.sources import joined, samples
from benchmark.data.splits import SIDES
from benchmark.data.tones import FOLDS, PRESETS, RATE, Dealt
from benchmark.errors import DataError

ROOT = Path(__file__).parents[2]
PHILHARMONIA = ROOT.parent / "shared" / "data" / "philharmonia"
COUNTS = {"train": 27, "validation": 9, "test": 18}


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIMBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def sides() -> tones.Sides:
    return tones.rendered(font(), 0.5, COUNTS, 0)


def test_every_key_and_every_source_is_tested_once_in_five_seeds():
    dealt = [Dealt(seed) for seed in range(FOLDS)]
    for fold in range(FOLDS):
        found = [d.side(fold) for d in dealt]
        assert sorted(found) == ["test", "train", "train", "train", "validation"]
    assert sorted(key for d in dealt for key in d.keys("test", 40, 59)) == list(range(40, 60))


def test_no_source_no_sample_and_no_pitch_is_on_two_sides(sides):
    groups = joined(font(), PRESETS)
    for seed in range(FOLDS):
        dealt = Dealt(seed)
        heard = {
            side: {
                s for n, g in enumerate(groups) if dealt.side(n % FOLDS) == side for p in g for s in samples(font(), p)
            }
            for side in SIDES
        }
        assert not heard["train"] & heard["test"] and not heard["train"] & heard["validation"]
        assert not heard["test"] & heard["validation"]
    keys = {side: set(np.rint(sides.tones[side].midi).astype(int) % FOLDS) for side in SIDES}
    assert keys == {"test": {0}, "validation": {1}, "train": {2, 3, 4}}
    used = [set(sides.tones[side].sources.tolist()) for side in SIDES]
    assert sum(map(len, used)) == len(set.union(*used)) == len(groups)


def test_every_source_has_as_many_notes(sides):
    for side in SIDES:
        _, counts = np.unique(sides.tones[side].sources, return_counts=True)
        assert len(set(counts.tolist())) == 1 and COUNTS[side] <= counts.sum() < COUNTS[side] + len(counts)


def test_notes_have_the_pitch_that_is_said():
    held = tones.rendered(font(), 0.5, COUNTS, 0).tones["test"]
    heard = tracker.track(held.audio.astype(np.float32) / 32768, RATE)
    middle = [
        np.median(row[mask]) if mask.any() else np.nan for row, mask in zip(heard.hertz, heard.voiced, strict=True)
    ]
    off = np.abs(tracker.cents(np.array(middle), held.hertz))
    assert np.nanmedian(off) < 10 and np.nanmean(off < 30) > 0.85


def test_velocity_is_level():
    loud, soft = (np.abs(tones.note(font(), 73, 72, v, 0.0, 0.5).astype(float)).max() for v in (127, 25))
    assert 20 * np.log10(loud / 32768) == pytest.approx(-1, abs=0.01)
    assert 20 * np.log10(loud / soft) == pytest.approx(20 * 102 / 127, abs=0.01)


def test_it_is_released_after_three_quarters():
    flute = tones.note(font(), 73, 72, 100, 0.0, 2.0).astype(float)
    level = np.sqrt((flute.reshape(20, -1) ** 2).mean(1))
    assert level[10:15].min() > 5 * level[18:].max()


def test_a_note_does_not_depend_on_others_or_on_threads():
    groups = joined(font(), PRESETS)

    def one(index: int) -> bytes:
        return tones.draw(font(), groups[3], 3, index, 0.3, Dealt(0), "train")[0].tobytes()

    alone = [one(index) for index in range(6)]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(one, reversed(range(6)))) == alone[::-1]
    assert len(set(alone)) == 6


def test_they_are_the_same_int16_in_another_process_with_other_processor_features():
    code = (
        "import hashlib; from benchmark.data import tones; from benchmark.data.soundfont import font;"
        "notes = [tones.note(font(), p, 60, 100, 7.5, 0.4).tobytes() for p in (40, 24, 73, 0)];"
        "print(hashlib.sha256(b''.join(notes)).hexdigest())"
    )
    digest = hashlib.sha256(
        b"".join(tones.note(font(), p, 60, 100, 7.5, 0.4).tobytes() for p in (40, 24, 73, 0))
    ).hexdigest()
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": "X86_V4", "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-W", "ignore", "-c", code]
    other = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert other.stdout.strip() == digest, other.stderr
    assert digest == GOLDEN


GOLDEN = "3d3560c100bc7577aa60f3a249008f76e3b23f3ba0512e14b54cc353f73070b8"


def test_the_digest_follows_the_content(sides):
    again = tones.rendered(font(), 0.5, COUNTS, FOLDS)
    assert again.digest == sides.digest
    assert tones.rendered(font(), 0.5, COUNTS, 1).digest != sides.digest
    json.dumps(sides.facts)


# Recordings


def tone(hertz: float, seconds: float = 1.2, late: float = 0.2) -> np.ndarray:
    time = np.arange(round(seconds * 44_100)) / 44_100
    sound = sum(np.sin(2 * np.pi * k * hertz * time) / k for k in range(1, 6)) * 0.2
    return np.concatenate([np.zeros(round(late * 44_100)), sound])


def write(path: Path, audio: np.ndarray, rate: int = 44_100) -> None:
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, rate)


def midi(key: int) -> float:
    return 440 * 2 ** ((key - 69) / 12)


NAMES = ("C", "Cs", "D", "Ds", "E", "F", "Fs", "G", "Gs", "A", "As", "B")


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory) -> Path:
    """A note of every key of an octave of every instrument, laid out as published; four of them odd."""
    root = tmp_path_factory.mktemp("orchestra")
    for number, instrument in enumerate(played.INSTRUMENTS):
        name = "english-horn" if instrument == "cor anglais" else instrument.replace(" ", "-")
        folder = root / "audio" / instrument
        for key in range(60, 65):
            write(folder / f"{name}_{NAMES[key % 12]}4_1_forte_normal.mp3", tone(midi(key + 0.1), late=number / 100))
    write(root / "audio" / "flute" / "flute_C5_1_forte_normal.mp3", tone(midi(60)))
    write(root / "audio" / "flute" / "flute_C4_1_forte_tremolo.mp3", tone(midi(60)))
    write(root / "audio" / "oboe" / "notes.mp3", tone(midi(60)))
    (root / "audio" / "flute" / "flute_E5_1_forte_normal.mp3").write_bytes(b"")
    return root


EACH = {"train": 36, "validation": 6, "test": 6}


def test_notes_are_read_where_they_begin_at_the_pitch_that_is_heard(orchestra):
    found = played.load("philharmonia", orchestra, 1.0, EACH, 0)
    test = found.tones["test"]
    assert test.audio.shape[1] == RATE and test.audio.dtype == np.int16
    assert np.abs(test.midi - np.rint(test.midi) - 0.1).max() < 0.05
    began = [int(np.argmax(np.abs(row) > 1000)) for row in test.audio]
    assert max(began) < 0.03 * RATE
    assert {played.INSTRUMENTS[n] for n in test.sources.tolist()} == {"clarinet", "double bass", "cor anglais"}
    assert {round(key) % FOLDS for key in test.midi.tolist()} == {0}
    assert {round(key) % FOLDS for key in found.tones["train"].midi.tolist()} == {2, 3, 4}


def test_wrong_names_and_broken_files_are_listed(orchestra):
    missing = [played.load("philharmonia", orchestra, 1.0, EACH, seed).facts["missing"] for seed in range(FOLDS)]
    lines = [line for seed in missing for line in seed]
    assert any(line.startswith("flute_C5_1_forte_normal.mp3: named as key 72, heard at 60.0") for line in lines)
    assert any("flute_E5_1_forte_normal.mp3" in line and "empty" in line for line in lines)
    assert any("notes.mp3: not named after its instrument oboe" in line for line in lines)
    found = played.find_philharmonia(orchestra)
    assert found.not_used == {"notes of other articulations": 1}


def test_a_take_is_placed_by_its_source_and_its_key(orchestra):
    found = played.find_philharmonia(orchestra)
    for seed in range(FOLDS):
        chosen = {side: played.choose(found, Dealt(seed), side, 100) for side in SIDES}
        keys, sources = ({s: {of(t) for t in chosen[s]} for s in SIDES} for of in (lambda t: t.key, lambda t: t.source))
        for kinds in (keys, sources):
            assert not kinds["train"] & kinds["test"] and not kinds["validation"] & (kinds["train"] | kinds["test"])


def test_a_copy_under_another_name_is_on_no_side(orchestra, tmp_path):
    import shutil

    shutil.copytree(orchestra, tmp_path, dirs_exist_ok=True)
    flute = tmp_path / "audio" / "flute" / "flute_Cs4_1_forte_normal.mp3"
    cello = tmp_path / "audio" / "cello" / "cello_D4_1_forte_normal.mp3"
    cello.write_bytes(flute.read_bytes())
    lines = played.load("philharmonia", tmp_path, 1.0, EACH, 0).facts["missing"]
    assert f"{cello.name}: the same bytes as {flute.name}" in lines
    assert f"{flute.name}: the same bytes as {cello.name}" in lines


def test_no_folder_and_an_empty_one_are_errors(tmp_path):
    with pytest.raises(DataError, match="needs recordings"):
        played.load("philharmonia", None, 1.0, EACH, 0)
    with pytest.raises(DataError, match="no folder"):
        played.load("philharmonia", tmp_path / "absent", 1.0, EACH, 0)
    with pytest.raises(DataError, match="has no usable note for train; download the sound samples"):
        played.load("philharmonia", tmp_path, 1.0, EACH, 0)


def test_noise_has_no_pitch_to_learn(tmp_path):
    write(tmp_path / "noise.wav", np.random.default_rng(0).normal(size=44_100) * 0.1)
    with pytest.raises(UnusableError, match=r"noise: no pitch is heard in it"):
        played.excerpt(played.Take("noise", tmp_path / "noise.wav", 60, "x", 44_100), 1.0)


def test_nsynth_as_published(tmp_path):
    parts = {"nsynth-train": ("reed_1", 62), "nsynth-valid": ("reed_2", 61), "nsynth-test": ("reed_2", 60)}
    for part, (instrument, key) in parts.items():
        listed = {}
        for number in range(12):
            name = f"{instrument}-{key + 5 * (number % 2):03}-{number:03}"
            listed[name] = {"instrument_str": instrument, "pitch": key + 5 * (number % 2), "velocity": 100}
            write(tmp_path / part / "audio" / f"{name}.wav", tone(midi(listed[name]["pitch"]))[::2][:16_000], 22_050)
        (tmp_path / part / "examples.json").write_text(json.dumps(listed))
    found = played.find_nsynth(tmp_path)
    assert len(found.takes) == 20 and found.not_used == {"further notes of an instrument": 16}
    assert {take.side for take in found.takes if take.source == "reed_2"} == {"test"}
    (tmp_path / "nsynth-valid" / "examples.json").write_text("{}x")
    with pytest.raises(DataError, match=r"is not NSynth's .*download NSynth"):
        played.find_nsynth(tmp_path)


class TinySol:
    """As much of mirdata's TinySOL as is asked for."""

    def __init__(self, root: Path, table: bool = True) -> None:
        self.root, self.table = root, table

    def absent(self) -> dict[str, list[str]]:
        return {"Fl-ord-C4": ["audio/Fl-ord-C4.wav"]}

    def tracks(self) -> dict[str, SimpleNamespace]:
        if not self.table:
            raise FileNotFoundError(2, "absent", "TinySOL_metadata.csv")
        return {
            f"{name}-ord-{key}": SimpleNamespace(
                audio_path=str(self.root / f"{name}{key}.wav"), pitch_id=key, instrument_abbr=name
            )
            for name in ("Fl", "Hn", "Ob", "Va", "Vn")
            for key in range(60, 65)
        } | {"Fl-ord-C4": SimpleNamespace(audio_path="", pitch_id=60, instrument_abbr="Fl")}


def test_tinysol_as_mirdata_has_it(tmp_path, monkeypatch):
    for name in ("Fl", "Hn", "Ob", "Va", "Vn"):
        for key in range(60, 65):
            write(tmp_path / f"{name}{key}.wav", tone(midi(key)) * (1 + ord(name[0]) / 500))
    monkeypatch.setattr(played.mirsets, "opened", lambda data, home: TinySol(tmp_path))
    found = played.load("tinysol", tmp_path, 0.5, {"train": 9, "validation": 1, "test": 1}, 2)
    assert [np.rint(found.tones[side].midi).tolist() for side in SIDES[1:]] == [[63], [62]]
    assert found.facts["test"] == {"notes": 1, "sources": ["Ob"]}
    assert found.facts["missing"] == ["Fl-ord-C4: audio/Fl-ord-C4.wav not there"]
    monkeypatch.setattr(played.mirsets, "opened", lambda data, home: TinySol(tmp_path, table=False))
    with pytest.raises(DataError, match=r"tinysol lacks its table TinySOL_metadata.csv; fetch"):
        played.load("tinysol", tmp_path, 0.5, EACH, 0)


@pytest.mark.skipif(not PHILHARMONIA.is_dir(), reason=f"no recordings in {PHILHARMONIA}")
def test_the_orchestra_itself():
    few = {"train": 24, "validation": 6, "test": 6}
    found = played.load("philharmonia", PHILHARMONIA, 1.0, few, 0)
    assert all(len(found.tones[side].midi) >= few[side] - 3 for side in SIDES)
    assert len(played.find_philharmonia(PHILHARMONIA).takes) > 3500
