"""MDB Drums: a rendered miniature in its layout, and the recordings where they are beside the repository."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from benchmark.audio.events import score_items
from benchmark.data import mdb_drums
from benchmark.errors import DataError
from benchmark.metrics import reduction
from tasks.drums import bands, compare, rendered, task
from tasks.drums.arrange import FRAMES
from tasks.drums.features import RATE
from tasks.drums.mdb import scan

REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "mdb_drums"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the recordings are not beside the repository")

SONGS = mdb_drums.manifest().sources
MADE = ("Beatles", "Country1", "Punk", "Rock", "Britpop", "Reggae", "Zeppelin", "Disco")
LINE = "{:.6f} \t {} \n"
"""As published, trailing space included."""


def paths(home: Path, song: str) -> tuple[Path, Path]:
    root = home / "MDB Drums"
    return (
        root / "audio" / "drum_only" / f"MusicDelta_{song}_Drum.wav",
        root / "annotations" / "class" / f"MusicDelta_{song}_class.txt",
    )


def played(song: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """A rendered loop that has every drum."""
    clips = (rendered.render(0, index) for index in count(100 * song))
    return next((audio, truth) for audio, truth, _ in clips if all(len(times) > 1 for times in truth))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight songs with recordings; the annotations of all are there, as in a folder whose download broke off."""
    home = tmp_path_factory.mktemp("mdb")
    for number, song in enumerate(SONGS):
        audio, notes = paths(home, song)
        for path in (audio, notes):
            path.parent.mkdir(parents=True, exist_ok=True)
        sound, truth = played(number)
        strokes = sorted((time, name) for name, times in zip(("KD", "SD", "HH"), truth, strict=True) for time in times)
        notes.write_text("".join(LINE.format(*stroke) for stroke in [*strokes, (4.0, "CY"), (4.5, "TT"), (4.6, "OT")]))
        if song in MADE:
            soundfile.write(audio, sound, RATE)
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(made, tmp_path / "home"))


@pytest.mark.parametrize("seed", range(4))
def test_data_are_what_the_folder_holds(made: Path, seed: int) -> None:
    data = task.data("mdb_drums", made, "smoke", seed)
    manifest = json.loads(json.dumps(data.manifest))
    assert len(manifest["missing"]) == 15
    assert "FunkJazz: no file MusicDelta_FunkJazz_Drum.wav" in manifest["missing"]
    expected = {side: [s for s in all_ if s in MADE] for side, all_ in mdb_drums.manifest().members(seed).items()}
    for side in ("train", "validation", "test"):
        split, about = getattr(data, side), manifest["splits"][side]
        assert about["recordings"] == expected[side]
        assert split.sources.tolist() == [SONGS.index(song) for song in expected[side] for _ in range(3)]
        assert about["rows"] == len(split) == sum(split.rows)
        # The recording's last frame is centred on its end.
        assert split.rows == [FRAMES + 1] * len(expected[side])
        assert set(task.evaluate(40 * split.targets - 20, split).scores.values()) == {1.0}


def test_strokes_are_those_of_the_annotation(made: Path) -> None:
    found = scan(made)[0]["Rock"].clip
    _, truth = played(SONGS.index("Rock"))
    for one, other in zip(found.events, truth, strict=True):
        assert one == pytest.approx(other, abs=1e-6)


def test_the_digest_follows_contents(home: Path) -> None:
    before = task.data("mdb_drums", home, "smoke", 0).digest
    _, notes = paths(home, "Rock")
    notes.write_text(notes.read_text() + LINE.format(4.8, "KD"))
    assert task.data("mdb_drums", home, "smoke", 0).digest != before


def _torn(audio: Path, notes: Path) -> None:
    audio.write_bytes(b"RIFF0000WAVE")


def _unannotated(audio: Path, notes: Path) -> None:
    notes.unlink()


def _foreign(audio: Path, notes: Path) -> None:
    notes.write_text("0.5 KD\n0.7 XX\n")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_torn, "MusicDelta_Rock_Drum.wav is not readable as audio"),
        (_unannotated, "no file MusicDelta_Rock_class.txt"),
        (_foreign, "annotation line 2 is not `seconds class`: '0.7 XX'"),
    ],
)
def test_what_cannot_be_used_is_named(home: Path, spoil: Callable[[Path, Path], None], reason: str) -> None:
    spoil(*paths(home, "Rock"))
    usable, missing = scan(home)
    assert f"Rock: {reason}" in missing
    assert set(usable) == set(MADE) - {"Rock"}


def test_too_few_songs_are_refused(home: Path) -> None:
    for song in MADE[:3]:
        paths(home, song)[0].unlink()
    with pytest.raises(DataError, match="no recording of mdb_drums to test on: 5 usable, 18 missing"):
        task.data("mdb_drums", home, "smoke", 0)


def test_training_songs_need_every_drum(home: Path) -> None:
    for song in MADE:
        notes = paths(home, song)[1]
        notes.write_text("".join(line for line in notes.read_text().splitlines(True) if "HH" not in line))
    with pytest.raises(DataError, match="have no HH"):
        task.data("mdb_drums", home, "smoke", 0)


def test_bands_transcribe_it(made: Path) -> None:
    data = task.data("mdb_drums", made, "smoke", 0)
    thresholds = bands.choose(data.validation.clips, 0.05)
    assert set(thresholds) <= set(bands.THRESHOLDS)
    guess = bands.transcribe(data.test.clips, thresholds)
    items = score_items([clip.events for clip in data.test.clips], guess, 0.05)
    assert 0.2 < reduction("pooled_f1")(items) < 1


def test_comparing_fails_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["--data", "mdb_drums", "--data-home", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_comparing_prints_both_on_the_same_test_set(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--data", "mdb_drums", "--data-home", str(made)]
    assert compare.main([*home, "--profile", "smoke", "--seeds", "0", "1"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == ["0", "1", "all seeds"]
    for found in printed.values():
        assert 0 <= found["dense"]["low"] <= found["dense"]["value"] <= found["dense"]["high"] <= 1
        assert 0.2 < found["bands"]["value"] < 1
        difference = found["dense"]["value"] - found["bands"]["value"]
        assert found["lead"]["value"] == pytest.approx(difference, abs=2e-4)
        assert found["lead"]["low"] <= found["lead"]["value"] <= found["lead"]["high"]
    assert [printed[seed]["sources"] for seed in "01"] == [[3], [5]]
    assert set(printed["0"]["by drum"]) == {"KD", "SD", "HH"}


@needs_real
def test_the_recordings() -> None:
    usable, missing = scan(REAL)
    assert len(usable) + len(missing) == 23
    assert all("no file" in reason for reason in missing)
    assert len({recording.digest for recording in usable.values()}) == len(usable)
    # The annotations count 7,994 strokes in all; of Rock 12 kicks, 12 snares and 48 hats.
    assert [len(times) for times in usable["Rock"].clip.events] == [12, 12, 48]
    for seed in range(2):
        data = task.data("mdb_drums", REAL, "quick", seed)
        assert data.manifest["missing"] == missing
        for side in ("train", "validation", "test"):
            split = getattr(data, side)
            # Flams and drags closer than 46 ms are one stroke to the picker; 20 ms leave no room for that.
            assert task.evaluate(40 * split.targets - 20, split).scores[task.metrics[0].id] > 0.97
            assert torch.isfinite(split.batch(torch.arange(len(split))).inputs).all()
