"""Groove MIDI and Slakh through mirdata: rendered clips in their layout, and real excerpts where present."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile

from benchmark.data.recordings import UnusableError
from benchmark.errors import DataError
from tasks.drums import midi_sets, rendered, task
from tasks.drums.arrange import SECONDS
from tasks.drums.features import MEL, RATE
from tasks.drums.midi_sets import BABY, LEAD, strokes

pytest.importorskip("mirdata", reason="the optional dependency `real` is not installed")

FIXTURES = Path(__file__).parents[2] / ".." / "shared" / "fixtures" / "mirdata"
needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason="real excerpts are not beside the repository")

SIDES = ("train", "validation", "test")
KEYS = (36, 38, 42)
GROOVE = {"train": 3, "validation": 2, "test": 2}
"""Recordings of a rendered miniature."""
SLAKH = ("Track00001", "Track00002", "Track00003", "Track00004")


def midi_file(truth: list[np.ndarray]) -> bytes:
    """Strokes as a drum part, in the finest ticks."""
    part = pretty_midi.Instrument(0, is_drum=True)
    part.notes = [
        pretty_midi.Note(100, key, time, time + 0.05) for key, times in zip(KEYS, truth, strict=True) for time in times
    ]
    written = io.BytesIO()
    song = pretty_midi.PrettyMIDI(resolution=9600)
    song.instruments.append(part)
    song.write(written)
    return written.getvalue()


def played(number: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """A rendered loop that has every drum."""
    clips = (rendered.render(0, index) for index in count(10 * number + 1))
    return next((audio, truth) for audio, truth, _ in clips if all(len(times) > 1 for times in truth))


def write(home: Path, audio: str, midi: str, number: int, rate: int = RATE) -> dict[str, list[str]]:
    """A recording and its MIDI file; their entries of mirdata's index."""
    sound, truth = played(number)
    for name in (audio, midi):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(home / audio, sound[:: RATE // rate], rate)
    (home / midi).write_bytes(midi_file(truth))
    return {kind: [name, md5(home / name)] for kind, name in (("audio", audio), ("midi", midi))}


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def groove_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As published: one recording of the list has no audio."""
    home = tmp_path_factory.mktemp("groove")
    tracks: dict[str, object] = {}
    rows = []
    sides = [side for side, many in GROOVE.items() for _ in range(many)]
    for number, side in enumerate(sides):
        name, stem = f"drummer1/session1/{number}", f"drummer1/session1/{number}_rock_120_beat_4-4"
        tracks[name] = write(home, f"{stem}.wav", f"{stem}.mid", number)
        rows.append([name, side, f"{stem}.mid", f"{stem}.wav"])
    name = "drummer1/session1/99"
    tracks[name] = {"audio": [None, None], "midi": tracks["drummer1/session1/0"]["midi"]}
    rows.append([name, "train", "drummer1/session1/0_rock_120_beat_4-4.mid", ""])
    with (home / "info.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        head = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split"
        writer.writerow(head.split(","))
        for name, side, midi, audio in rows:
            writer.writerow(["drummer1", "drummer1/session1", name, "rock", 120, "beat", "4-4", midi, audio, 5.0, side])
    index = {"version": "1.0.0", "tracks": tracks, "metadata": {"info": ["info.csv", md5(home / "info.csv")]}}
    (home / "groove_midi_index_1.0.0.json").write_text(json.dumps(index))
    return home


@pytest.fixture
def groove(groove_made: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(groove_made, tmp_path / "home"))


def slakh_made(home: Path, baby: bool) -> Path:
    """Songs of a drum stem and another one; redux has its sides in its paths, baby has none and 16 kHz."""
    tracks: dict[str, object] = {}
    songs: dict[str, object] = {}
    for number, song in enumerate(SLAKH):
        folder = f"babyslakh_16k/{song}" if baby else f"slakh2100_flac_redux/{('train', *SIDES)[number]}/{song}"
        stems = {"S00": False, "S01": True}
        for stem in stems:
            audio = f"{folder}/stems/{stem}.{'wav' if baby else 'flac'}"
            tracks[f"{song}-{stem}"] = write(home, audio, f"{folder}/MIDI/{stem}.mid", number, 22_050 if baby else RATE)
        about = "stems:\n" + "".join(
            f"  {stem}:\n    is_drum: {str(is_drum).lower()}\n" for stem, is_drum in stems.items()
        )
        (home / folder / "metadata.yaml").write_text(about)
        for stem in stems:
            tracks[f"{song}-{stem}"]["metadata"] = [f"{folder}/metadata.yaml", md5(home / folder / "metadata.yaml")]
        songs[song] = {
            "tracks": [f"{song}-{stem}" for stem in stems],
            "mix": [f"{folder}/mix.flac", "0" * 32],
            "midi": [f"{folder}/all_src.mid", "0" * 32],
            "metadata": [f"{folder}/metadata.yaml", md5(home / folder / "metadata.yaml")],
        }
    version = "baby" if baby else "2100-redux"
    index = {"version": version, "tracks": tracks, "multitracks": songs}
    (home / f"slakh_index_{version}.json").write_text(json.dumps(index))
    return home


def test_groove_is_on_its_official_sides(groove_made: Path) -> None:
    found = task.data("groove_midi", groove_made, "smoke", 0)
    manifest = json.loads(json.dumps(found.manifest))
    names = iter(f"drummer1/session1/{number}" for number in count())
    for side, many in GROOVE.items():
        split, about = getattr(found, side), manifest["splits"][side]
        assert about["recordings"] == [next(names) for _ in range(many)]
        assert len(split.clips) == many and about["rows"] == len(split)
        assert set(task.evaluate(40 * split.targets - 20, split).scores.values()) == {1.0}
    assert manifest["missing"] == []
    sources = [set(getattr(found, side).sources.tolist()) for side in SIDES]
    assert sum(map(len, sources)) == len(set().union(*sources)) == 7
    hashes = [digest for side in SIDES for digest in manifest["splits"][side]["audio"]]
    assert len(set(hashes)) == len(hashes)
    assert task.data("groove_midi", groove_made, "smoke", 1).digest == found.digest


def test_strokes_are_those_of_the_midi_file_from_the_excerpt_on(groove_made: Path) -> None:
    clip = task.data("groove_midi", groove_made, "smoke", 0).train.clips[0]
    _, truth = played(0)
    start = max(0.0, min(times[0] for times in truth) - LEAD)
    for found, there in zip(clip.events, truth, strict=True):
        assert found == pytest.approx(there - start, abs=2e-3)
    assert len(clip.features) * MEL.hop_seconds == pytest.approx(SECONDS - start, abs=2 * MEL.hop_seconds)


def test_recordings_are_cut_and_spread(groove_made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(midi_sets, "LONGEST", 2.0)
    monkeypatch.setattr(midi_sets, "RECORDINGS", {"smoke": (2, 1, 2)})
    found = task.data("groove_midi", groove_made, "smoke", 0)
    assert found.manifest["splits"]["train"]["recordings"] == ["drummer1/session1/0", "drummer1/session1/1"]
    assert found.manifest["splits"]["validation"]["recordings"] == ["drummer1/session1/3"]
    for split in (found.train, found.validation, found.test):
        assert split.rows == [round(2.0 * RATE) // 512 + 1] * len(split.clips)
        assert all(times.max(initial=0) < 2.1 for clip in split.clips for times in clip.events)


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("4_rock_120_beat_4-4.wav", None, "no file drummer1/session1/4_rock_120_beat_4-4.wav"),
        ("4_rock_120_beat_4-4.mid", None, "no file drummer1/session1/4_rock_120_beat_4-4.mid"),
        ("4_rock_120_beat_4-4.wav", b"", "4_rock_120_beat_4-4.wav is empty (0 bytes)"),
        ("4_rock_120_beat_4-4.wav", b"RIFF0000WAVE", "4_rock_120_beat_4-4.wav is not readable as audio"),
        ("4_rock_120_beat_4-4.mid", b"MThd", "its MIDI file cannot be read"),
    ],
)
def test_what_cannot_be_used_is_named(groove: Path, file: str, content: bytes | None, reason: str) -> None:
    path = groove / "drummer1" / "session1" / file
    path.unlink() if content is None else path.write_bytes(content)
    found = task.data("groove_midi", groove, "smoke", 0).manifest
    assert any(line.startswith(f"drummer1/session1/4: {reason}") for line in found["missing"])
    assert found["splits"]["validation"]["recordings"] == ["drummer1/session1/3"]


def test_slakh_takes_drum_stems_on_their_official_sides(tmp_path: Path) -> None:
    found = task.data("slakh", slakh_made(tmp_path, baby=False), "smoke", 0)
    assert [found.manifest["splits"][side]["recordings"] for side in SIDES] == [
        ["Track00001-S01", "Track00002-S01"],
        ["Track00003-S01"],
        ["Track00004-S01"],
    ]
    assert found.manifest["missing"] == []
    hashes = [digest for side in SIDES for digest in found.manifest["splits"][side]["audio"]]
    assert len(set(hashes)) == len(hashes) == 4


def test_slakh_leaves_out_what_it_omits_and_names_songs_without_metadata(tmp_path: Path) -> None:
    home = slakh_made(tmp_path, baby=False)
    index = home / "slakh_index_2100-redux.json"
    train = home / "slakh2100_flac_redux" / "train"
    omitted = home / "slakh2100_flac_redux" / "omitted"
    omitted.mkdir()
    (train / "Track00002").rename(omitted / "Track00002")
    index.write_text(index.read_text().replace("train/Track00002", "omitted/Track00002"))
    (home / "slakh2100_flac_redux" / "test" / "Track00004" / "metadata.yaml").unlink()
    with pytest.raises(DataError, match="no recording of slakh to test on: 2 usable, 1 missing"):
        task.data("slakh", home, "smoke", 0)


def test_a_recording_under_two_names_is_on_no_side(groove: Path) -> None:
    folder = groove / "drummer1" / "session1"
    for kind in ("wav", "mid"):
        shutil.copy(folder / f"5_rock_120_beat_4-4.{kind}", folder / f"0_rock_120_beat_4-4.{kind}")
    found = task.data("groove_midi", groove, "smoke", 0).manifest
    assert "drummer1/session1/0: the same recording as drummer1/session1/5" in found["missing"]
    assert found["splits"]["train"]["recordings"] == ["drummer1/session1/1", "drummer1/session1/2"]
    assert found["splits"]["test"]["recordings"] == ["drummer1/session1/6"]


def test_babyslakh_has_our_split(tmp_path: Path) -> None:
    found = task.data("babyslakh", slakh_made(tmp_path, baby=True), "smoke", 0)
    assert [found.manifest["splits"][side]["recordings"] for side in SIDES] == [
        ["Track00001-S01", "Track00004-S01"],
        ["Track00002-S01"],
        ["Track00003-S01"],
    ]


def test_the_split_of_babyslakh_is_as_it_was() -> None:
    """Results name it: a change of it makes them another benchmark's."""
    assert BABY == {"test": (3, 6, 9, 12, 15, 18), "validation": (2, 8, 14)}
    assert not set(BABY["test"]) & set(BABY["validation"])


def test_which_keys_are_which_drum() -> None:
    part = pretty_midi.Instrument(0, is_drum=True)
    for place, key in enumerate((35, 36, 37, 38, 40, 22, 26, 42, 44, 46, 49, 51)):
        part.notes += [pretty_midi.Note(100, key, place, place + 0.1)] * 2
    bass = pretty_midi.Instrument(33)
    bass.notes = [pretty_midi.Note(100, 36, 20.0, 20.5)]
    song = pretty_midi.PrettyMIDI()
    song.instruments += [part, bass]
    written = io.BytesIO()
    song.write(written)
    kicks, snares, hats = (np.round(times).tolist() for times in strokes(written.getvalue()))
    assert (kicks, snares, hats) == ([0, 1], [3, 4], [5, 6, 7, 8, 9])


def test_midi_without_a_labelled_stroke_is_refused() -> None:
    with pytest.raises(UnusableError, match="no stroke on KD, SD, HH"):
        strokes(midi_file([np.zeros(0)] * 3))


@pytest.mark.parametrize("name", ["groove_midi", "slakh", "babyslakh"])
def test_what_is_missing_is_said_in_a_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=rf"{name} needs recordings; fetch .*--data {name} --data-home DIR; or from "):
        task.data(name, None, "smoke", 0)
    with pytest.raises(DataError, match="no folder"):
        task.data(name, tmp_path / "absent", "smoke", 0)
    with pytest.raises(DataError, match=rf"no index .* of {name}, in "):
        task.data(name, tmp_path, "smoke", 0)
    monkeypatch.setitem(sys.modules, "mirdata", None)
    with pytest.raises(DataError, match="pip install"):
        task.data(name, tmp_path, "smoke", 0)


@needs_fixtures
def test_real_groove_midi(tmp_path: Path) -> None:
    """A whole MIDI file of the data set; its audio is not there."""
    home = Path(shutil.copytree(FIXTURES / "groove_midi", tmp_path / "home"))
    index = "groove_midi_index_1.0.0_sample.json"
    shutil.copy(FIXTURES / "indexes" / index, home / "groove_midi_index_1.0.0.json")
    with pytest.raises(DataError, match="no recording of groove_midi to train on: 0 usable, 2 missing"):
        task.data("groove_midi", home, "smoke", 0)
    midi = next(home.rglob("*.mid")).read_bytes()
    kicks, snares, hats = strokes(midi)
    assert min(len(kicks), len(snares), len(hats)) > 20
    assert 20 < max(kicks[-1], snares[-1], hats[-1]) < 28


@needs_fixtures
@pytest.mark.parametrize(
    ("name", "version", "folder"),
    [("babyslakh", "baby", "babyslakh_16k"), ("slakh", "2100-redux", "slakh2100_flac_redux")],
)
def test_real_slakh(name: str, version: str, folder: str, tmp_path: Path) -> None:
    """One song, whose drum stem is cut to two seconds of silence."""
    shutil.copytree(FIXTURES / "slakh" / folder, tmp_path / folder)
    index = json.loads((FIXTURES / "indexes" / f"slakh_index_{version}_sample.json").read_text())
    index["version"] = version
    (tmp_path / f"slakh_index_{version}.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match=f"no recording of {name} to train on: 0 usable"):
        task.data(name, tmp_path, "smoke", 0)
    midi = next(tmp_path.rglob("Track00001/MIDI/S01.mid")).read_bytes()
    assert min(map(len, strokes(midi))) > 50
