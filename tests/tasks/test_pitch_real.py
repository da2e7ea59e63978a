"""Recorded data sets through mirdata: on clips of known pitch in their layout, and on real excerpts where present."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch

from benchmark.data.soundfont import font
from benchmark.errors import DataError
from tasks.pitch import real, recordings, task
from tasks.pitch.melody import Slide, Tone, Vibrato
from tasks.pitch.model import FRAME, RATE
from tasks.pitch.pyin import track as pyin
from tasks.pitch.real import FOLDS, SETS
from tasks.pitch.recordings import HOP

mirdata = pytest.importorskip("mirdata", reason="the optional dependency `real` is not installed")

FIXTURES = Path(__file__).parents[2] / ".." / "shared" / "fixtures" / "mirdata"
needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason="real excerpts are not beside the repository")

TONES = (
    Tone(0.5, 1.5, 60, 110, slides=(Slide(0.4, 0.2, 300.0),)),
    Tone(1.7, 2.5, 67, 100, vibrato=Vibrato(5.0, 50.0, 0.1, 0.0)),
)
RANGE = (55.0, 2000.0)
STEP = 256 / 44_100
"""Seconds between points of an annotation, as vocadito has it."""
VOCADITO = [str(ids[0]) for fold in real.VOCADITO for ids in list(fold.values())[:2]]
"""Two singers of every fold."""
STEMS = [
    f"{artist}_Song_STEM_0{n}" for artist in ("Ada", "Bob", "Cy", "Dan", "Eve", "Fay", "Gus", "Joe") for n in (1, 2)
]


def annotation() -> np.ndarray:
    """(n, 2) seconds and Hz of the tones."""
    time = np.arange(0, 2.56, STEP)
    hertz = np.zeros_like(time)
    for tone in TONES:
        here = (time >= tone.start) & (time < tone.end)
        hertz[here] = 440 * 2 ** ((tone.key - 69 + tone.cents(time[here] - tone.start) / 100) / 12)
    return np.stack([time, hertz], 1)


def lay_out(home: Path, tracks: list[str], index: str, audio: str, f0: str, kind: str = "f0") -> Path:
    """Rendered clips as a published data set has its files, with mirdata's index."""
    loud = librosa.resample(recordings.perform(font(), 71, TONES, 0.0), orig_sr=RATE, target_sr=44_100)
    files = {}
    for turn, track in enumerate(tracks):
        paths = home / audio.format(track), home / f0.format(track)
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(paths[0], loud * (1 - turn / 100), 44_100)
        np.savetxt(paths[1], annotation(), delimiter=",")
        sums = [hashlib.md5(path.read_bytes()).hexdigest() for path in paths]
        names = [path.relative_to(home).as_posix() for path in paths]
        files[track] = {"audio": [names[0], sums[0]], kind: [names[1], sums[1]]}
        unused = ("notesA1", "notesA2", "lyrics") if "vocadito" in index else ("notes_pyin",)
        files[track] |= {name: [None, None] for name in unused}
    (home / index).write_text(json.dumps({"version": "1", "tracks": files}))
    return home


@pytest.fixture
def vocadito(tmp_path: Path) -> Path:
    names = "Audio/vocadito_{}.wav", "Annotations/F0/vocadito_{}_f0.csv"
    return lay_out(tmp_path, VOCADITO, "vocadito_index_1.0.json", *names)


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    names = "audio_stems/{}.RESYN.wav", "annotation_stems/{}.RESYN.csv"
    return lay_out(tmp_path, STEMS, "mdb_stem_synth_index_1.0.0.json", *names)


@pytest.fixture
def medleydb(tmp_path: Path) -> Path:
    names = "audio/{}.wav", "pitch/{}.csv"
    return lay_out(tmp_path, STEMS, "medleydb_pitch_index_3.0.json", *names, kind="pitch")


def test_every_published_excerpt_and_singer_is_in_one_fold() -> None:
    excerpts = [e for fold in real.VOCADITO for ids in fold.values() for e in ids]
    assert sorted(excerpts) == list(range(1, 41))
    singers = [singer for fold in real.VOCADITO for singer in fold]
    assert sorted(singers) == sorted(f"S{n}" for n in range(1, 30))
    assert [sum(map(len, fold.values())) for fold in real.VOCADITO] == [8] * FOLDS


def test_the_split_does_not_change() -> None:
    """The folds are a part of what scores mean: a change of either makes another task."""
    vocadito = json.dumps([{s: list(e) for s, e in fold.items()} for fold in real.VOCADITO])
    assert hashlib.sha256(vocadito.encode()).hexdigest()[:16] == "3860d356bf2a5cbd"
    places = [real.SETS["mdb_stem_synth"].place(stem) for stem in STEMS]
    assert [place[0] for place in places[::2]] == [3, 0, 1, 2, 0, 2, 3, 4]


def test_stems_of_an_artist_stay_together() -> None:
    place = real.SETS["mdb_stem_synth"].place
    assert place("Ada_Song_STEM_01") == place("Ada_Other_STEM_07")


@pytest.mark.parametrize("seed", [0, 3])
def test_vocadito_is_split_by_singer_and_rotated(vocadito: Path, seed: int) -> None:
    found = task.data("vocadito", vocadito, "smoke", seed)
    here = {str(ids[0]) for ids in list(real.VOCADITO[seed].values())[:2]}
    assert set(found.manifest["tracks"][str(seed)]) == here
    assert found.manifest["splits"]["test"]["folds"] == [seed]
    assert found.manifest["missing"] == []
    sides = [set(split.sources.tolist()) for split in (found.train, found.validation, found.test)]
    assert [len(side) for side in sides] == [6, 2, 2]
    assert len(set.union(*sides)) == 10
    json.dumps(found.manifest)
    assert found.digest == task.data("vocadito", vocadito, "smoke", seed).digest


@pytest.mark.parametrize("name", ["mdb_stem_synth", "medleydb_pitch"])
def test_stems_are_split_by_artist(name: str, request: pytest.FixtureRequest) -> None:
    home = request.getfixturevalue({"mdb_stem_synth": "stems", "medleydb_pitch": "medleydb"}[name])
    found = task.data(name, home, "smoke", 0)
    assert found.manifest["missing"] == []
    names = found.manifest["sources"]
    sides = [{names[n] for n in s.sources.tolist()} for s in (found.train, found.validation, found.test)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 8


def test_frames_have_the_pitch_of_the_annotation(vocadito: Path) -> None:
    """A quarter of a second before the first voiced point is kept: frames begin at 0.25 s of the recording."""
    (test, *_), _ = real.load("vocadito", vocadito, range(FOLDS))
    first = test.hertz[: test.lengths[0]]
    time = 0.25 + np.arange(len(first)) * HOP / RATE
    _, hertz = recordings.curve(TONES, 0.0)
    expected = np.interp(time, np.arange(len(hertz)) * HOP / RATE, hertz)
    inner = np.array([any(t.start + 0.02 < now < t.end - 0.02 for t in TONES) for now in time])
    silent = np.array([all(now < t.start - 0.02 or now > t.end + 0.02 for t in TONES) for now in time])
    assert inner.sum() > 100 and silent.sum() > 20
    assert (first[silent] == 0).all()
    assert np.abs(1200 * np.log2(first[inner] / expected[inner])).max() < 12


def test_the_audio_is_in_time_with_its_frames(vocadito: Path) -> None:
    (test, *_), _ = real.load("vocadito", vocadito, range(FOLDS))
    frames = int(test.lengths[0])
    heard, voiced = pyin(test.audio[: frames * HOP], FRAME, RANGE)
    both = voiced & (test.hertz[:frames] > 0)
    assert both.sum() > 120
    assert (np.abs(1200 * np.log2(heard[both] / test.hertz[:frames][both])) < 50).mean() > 0.95


def test_what_is_missing_is_said_and_the_rest_is_used(vocadito: Path) -> None:
    gone = VOCADITO[0]
    (vocadito / f"Audio/vocadito_{gone}.wav").unlink()
    found = task.data("vocadito", vocadito, "smoke", 0)
    assert found.manifest["missing"] == [f"{gone}: no file Audio/vocadito_{gone}.wav"]
    assert gone not in found.manifest["tracks"]["0"]
    assert len(found.test.sources) == 1


def test_a_track_that_is_not_in_the_split_is_not_used(tmp_path: Path) -> None:
    names = "Audio/vocadito_{}.wav", "Annotations/F0/vocadito_{}_f0.csv"
    home = lay_out(tmp_path, [*VOCADITO, "99"], "vocadito_index_1.0.json", *names)
    assert task.data("vocadito", home, "smoke", 0).manifest["missing"] == ["99: not in this task's split of vocadito"]


def test_other_bytes_are_other_data(vocadito: Path) -> None:
    before = task.data("vocadito", vocadito, "smoke", 0).digest
    audio, rate = soundfile.read(vocadito / f"Audio/vocadito_{VOCADITO[0]}.wav")
    soundfile.write(vocadito / f"Audio/vocadito_{VOCADITO[0]}.wav", -audio, rate)
    assert task.data("vocadito", vocadito, "smoke", 0).digest != before


def test_what_cannot_be_loaded_is_one_line_with_a_way_out(vocadito: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"needs recordings; fetch .*prepare .*--data vocadito --data-home DIR"):
        task.data("vocadito", None, "smoke", 0)
    with pytest.raises(DataError, match=r"no folder .*nowhere; fetch .*; or from zenodo.org/records/5578807"):
        task.data("vocadito", tmp_path / "nowhere", "smoke", 0)
    for track in VOCADITO[:2]:
        (vocadito / f"Annotations/F0/vocadito_{track}_f0.csv").unlink()
    with pytest.raises(DataError, match=r"no track of fold 0 of vocadito \(.*: no file Ann.*csv\); fetch"):
        task.data("vocadito", vocadito, "smoke", 0)
    (vocadito / "vocadito_index_1.0.json").write_text("{")
    with pytest.raises(DataError, match=r"index .* of vocadito cannot be read .*; fetch"):
        task.data("vocadito", vocadito, "smoke", 0)
    (vocadito / "vocadito_index_1.0.json").unlink()
    with pytest.raises(DataError, match=r"no index vocadito_index_1.0.json of vocadito"):
        task.data("vocadito", vocadito, "smoke", 0)


def test_without_mirdata_the_line_says_how_to_install_it(vocadito: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mirdata", None)
    with pytest.raises(DataError, match=r"pip install 'trimbench\[real\]'"):
        task.data("vocadito", vocadito, "smoke", 0)


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("Annotations/F0/vocadito_{}_f0.csv", b"0.0,0.0\n0.1,0.0\n", "its annotation has no voiced frame"),
        ("Annotations/F0/vocadito_{}_f0.csv", b"a\n", "its annotation cannot be read"),
        ("Annotations/F0/vocadito_{}_f0.csv", b"", "_f0.csv is empty (0 bytes)"),
        ("Audio/vocadito_{}.wav", b"not a wav", ".wav is not readable as audio"),
    ],
)
def test_what_is_broken_is_named_and_the_rest_is_used(vocadito: Path, file: str, content: bytes, reason: str) -> None:
    (vocadito / file.format(VOCADITO[0])).write_bytes(content)
    found = task.data("vocadito", vocadito, "smoke", 0)
    (missing,) = found.manifest["missing"]
    assert missing.startswith(f"{VOCADITO[0]}: ") and reason in missing
    assert len(found.test.sources) == 1


def test_the_same_audio_under_two_names_is_on_no_side(vocadito: Path) -> None:
    """It may carry another label there, and be tested on after it was trained on."""
    one, other = (vocadito / f"Audio/vocadito_{track}.wav" for track in (VOCADITO[0], VOCADITO[3]))
    other.write_bytes(one.read_bytes())
    found = task.data("vocadito", vocadito, "smoke", 0)
    assert found.manifest["missing"] == [
        f"{VOCADITO[0]}: the same bytes as {VOCADITO[3]}",
        f"{VOCADITO[3]}: the same bytes as {VOCADITO[0]}",
    ]


def test_long_tracks_are_cut(stems: Path) -> None:
    loaded = mirdata.initialize("mdb_stem_synth", data_home=str(stems))
    loaded.index_path = str(stems / "mdb_stem_synth_index_1.0.0.json")
    audio, hertz = real.excerpt(replace(SETS["mdb_stem_synth"], longest=1.0), loaded.track(STEMS[0]))
    assert len(hertz) == 100 and len(audio) == RATE
    assert np.flatnonzero(hertz > 0)[0] == 25


def test_an_annotation_between_its_points() -> None:
    times = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    hertz = np.array([0.0, 100.0, 400.0, 0.0, 0.0])
    when = np.array([-0.1, 0.4, 0.6, 1.0, 1.5, 2.4, 2.6, 4.0, 4.1])
    assert real.at(times, hertz, when).tolist() == [0, 0, 100, 100, 200, 400, 0, 0, 0]


@needs_fixtures
def test_the_published_singers_are_the_ones_of_the_split() -> None:
    with (FIXTURES / "vocadito" / "vocadito_metadata.csv").open() as file:
        published = {row["track_id"]: row["singer_id"] for row in csv.DictReader(file)}
    ours = {str(e): singer for fold in real.VOCADITO for singer, ids in fold.items() for e in ids}
    assert ours == published


@needs_fixtures
def test_a_real_excerpt_of_medleydb_is_read() -> None:
    """Its annotation is cut there to two points, of which the voiced one, the last, lies between two frames."""
    loaded = mirdata.initialize("medleydb_pitch", data_home=str(FIXTURES / "medleydb_pitch"), version="test")
    loaded.index_path = str(FIXTURES / "indexes" / "medleydb_pitch_index_3.0_sample.json")
    track = loaded.track("AClassicEducation_NightOwl_STEM_08")
    audio, hertz = real.excerpt(SETS["medleydb_pitch"], track)
    assert len(audio) == len(hertz) * HOP and np.abs(audio).max() > 100
    assert (hertz == 0).all()
    assert real.at(track.pitch.times, track.pitch.frequencies, track.pitch.times) == pytest.approx([0, 191.877])


@needs_fixtures
@pytest.mark.parametrize(
    ("name", "index", "track", "least"),
    [
        ("vocadito", "vocadito_index_1.0_sample.json", "1", 0.9),
        ("mdb_stem_synth", "mdb_stem_synth_index_1.0.0_sample.json", "AClassicEducation_NightOwl_STEM_08", 0.8),
    ],
)
def test_real_excerpts_have_the_pitch_that_is_heard(name: str, index: str, track: str, least: float) -> None:
    loaded = mirdata.initialize(name, data_home=str(FIXTURES / name), version="test")
    loaded.index_path = str(FIXTURES / "indexes" / index)
    audio, hertz = real.excerpt(replace(SETS[name], longest=5.0), loaded.track(track))
    heard, _ = pyin(audio, 2 * FRAME, RANGE)
    voiced = hertz > 0
    assert voiced.sum() > 50
    assert (np.abs(1200 * np.log2(heard[voiced] / hertz[voiced])) < 50).mean() > least


def test_a_net_can_be_fed(vocadito: Path) -> None:
    found = task.data("vocadito", vocadito, "smoke", 0)
    outputs = task.model("smoke").eval()(found.test.batch(torch.arange(len(found.test))).inputs)
    assert set(task.evaluate(outputs.detach(), found.test).scores) == {m.id for m in task.metrics}
