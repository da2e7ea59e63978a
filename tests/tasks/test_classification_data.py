"""Names, folders, features and splits of the instrument data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from benchmark.data.philharmonia import INSTRUMENTS, Note
from benchmark.errors import DataError
from tasks.classification import reference, task
from tasks.classification.clips import SIDES
from tasks.classification.features import FLOOR, FRAMES, HOP, MELS, RATE, log_mel
from tasks.classification.quarters import assign

REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "philharmonia"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the recordings are not beside the repository")

NOTES = ("C4", "Cs4", "D4", "Ds4", "E4")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All classes, five notes each, in real mp3 files; a partial that stays tells the class."""
    home = tmp_path_factory.mktemp("philharmonia")
    for number, name in enumerate(INSTRUMENTS):
        for step, note in enumerate(NOTES):
            _write(home, name, note, _tone(220 + 11 * step) + _tone(1000 + 400 * number))
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(made, tmp_path / "home"))


def _tone(frequency: float, seconds: float = 0.4, lead: float = 0.0) -> np.ndarray:
    time = np.arange(int(44_100 * seconds)) / 44_100
    return np.concatenate([np.zeros(int(44_100 * lead)), 0.3 * np.sin(2 * np.pi * frequency * time)])


def _path(home: Path, instrument: str, note: str, rest: str = "1_forte_normal") -> Path:
    prefix = {"cor anglais": "english-horn"}.get(instrument, instrument.replace(" ", "-"))
    return home / "audio" / instrument / f"{prefix}_{note}_{rest}.mp3"


def _write(home: Path, instrument: str, note: str, audio: np.ndarray, rest: str = "1_forte_normal") -> Path:
    path = _path(home, instrument, note, rest)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, 44_100, format="MP3")
    return path


def _notes(count: int = 40) -> list[Note]:
    return [Note(name, 30 + step) for number, name in enumerate(INSTRUMENTS) for step in range(count - number)]


def test_sides_hold_every_class_and_share_no_note() -> None:
    for seed in range(3):
        sides = assign(_notes(), seed)
        assert sorted(sides) == sorted(_notes())
        for side in SIDES:
            assert {note.instrument for note, where in sides.items() if where == side} == set(INSTRUMENTS)


def test_seeds_rotate_test_and_keep_validation() -> None:
    folds = [assign(_notes(), seed) for seed in range(4)]
    test = [{note for note, where in fold.items() if where == "test"} for fold in folds]
    validation = [{note for note, where in fold.items() if where == "validation"} for fold in folds]
    assert not (test[0] & test[1] or test[0] & test[2] or test[1] & test[2])
    assert folds[3] == folds[0]
    assert validation[0] == validation[1] == validation[2]
    assert all(len(notes) == pytest.approx(len(_notes()) / 4, abs=6) for notes in test)


def test_four_notes_are_enough_for_three_sides() -> None:
    sides = assign([Note("oboe", midi) for midi in range(60, 64)], 0)
    assert sorted(sides.values()) == ["test", "train", "train", "validation"]


def test_the_order_is_a_shuffle() -> None:
    """Neighbouring semitones must not go round the quarters in step."""
    sides = assign([Note("oboe", midi) for midi in range(40, 80)], 0)
    held = [midi for midi in range(40, 80) if sides[Note("oboe", midi)] == "test"]
    assert len(held) == 10
    assert len(set(np.diff(held))) > 2


def test_order_does_not_depend_on_the_order_of_files() -> None:
    notes = _notes()
    assert assign(reversed(notes), 1) == assign(notes, 1)


def test_features_start_at_the_onset() -> None:
    late, early = _tone(440, 1.2, lead=0.7), _tone(440, 1.2)
    a, b = log_mel(late, 44_100), log_mel(early, 44_100)
    assert a is not None
    assert b is not None
    assert a.shape == (MELS, FRAMES)
    assert a.dtype == np.float16
    # Resampling rings before the onset, by a few samples of the second.
    np.testing.assert_allclose(a[:, 1:].astype(float), b[:, 1:].astype(float), atol=0.15)


def test_features_do_not_depend_on_level_or_channels() -> None:
    audio = _tone(440, 1.2)
    one, two = log_mel(audio, 44_100), log_mel(np.stack([audio, audio], 1) * 0.01, 44_100)
    assert one is not None
    assert two is not None
    np.testing.assert_allclose(one.astype(float), two.astype(float), atol=2e-3)


def test_features_are_librosas_log_mel() -> None:
    import librosa

    rng = np.random.default_rng(0)
    audio = rng.standard_normal(RATE).astype(np.float32)
    audio[0] = np.abs(audio).max()
    mel = librosa.feature.melspectrogram(y=audio / audio[0], sr=RATE, n_fft=1024, hop_length=HOP, n_mels=MELS)
    patch = log_mel(audio, RATE)
    assert patch is not None
    np.testing.assert_allclose(patch.astype(float) * 5 - 6, np.log(mel[:, :FRAMES] + FLOOR), atol=0.01)


def test_silence_has_no_features() -> None:
    assert log_mel(np.zeros(1000), 44_100) is None
    assert log_mel(np.full(1000, 5e-5), 44_100) is None
    assert log_mel(np.zeros(0), 44_100) is None
    assert log_mel(np.full(1000, np.nan), 44_100) is None


def test_a_folder_becomes_three_splits(made: Path) -> None:
    data = task.data("philharmonia", made, "quick", 0)
    assert len(data.train) + len(data.validation) + len(data.test) == 60
    assert data.manifest["missing"] == []
    json.dumps(data.manifest)
    for split in (data.train, data.validation, data.test):
        batch = split.batch(torch.arange(len(split)))
        assert batch.inputs.shape == (len(split), 1, MELS, FRAMES)
        assert batch.inputs.dtype == torch.float32
        assert batch.targets.dtype == torch.int64
        assert set(batch.targets.tolist()) == set(range(12))
        assert len(split.sources) == len(split)
    both = [set(split.sources.tolist()) for split in (data.train, data.validation, data.test)]
    assert not (both[0] & both[1] or both[0] & both[2] or both[1] & both[2])


def test_rows_come_in_the_order_asked(made: Path) -> None:
    train = task.data("philharmonia", made, "quick", 0).train
    rows = torch.tensor([5, 0, 5])
    some, everything = train.batch(rows), train.batch(torch.arange(len(train)))
    assert torch.equal(some.inputs, everything.inputs[rows])
    assert torch.equal(some.targets, everything.targets[rows])


def test_both_layouts_and_more_files_give_the_same_data(made: Path, home: Path) -> None:
    flat = task.data("philharmonia", made / "audio", "quick", 1)
    _write(home, "oboe", "G5", _tone(500), "phrase_forte_normal")
    _write(home, "oboe", "G5", _tone(510), "15_forte_vibrato")
    _write(home, "guitar", "G5", _tone(520), "15_forte_normal")
    more = task.data("philharmonia", home, "quick", 1)
    assert more.digest == flat.digest
    assert more.manifest["not_used"] == {
        "instruments": ["guitar"],
        "durations": {"phrase": 1},
        "articulations": {"vibrato": 1},
    }
    assert more.digest != task.data("philharmonia", home, "quick", 2).digest


def test_damaged_files_are_counted_and_named(home: Path) -> None:
    _path(home, "oboe", "G5").touch()
    _path(home, "oboe", "A5").write_text("not audio\n" * 500)
    _write(home, "oboe", "B5", np.zeros(20_000))
    _write(home, "oboe", "C6", _tone(300)).rename(home / "audio" / "oboe" / "my oboe.mp3")
    _write(home, "flute", "C6", _tone(310)).rename(home / "audio" / "oboe" / "flute_C6_1_forte_normal.mp3")
    shutil.copy(_path(home, "flute", "E4"), _path(home, "cello", "G5"))
    manifest = task.data("philharmonia", home, "quick", 0).manifest
    assert manifest["files"] == 66
    missing = manifest["missing"]
    assert isinstance(missing, list)
    assert sorted(missing) == [
        "cello/cello_G5_1_forte_normal.mp3: the same bytes as a file of another note",
        "flute/flute_E4_1_forte_normal.mp3: the same bytes as a file of another note",
        "oboe/flute_C6_1_forte_normal.mp3: not named <instrument>_<note>_<duration>_<dynamics>_<articulation>.mp3"
        " after its folder",
        "oboe/my oboe.mp3: not named <instrument>_<note>_<duration>_<dynamics>_<articulation>.mp3 after its folder",
        "oboe/oboe_A5_1_forte_normal.mp3: not readable as audio",
        "oboe/oboe_B5_1_forte_normal.mp3: silent",
        "oboe/oboe_G5_1_forte_normal.mp3: oboe_G5_1_forte_normal.mp3 is empty (0 bytes)",
    ]
    splits = manifest["splits"]
    assert isinstance(splits, dict)
    assert sum(split["items"] for split in splits.values()) == 66 - 7


def test_too_few_notes_of_an_instrument_are_refused(home: Path) -> None:
    shutil.rmtree(home / "audio" / "cello")
    _path(home, "oboe", "C4").unlink()
    _path(home, "oboe", "D4").write_text("not audio\n" * 500)
    with pytest.raises(DataError, match=r"fewer than 4 usable notes of cello \(0\), oboe \(3\); download .* as DIR/"):
        task.data("philharmonia", home, "quick", 0)
    shutil.copytree(home / "audio" / "flute", home / "audio" / "cello")
    with pytest.raises(DataError, match=r"fewer than 4 usable notes of cello \(0\)"):
        task.data("philharmonia", home, "quick", 0)


def test_unreadable_files_count_against_the_notes(home: Path) -> None:
    for note in ("C4", "D4"):
        _path(home, "oboe", note).write_text(f"not audio but {note}\n" * 500)
    with pytest.raises(DataError, match=r"fewer than 4 usable notes of oboe \(3\)"):
        task.data("philharmonia", home, "quick", 0)


def test_the_reference_prints_scores_of_three_seeds(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--data", "philharmonia", "--without-net", "--data-home"]
    assert reference.main([*given, str(made)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["seeds"]) == ["0", "1", "2"]
    for of_seed in found["seeds"].values():
        assert of_seed["C"] in reference.PENALTIES
        assert of_seed["regression"]["classification.macro_f1.v1"] > 0.7
    mean = found["mean"]["regression"]
    assert mean["low"] <= mean["value"] <= mean["high"]
    assert reference.main([*given, str(made / "nowhere")]) == 1
    assert "no folder" in capsys.readouterr().err


@needs_real
def test_the_real_smoke_set() -> None:
    data = task.data("philharmonia", REAL, "smoke", 0)
    sides = data.manifest["splits"]
    assert isinstance(sides, dict)
    assert [sides[side]["sources"] for side in SIDES] == [60, 12, 24]
    assert data.digest == task.data("philharmonia", REAL, "smoke", 0).digest
    inputs = data.train.batch(torch.arange(len(data.train))).inputs
    assert abs(inputs.mean().item()) < 0.2
    assert inputs.std().item() == pytest.approx(1, abs=0.2)
