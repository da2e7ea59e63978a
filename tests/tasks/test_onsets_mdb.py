"""MDB Drums: a rendered miniature in its layout, and the recordings where they are beside the repository."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.data import mdb_drums
from benchmark.data.sides import Sides
from benchmark.errors import DataError
from tasks.onsets import compare, detect, libraries, recorded, recording, rendered, task
from tasks.onsets.arrange import FRAMES
from tasks.onsets.features import RATE
from tasks.onsets.merging import merged

REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "mdb_drums"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the recordings are not beside the repository")

SONGS = ("Beatles", "Country1", "Rock", "Zeppelin", "Britpop", "Rockabilly")
LINE = "{:.6f} \t {} \n"
"""As published, trailing space included."""


@lru_cache
def played(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A rendered clip and its onsets."""
    audio, onsets, _ = rendered.render(number % 5, number // 5)
    return audio, onsets


def lay_out(home: Path) -> None:
    """Six songs with recordings; the annotations of all are there, as in a folder whose download broke off."""
    root = home / "MDB Drums"
    for folder in ("audio/drum_only", "annotations/class"):
        (root / folder).mkdir(parents=True)
    for song in chain(*mdb_drums.manifest().members(0).values()):
        number = SONGS.index(song) if song in SONGS else 0
        onsets = played(number)[1].tolist()
        strokes = [
            *((time, mdb_drums.CLASSES[place % 6]) for place, time in enumerate(onsets)),
            (onsets[0] + 0.002, "HH"),
        ]
        (root / "annotations" / "class" / f"MusicDelta_{song}_class.txt").write_text(
            "".join(LINE.format(*stroke) for stroke in strokes)
        )
        if song in SONGS:
            soundfile.write(root / "audio" / "drum_only" / f"MusicDelta_{song}_Drum.wav", played(number)[0], RATE)


@pytest.fixture(scope="module")
def mdb_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("mdb")
    lay_out(home)
    return home


@pytest.fixture
def home(mdb_home: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(mdb_home, tmp_path / "home"))


def names(found: Sides) -> set[str]:
    return {one.name for here in found.used.values() for one in here}


def song_files(home: Path, song: str) -> tuple[Path, Path]:
    root = home / "MDB Drums"
    return (
        root / "audio" / "drum_only" / f"MusicDelta_{song}_Drum.wav",
        root / "annotations" / "class" / f"MusicDelta_{song}_class.txt",
    )


def test_missing_songs_are_counted_and_named(mdb_home: Path) -> None:
    missing = task.data("mdb_drums", mdb_home, "smoke", 0).manifest["missing"]
    assert len(missing) == 17
    assert "FunkJazz: no file MusicDelta_FunkJazz_Drum.wav" in missing


def test_the_folder_may_be_named_itself_and_the_digest_follows_contents(home: Path) -> None:
    before = task.data("mdb_drums", home, "smoke", 0).digest
    assert task.data("mdb_drums", home / "MDB Drums", "smoke", 0).digest == before
    _, notes = song_files(home, "Rock")
    notes.write_text(notes.read_text() + LINE.format(5.95, "KD"))
    assert task.data("mdb_drums", home, "smoke", 0).digest != before


def test_strokes_of_all_classes_are_onsets_and_those_of_one_beat_are_one(tmp_path: Path) -> None:
    lay_out(tmp_path)
    _, notes = song_files(tmp_path, "Rock")
    notes.write_text("2.5 \t KD \n\n1.0 HH\n1.02 SD\n3 CY\n0.25\tTT\n0.31 OT\n2.5 HH\n")
    assert merged(libraries.mdb(tmp_path, 0)["Rock"].onsets()) == pytest.approx([0.25, 0.31, 1.01, 2.5, 3.0])


def _torn(audio: Path, notes: Path) -> None:
    audio.write_bytes(b"RIFF0000WAVE")


def _unannotated(audio: Path, notes: Path) -> None:
    notes.unlink()


def _foreign(audio: Path, notes: Path) -> None:
    notes.write_text("0.5 KD\n0.7 XX\n")


def _late(audio: Path, notes: Path) -> None:
    notes.write_text("50.5 KD\n")


def _twice(audio: Path, notes: Path) -> None:
    shutil.copy(audio.with_name("MusicDelta_Beatles_Drum.wav"), audio)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_torn, "MusicDelta_Zeppelin_Drum.wav is not readable as audio"),
        (_unannotated, "no file MusicDelta_Zeppelin_class.txt"),
        (_foreign, "annotation line 2 is not `seconds class`: '0.7 XX'"),
        (_late, "its annotation has no onset"),
    ],
)
def test_what_cannot_be_used_is_named(home: Path, spoil: Callable[[Path, Path], None], reason: str) -> None:
    spoil(*song_files(home, "Zeppelin"))
    found = recorded.load("mdb_drums", libraries.mdb(home, 0))
    assert f"Zeppelin: {reason}" in found.missing
    assert names(found) == set(SONGS) - {"Zeppelin"}


def test_a_sound_on_two_sides_is_on_none(home: Path) -> None:
    _twice(*song_files(home, "Zeppelin"))
    found = recorded.load("mdb_drums", libraries.mdb(home, 0))
    assert "Zeppelin: the same recording as Beatles" in found.missing
    assert "Beatles: the same recording as Zeppelin" in found.missing
    assert not {"Beatles", "Zeppelin"} & names(found)


def test_long_recordings_are_cut(home: Path) -> None:
    listed = libraries.mdb(home, 0)["Rock"]
    whole, _ = recording.read(listed, 0, 240.0)
    cut, _ = recording.read(listed, 0, 2.0)
    assert len(whole.features) == FRAMES + 1 and whole.events[0].max() > 2.0
    assert len(cut.features) == 201 and cut.events[0].max() < 2.0


def test_too_few_songs_are_refused(home: Path) -> None:
    for song in ("Beatles", "Country1"):
        song_files(home, song)[0].unlink()
    with pytest.raises(DataError, match="no recording of mdb_drums to test on: 4 usable, 19 missing"):
        task.data("mdb_drums", home, "smoke", 0)


def test_librosa_hears_the_recordings_of_a_side(mdb_home: Path) -> None:
    listed = libraries.mdb(mdb_home, 0)
    strengths = detect.of_recordings("mdb_drums", listed, recorded.load("mdb_drums", listed).used["test"])
    assert [one.shape for one in strengths] == [(len(detect.KINDS), FRAMES + 1)] * 2
    assert strengths[0] == pytest.approx(detect.strength(played(0)[0] / 32768), abs=1e-3)


def test_the_comparison_is_printed_and_fails_in_one_line(
    mdb_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--data", "mdb_drums", "--profile", "smoke", "--seeds", "0", "--data-home"]
    assert compare.main([*where, str(mdb_home)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["0"]["sources"] == [2] and set(printed) == {"0", "all seeds"}
    found = printed["0"]["dense"]
    assert 0 <= found["low"] <= found["value"] <= found["high"] <= 1 and 0 < printed["0"]["librosa"]["value"] <= 1
    assert compare.main([*where, str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@needs_real
def test_the_recordings() -> None:
    found = recorded.load("mdb_drums", libraries.mdb(REAL, 0))
    assert len(names(found)) + len(found.missing) == 23
    assert all("no file" in reason for reason in found.missing)
    data = task.data("mdb_drums", REAL, "quick", 0)
    for split in (data.train, data.validation, data.test):
        truth = [clip.events for clip in split.clips]
        assert set(task.score(split, truth).scores.values()) == {1.0}
