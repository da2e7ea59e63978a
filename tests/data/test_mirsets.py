"""Data sets through mirdata: counted, checked, and downloaded from files that stand in for the network."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.data import mirsets
from benchmark.data.recordings import UnusableError
from benchmark.errors import DataError
from benchmark.task import DataSet, Mirdata

pytest.importorskip("mirdata", reason="the optional dependency `real` is not installed")

INDEX = "beatles_index_1.2.json"
DATA = DataSet(
    "songs",
    "Songs",
    "none",
    needs_home=True,
    mirdata=Mirdata("beatles", remotes=("annotations",), files=("audio", "chords"), own=("audio",)),
    layout="put your own CDs as DIR/audio/SONG.wav",
)
TRACKS = ("0101", "0102", "0203")


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def chords(track: str) -> bytes:
    return f"0.0 1.0 C\n1.0 2.5 {'ABCDEFG'[int(track[-1])]}:min\n".encode()


def index() -> dict[str, object]:
    """Of mirdata's form, with a track that has no chords."""
    tracks = {
        track: {
            "audio": [f"audio/{track}.wav", md5(b"the published master")],
            "chords": [f"annotations/{track}.lab", md5(chords(track))],
            "sections": [f"annotations/{track}.seg", "0"],
            "beat": [None, None],
            "keys": [None, None],
        }
        for track in TRACKS
    }
    tracks["0999"] = tracks["0101"] | {"audio": ["audio/0999.wav", "0"], "chords": [None, None]}
    return {"version": "1.2", "tracks": tracks}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """All files in place; the audio is of another master than the published."""
    folder = tmp_path / "home"
    for track in TRACKS:
        for path, content in ((f"audio/{track}.wav", b"my own CD"), (f"annotations/{track}.lab", chords(track))):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    (folder / INDEX).write_text(json.dumps(index()))
    return folder


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that mirdata downloads from in place of the network."""
    from mirdata import core
    from mirdata.datasets import beatles
    from mirdata.download_utils import RemoteFileMetadata

    folder = tmp_path / "served"
    folder.mkdir()
    with tarfile.open(folder / "annotations.tar.gz", "w:gz") as archive:
        for track in TRACKS:
            entry = tarfile.TarInfo(f"{track}.lab")
            entry.size = len(chords(track))
            archive.addfile(entry, io.BytesIO(chords(track)))
    (folder / INDEX).write_text(json.dumps(index()))
    packed, listed = ((folder / name).read_bytes() for name in ("annotations.tar.gz", INDEX))
    remote = RemoteFileMetadata("a.tar.gz", (folder / "annotations.tar.gz").as_uri(), md5(packed), "annotations")
    other = RemoteFileMetadata("huge.zip", (folder / "gone.zip").as_uri(), "0")
    entry = core.Index(filename=INDEX, url=(folder / INDEX).as_uri(), checksum=md5(listed))
    monkeypatch.setitem(beatles.INDEXES, "1.2", entry)
    monkeypatch.setattr(beatles, "REMOTES", {"annotations": remote, "not asked for": other})
    return folder


def test_tracks_without_a_file_that_is_read_are_not_read(home: Path) -> None:
    found = mirsets.opened(DATA, home)
    assert list(found.tracks()) == list(TRACKS)
    assert found.files("0999") == {}
    assert set(found.files("0101")) == {"audio", "chords"}
    assert found.tracks()["0102"].chords.labels == ["C", "C:min"]


def test_only_tracks_of_the_pattern_are_read(home: Path) -> None:
    assert DATA.mirdata
    some = replace(DATA, mirdata=replace(DATA.mirdata, tracks="^01"))
    assert list(mirsets.opened(some, home).tracks()) == ["0101", "0102"]


def test_without_a_list_of_files_all_that_a_track_has_are_read(home: Path) -> None:
    found = mirsets.opened(replace(DATA, mirdata=Mirdata("beatles")), home)
    assert set(found.files("0101")) == {"audio", "chords", "sections"}
    assert set(found.files("0999")) == {"audio", "sections"}


def test_absent_files_are_counted_by_track(home: Path) -> None:
    assert mirsets.opened(DATA, home).absent() == {}
    (home / "audio/0102.wav").unlink()
    (home / "annotations/0102.lab").unlink()
    (home / "annotations/0203.lab").unlink()
    assert mirsets.opened(DATA, home).absent() == {
        "0102": ["audio/0102.wav", "annotations/0102.lab"],
        "0203": ["annotations/0203.lab"],
    }


def test_a_file_is_where_the_index_says_or_is_named(home: Path) -> None:
    found = mirsets.opened(DATA, home)
    assert found.path("0101", "audio") == home / "audio/0101.wav"
    (home / "audio/0102.wav").unlink()
    with pytest.raises(UnusableError, match=r"^no file audio/0102\.wav$"):
        found.path("0102", "audio")
    for track, name in (("none", "audio"), ("0999", "audio"), ("0101", "sections")):
        with pytest.raises(UnusableError, match="not in mirdata's index"):
            found.path(track, name)


def test_a_table_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    said = r"a table of songs cannot be read \(.*gone\.csv.*\); fetch"
    with pytest.raises(DataError, match=said), mirsets.table_of(DATA):
        (tmp_path / "gone.csv").read_text()


def test_altered_files_are_found_and_the_users_own_are_not_compared(home: Path) -> None:
    assert mirsets.opened(DATA, home).altered() == []
    (home / "annotations/0102.lab").write_text("0 1 N\n")
    (home / "annotations/0203.lab").unlink()
    assert mirsets.opened(DATA, home).altered() == ["annotations/0102.lab"]
    assert DATA.mirdata
    free = replace(DATA, mirdata=replace(DATA.mirdata, own=()))
    assert set(mirsets.opened(free, home).altered()) == {*(f"audio/{t}.wav" for t in TRACKS), "annotations/0102.lab"}


def test_what_cannot_be_opened_is_one_line_that_says_what_to_put_where(home: Path, tmp_path: Path) -> None:
    end = r"; fetch what can be with: prepare --task TASK --data songs --data-home DIR; put your own CDs as DIR/audio"
    with pytest.raises(DataError, match=f"songs needs recordings{end}"):
        mirsets.opened(DATA, None)
    with pytest.raises(DataError, match=f"no folder .*nowhere{end}"):
        mirsets.opened(DATA, tmp_path / "nowhere")
    for broken in ("{", "[]", '{"tracks": {"1": 2}}'):
        (home / INDEX).write_text(broken)
        with pytest.raises(DataError, match=rf"index .*{INDEX} of songs cannot be read .*: delete it{end}"):
            mirsets.opened(DATA, home)
    (home / INDEX).unlink()
    with pytest.raises(DataError, match=f"no index {INDEX} of songs, in .*home or in mirdata{end}"):
        mirsets.opened(DATA, home)


def test_without_mirdata_the_line_says_how_to_install_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mirdata", None)
    with pytest.raises(DataError, match=r"pip install 'trimbench\[real\]'"):
        mirsets.opened(DATA, home)


def test_a_download_gets_the_index_and_the_parts_that_are_read(served: Path, tmp_path: Path) -> None:
    home, told = tmp_path / "new", []
    mirsets.download(DATA, home, told.append)
    found = mirsets.opened(DATA, home)
    assert (home / INDEX).is_file(), "not inside of the installed package"
    assert found.absent() == {track: [f"audio/{track}.wav"] for track in TRACKS}, "the user's own"
    assert found.altered() == []
    assert [line.split(" from ")[0] for line in told] == [
        "songs: fetching mirdata's index",
        "songs: fetching annotations (1 of 1)",
    ]


def test_what_is_there_is_not_fetched_again(served: Path, tmp_path: Path) -> None:
    home, told = tmp_path / "new", []
    mirsets.download(DATA, home, lambda line: None)
    (served / "annotations.tar.gz").unlink()
    (home / "annotations" / "a.tar.gz").unlink()
    mirsets.download(DATA, home, told.append)
    assert told == ["songs: every file that is read and can be fetched is there"]


def test_a_download_that_was_broken_off_is_done_again(served: Path, tmp_path: Path) -> None:
    home = tmp_path / "new"
    (home / "annotations").mkdir(parents=True)
    (home / "annotations" / "a.tar.gz").write_bytes((served / "annotations.tar.gz").read_bytes()[:40])
    mirsets.download(DATA, home, lambda line: None)
    assert mirsets.opened(DATA, home).altered() == []
    assert (home / "annotations" / "0101.lab").read_bytes() == chords("0101")


def test_an_archive_of_other_bytes_than_published_is_refused(served: Path, tmp_path: Path) -> None:
    (served / "annotations.tar.gz").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"songs: annotations cannot be fetched \(.*MD5 checksum.*\); put your own CDs"):
        mirsets.download(DATA, tmp_path / "new", lambda line: None)
    assert not (tmp_path / "new" / "annotations" / "0101.lab").exists()


def test_without_a_network_one_line_says_what_to_do(
    served: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (served / INDEX).unlink()
    with pytest.raises(DataError, match=r"^songs: index cannot be fetched \(.*No such file.*\); put your own CDs as"):
        mirsets.download(DATA, tmp_path / "new", lambda line: None)
    assert capfd.readouterr() == ("", ""), "mirdata's own words would be a second message"
    assert not caplog.records
    assert logging.root.manager.disable == 0


def test_a_folder_that_cannot_be_made_is_one_line(served: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file/home cannot be made .*name another folder"):
        mirsets.download(DATA, tmp_path / "file" / "home", lambda line: None)


def test_what_must_be_asked_for_is_said(served: Path) -> None:
    assert mirsets.conditions(DATA).startswith("Unfortunately the audio files of the Beatles dataset are not available")
    on_request = replace(DATA, mirdata=Mirdata("medleydb_pitch"))
    assert "request access" in mirsets.conditions(on_request)
    assert "\n" not in mirsets.conditions(on_request)
    assert mirsets.conditions(replace(DATA, mirdata=Mirdata("guitarset"))) == ""


def test_a_data_set_that_mirdata_does_not_have_has_its_own_words() -> None:
    assert mirsets.how_to_get(replace(DATA, mirdata=None)) == DATA.layout
    assert mirsets.how_to_get(replace(DATA, mirdata=None, layout="")) == "`show TASK` says where it is from"
