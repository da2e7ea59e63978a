"""The command `prepare`: data made ready ahead, and an honest word on what is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark import plugins
from benchmark.cli import main
from benchmark.data import mirsets
from benchmark.errors import DataError
from benchmark.task import Data, DataSet, Mirdata
from tests.conftest import House
from tests.toy_task import Toy

PLAIN = DataSet("made", "Made up", "MIT", needs_home=False)
OWN = DataSet("mine", "One's own", "MIT", needs_home=True, layout="put your CDs as DIR/audio/SONG.wav")
SONGS = replace(OWN, name="songs", mirdata=Mirdata("beatles", files=("audio", "chords"), own=("audio",)))


class Known(Toy):
    """The toy task with data sets of every kind; what it was asked for is kept."""

    datasets = (PLAIN, OWN, SONGS)
    missing: tuple[str, ...] = ("odd.wav: empty",)

    def __init__(self) -> None:
        self.asked: list[tuple[str, Path | None, str, int]] = []

    def data(self, name: str, home: Path | None, profile: str, seed: int) -> Data:
        self.asked.append((name, home, profile, seed))
        if name == "mine" and not any(home.iterdir()):
            raise DataError(f"nothing in {home}; {OWN.layout}")
        return replace(super().data(name, home, profile, seed), manifest={"missing": list(self.missing)})


class Other(Known):
    datasets = (PLAIN,)


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> dict[str, Known]:
    """Two tasks in place of those in `tasks/`."""
    known = {"toy": Known(), "other": Other()}
    monkeypatch.setattr(plugins, "tasks", lambda: dict.fromkeys(known))
    monkeypatch.setattr(plugins, "task", known.__getitem__)
    return known


@pytest.fixture
def songs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with mirdata's index and one of two songs; there is no network."""
    pytest.importorskip("mirdata", reason="the optional dependency `real` is not installed")
    home = tmp_path / "songs"
    tracks = {t: {"audio": [f"{t}.wav", "0"], "chords": [f"{t}.lab", "0"], "sections": ["s", "0"]} for t in ("1", "2")}
    for track in tracks.values():
        track |= {"beat": [None, None], "keys": [None, None]}
    home.mkdir()
    (home / "beatles_index_1.2.json").write_text(json.dumps({"version": "1.2", "tracks": tracks}))
    (home / "1.wav").write_bytes(b"a master of my own")
    (home / "1.lab").write_bytes(b"0 1 C\n")

    def offline(data: DataSet, home: Path, say: mirsets.Say) -> None:
        raise DataError("songs: annotations cannot be fetched (no network); put your CDs as DIR/audio/SONG.wav")

    monkeypatch.setattr(mirsets, "download", offline)
    return home


def test_rendered_data_are_made_for_every_seed(tasks: dict[str, Known], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", "--task", "toy", "--profile", "smoke", "--seeds", "0,2"]) == 0
    assert tasks["toy"].asked == [("made", None, "smoke", 0), ("made", None, "smoke", 2)]
    out, err = capsys.readouterr()
    assert "toy made smoke seed 2: train 240 rows of 80 sources, validation 61 rows of 21 sources, test 121" in out
    assert "toy made smoke seed 0 ..." in err
    assert "made: not used, by item: 1\n  odd.wav: empty\n" in out


def test_the_profile_and_seeds_are_those_of_run(tasks: dict[str, Known]) -> None:
    assert main(["prepare", "--task", "toy"]) == 0
    assert [asked[2:] for asked in tasks["toy"].asked] == [("quick", seed) for seed in (0, 1, 2)]


def test_all_tasks_and_all_that_have_a_data_set(tasks: dict[str, Known], tmp_path: Path) -> None:
    assert main(["prepare", "--task", "all", "--seeds", "0"]) == 0
    assert [len(task.asked) for task in tasks.values()] == [1, 1]
    (tmp_path / "file").touch()
    assert main(["prepare", "--task", "all", "--data", "mine", "--data-home", str(tmp_path), "--seeds", "0"]) == 0
    assert [len(task.asked) for task in tasks.values()] == [2, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "tyo"], "no task 'tyo': did you mean 'toy'?"),
        (["--task", "toy", "--profile", "quik"], "--profile 'quik' is unknown: did you mean 'quick'?"),
        (["--task", "toy", "--seeds", "x"], "--seeds 'x': give whole numbers"),
        (["--task", "toy", "--data", "mad"], "task 'toy' has no data set 'mad': did you mean 'made'?"),
        (
            ["--task", "toy,other", "--data", "mine", "--data-home", "x"],
            "task 'other' has no data set 'mine': known: m",
        ),
        (["--task", "all", "--data", "none"], "task 'toy' has no data set 'none'"),
        (
            ["--task", "toy", "--data", "mine"],
            "data set 'mine' of task 'toy' are recordings: say with --data-home DIR where they are or shall be; "
            "put your CDs as DIR/audio/SONG.wav",
        ),
    ],
)
def test_a_slip_is_one_line_and_nothing_is_made(
    tasks: dict[str, Known], capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["prepare", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and message in err
    assert not any(task.asked for task in tasks.values())


def test_data_that_cannot_be_had_fail_and_the_next_task_goes_on(
    tasks: dict[str, Known], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Other, "datasets", (OWN,))
    monkeypatch.setattr(Other, "data", lambda self, *asked: Toy.data(self, *asked))
    home = str(tmp_path)
    assert main(["prepare", "--task", "all", "--data", "mine", "--data-home", home, "--seeds", "0"]) == 1
    out, err = capsys.readouterr()
    assert f"benchmark: toy mine: nothing in {home}; put your CDs as DIR/audio/SONG.wav\n" in err
    assert "other mine quick seed 0: train" in out


def test_offline_what_is_there_is_used_and_each_file_that_is_not_is_named(
    tasks: dict[str, Known], songs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["prepare", "--task", "toy", "--data", "songs", "--data-home", str(songs), "--seeds", "0"]
    assert main(asked) == 0
    out, err = capsys.readouterr()
    assert "annotations cannot be fetched (no network); put your CDs as DIR/audio/SONG.wav\n" in err
    assert "songs: checking files: 1 of 4 are there as they should be" in out
    assert "absent or altered: 3\n  2.wav: not there\n  2.lab: not there\n  1.lab: other bytes than published\n" in out
    assert "songs: not used, by item: 1\n  odd.wav: empty\n" in out
    assert tasks["toy"].asked == [("songs", songs, "quick", 0)]


def test_offline_without_an_index_the_line_says_why_and_what_to_do(
    tasks: dict[str, Known], songs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (songs / "beatles_index_1.2.json").unlink()
    assert main(["prepare", "--task", "toy", "--data", "songs", "--data-home", str(songs)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "benchmark: toy songs: songs: annotations cannot be fetched (no network); put your CDs as DIR/audio/SONG.wav\n"
    )
    assert not tasks["toy"].asked


def test_recordings_that_nobody_may_pass_on_are_asked_for(
    tasks: dict[str, Known], songs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirsets, "download", lambda *_: None)
    asked = ["prepare", "--task", "toy", "--data", "songs", "--data-home", str(songs), "--seeds", "0"]
    assert main(asked) == 0
    out = capsys.readouterr().out
    assert "songs: put your CDs as DIR/audio/SONG.wav\n" in out
    assert "songs: mirdata says: Unfortunately the audio files of the Beatles dataset are not available" in out
    for name in ("2.wav", "2.lab"):
        (songs / name).write_bytes(b"0 1 C\n")
    assert main(asked) == 0
    out = capsys.readouterr().out
    assert "mirdata says" not in out and "put your CDs" not in out, "all of it is there"


def test_many_missing_files_are_counted_and_all_of_them_written(
    tasks: dict[str, Known], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Known, "missing", tuple(f"{n}.wav: no file {n}.wav" for n in range(50)))
    listed = tmp_path / "missing.txt"
    assert main(["prepare", "--task", "toy", "--seeds", "0,1", "--missing", str(listed)]) == 0
    out = capsys.readouterr().out
    assert "made: not used, by item: 50\n" in out
    assert out.count(": no file ") == 20
    assert "  and 30 more; --missing FILE writes them all\n" in out
    assert listed.read_text().splitlines() == [f"made: {n}.wav: no file {n}.wav" for n in range(50)]


def test_the_command_as_its_user_sees_it(house: House) -> None:
    done = house.run("prepare", "--task", "toy", "--profile", "smoke", "--seeds", "0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("toy made smoke seed 0: train 240 rows")
    assert "prepare" in house.run("--help").stdout
