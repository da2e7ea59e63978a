"""Published data sets: rendered notes laid out as each of them, and real excerpts where they are at hand."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.data.soundfont import font
from benchmark.errors import DataError
from benchmark.task import Data
from tasks.classification import folders, mir, notes, recorded, sounds, task
from tasks.classification.clips import SIDES
from tasks.classification.features import RATE
from tasks.classification.recorded import Take

FIXTURES = Path(__file__).parents[2] / ".." / "shared" / "fixtures" / "mirdata"
needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason="real excerpts are not beside the repository")

Home = Callable[[Path], Path]


class Notes:
    """Rendered notes, each written once."""

    def __init__(self) -> None:
        self._next = 0

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        here = sounds.sounds(font())
        audio = notes.render(font(), here[self._next % len(here)], self._next)
        self._next += 1
        soundfile.write(path, audio, RATE)
        return path


def index(home: Path, name: str, files: dict[str, dict[str, Path]]) -> None:
    tracks = {
        track: {
            kind: [path.relative_to(home).as_posix(), hashlib.md5(path.read_bytes()).hexdigest()]
            for kind, path in of_track.items()
        }
        for track, of_track in files.items()
    }
    (home / name).write_text(json.dumps({"version": "1", "tracks": tracks}))


def medley(home: Path) -> Path:
    """Of every class: two clips of a song in training, and one of each of two songs in validation and test."""
    written, files = Notes(), {}
    rows = [["subset", "instrument", "instrument_id", "song_id", "uuid4"]]
    for label, name in enumerate(mir.MEDLEY_CLASSES):
        for number, (subset, song) in enumerate((("training", 0), ("training", 0), ("validation", 1), ("test", 2))):
            track = f"{label:08d}-{number}"
            path = home / "audio" / f"Medley-solos-DB_{subset}-{label}_{track}.wav"
            files[track] = {"audio": written.write(path)}
            rows.append([subset, name, str(label), str(3 * label + song), track])
    (home / "annotation").mkdir()
    with (home / "annotation" / "Medley-solos-DB_metadata.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    index(home, "medley_solos_db_index_1.2.json", files)
    return home


def tinysol(home: Path) -> Path:
    """Of every class five notes, one a fold; of the flute one note with a second take in another fold."""
    written, files = Notes(), {}
    rows = [[
        "Path", "Fold", "Family", "Instrument (abbr.)", "Instrument (in full)", "Technique (abbr.)",
        "Technique (in full)", "Pitch", "Pitch ID", "Dynamics", "Dynamics ID", "Instance ID",
        "String ID (if applicable)", "Needed digital retuning",
    ]]  # fmt: skip
    takes = [(abbr, pitch, "mf", fold) for abbr in mir.TINYSOL_NAMES for fold, pitch in enumerate("CDEFG")]
    for abbr, pitch, dynamics, fold in [*takes, ("Fl", "C", "pp", 3)]:
        track = f"{abbr}-ord-{pitch}4-{dynamics}-N-N"
        place = f"Family/{abbr}/ordinario/{track}.wav"
        files[track] = {"audio": written.write(home / "audio" / place)}
        rows.append([
            place, str(fold), "Family", abbr, abbr, "ord", "ordinario", f"{pitch}4", "60", dynamics, "2", "0", "",
            "FALSE",
        ])  # fmt: skip
    (home / "annotation").mkdir()
    with (home / "annotation" / "TinySOL_metadata.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    index(home, "tinysol_index_6.0.json", files)
    return home


def irmas(home: Path) -> Path:
    """Of every class four training recordings with two excerpts each, two testing songs, and a duet."""
    written, files = Notes(), {}
    for label, name in enumerate(mir.IRMAS_NAMES):
        for number in range(4):
            for part in (1, 2):
                track = f"{10 * label + number:04d}__{part}"
                path = home / "IRMAS-TrainingData" / name / f"[{name}][cla]{track}.wav"
                files[track] = dict.fromkeys(("audio", "annotation"), written.write(path))
        files[str(label)] = _testing(home, written, f"{label} - Song-3", name)
    files["99"] = _testing(home, written, "99 - Duet-1", "cel", "pia")
    index(home, "irmas_index_1.0.json", files)
    return home


def _testing(home: Path, written: Notes, song: str, *heard: str) -> dict[str, Path]:
    path = written.write(home / "IRMAS-TestingData-Part1" / "Part1" / f"{song}.wav")
    labels = path.with_suffix(".txt")
    labels.write_text("".join(f"{name}\t\n" for name in heard))
    return {"audio": path, "annotation": labels}


SINGERS = ("female1", "male1", "female4", "male11", "female2", "male10")
"""Two of each side."""


def vocalset(home: Path) -> Path:
    written = Notes()
    for singer in SINGERS:
        for technique in folders.TECHNIQUE_NAMES:
            name = f"{singer[0]}{singer[-1]}_scales_{technique}_a.wav"
            written.write(home / "FULL" / singer / "scales" / technique / name)
    written.write(home / "FULL" / "female1" / "long_tones" / "messa" / "f1_long_messa_a.wav")
    return home


def nsynth(home: Path) -> Path:
    """Training instruments of their own; one instrument both in validation and test; twelve notes of one."""
    written = Notes()
    parts = {"nsynth-train": (0, 1), "nsynth-valid": (2, 3), "nsynth-test": (3, 4)}
    for part, numbers in parts.items():
        listed = {}
        for family in (*folders.FAMILIES, "synth_lead"):
            for number in numbers:
                instrument = f"{family}_acoustic_{number:03d}"
                for pitch in range(60, 72 if (family, number) == ("bass", 0) else 61):
                    name = f"{instrument}-{pitch:03d}-100"
                    listed[name] = {"instrument_family_str": family, "instrument_str": instrument, "pitch": pitch}
                    written.write(home / part / "audio" / f"{name}.wav")
        (home / part / "examples.json").write_text(json.dumps(listed))
    return home


HOMES: dict[str, Home] = {
    "medley_solos_db": medley,
    "tinysol": tinysol,
    "irmas": irmas,
    "vocalset": vocalset,
    "nsynth": nsynth,
}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: lay_out(tmp_path_factory.mktemp(name)) for name, lay_out in HOMES.items()}


@pytest.fixture
def spoilt(homes: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy to spoil."""
    return lambda name: Path(shutil.copytree(homes[name], tmp_path / name))


def load(name: str, home: Path | None, seed: int = 0) -> Data:
    if name in ("medley_solos_db", "tinysol", "irmas"):
        pytest.importorskip("mirdata", reason="the optional dependency `real` is not installed")
    return task.data(name, home, "full", seed)


def named(data: Data) -> list[str]:
    """Files that could not be used; singers of whom nothing is there are left out."""
    missing = data.manifest["missing"]
    assert isinstance(missing, list)
    return [line for line in missing if not line.endswith("no take there")]


@pytest.mark.parametrize("name", HOMES)
def test_every_set_has_its_classes_and_no_source_on_two_sides(homes: dict[str, Path], name: str) -> None:
    data = load(name, homes[name])
    parts = [data.train, data.validation, data.test]
    sources = [set(part.sources.tolist()) for part in parts]
    assert sum(map(len, sources)) == len(set.union(*sources))
    classes = task.on(name).classes
    for part in parts[::2]:
        assert set(part.labels.tolist()) == set(range(len(classes)))
    assert named(data) == []
    json.dumps(data.manifest)
    assert data.digest == load(name, homes[name]).digest


@pytest.mark.parametrize("name", HOMES)
def test_what_is_missing_or_damaged_is_counted_and_named(spoilt: Callable[[str], Path], name: str) -> None:
    home = spoilt(name)
    idle = ("messa", "synth_lead", "nsynth-valid")
    files = sorted(path for path in home.rglob("*.wav") if not any(word in str(path) for word in idle))
    gone, empty, noise, silent = files[3], files[-1], files[9], files[-6]
    gone.unlink()
    empty.write_bytes(b"")
    noise.write_text("not audio\n" * 500)
    soundfile.write(silent, np.zeros(RATE, np.int16), RATE)
    missing = named(load(name, home))
    assert any("is empty (0 bytes)" in line for line in missing)
    assert sum("silent, or not audio" in line for line in missing) == 2
    # VocalSet publishes no list of its files, so that one less cannot be told.
    assert len(missing) == (3 if name == "vocalset" else 4), missing


@pytest.mark.parametrize("name", HOMES)
def test_what_cannot_be_loaded_is_one_line_with_a_way_out(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{name} needs recordings; .*--data-home DIR"):
        load(name, None)
    with pytest.raises(DataError, match=r"no folder .*nowhere; .*--data-home DIR"):
        load(name, tmp_path / "nowhere")
    with pytest.raises(DataError, match="--data-home DIR"):
        load(name, tmp_path)


def test_medley_keeps_the_official_subsets(homes: dict[str, Path]) -> None:
    data = load("medley_solos_db", homes["medley_solos_db"], seed=2)
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [16, 8, 8]


def test_tinysol_rotates_its_folds_and_keeps_takes_of_a_note_together(homes: dict[str, Path]) -> None:
    tests = [set(load("tinysol", homes["tinysol"], seed).test.sources.tolist()) for seed in range(5)]
    assert sum(map(len, tests)) == len(set.union(*tests)) == 5 * 14
    data = load("tinysol", homes["tinysol"], 0)
    assert len(data.test.labels) == 15
    assert data.manifest["takes moved to the fold of their note"] == 1


def test_tinysols_instruments_are_the_fourteen_of_its_description() -> None:
    """As mirdata's loader lists them; and file names begin with the abbreviations, as its index has them."""
    tinysol = pytest.importorskip("mirdata.datasets.tinysol", reason="the optional dependency `real` is not installed")
    listed = {line.strip(" -").lower() for line in tinysol.__doc__.splitlines() if line.startswith("    - ")}
    ours = {"double bass": "contrabass", "cello": "violoncello", "clarinet in b flat": "clarinet in b-flat"}
    assert {ours.get(name.lower(), name.lower()) for name in mir.TINYSOL_NAMES.values()} == listed


@needs_fixtures
def test_tinysols_abbreviations_are_those_of_its_table() -> None:
    full = {"Contrabass": "double bass", "Flute": "flute"}
    with (FIXTURES / "tinysol" / "annotation" / "TinySOL_metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["Instrument (abbr.)"]: full[row["Instrument (in full)"]] for row in rows}.items() <= (
        mir.TINYSOL_NAMES.items()
    )


def test_irmas_tests_on_the_official_part_with_one_instrument(homes: dict[str, Path]) -> None:
    data = load("irmas", homes["irmas"])
    assert len(data.test.labels) == 11
    not_used = data.manifest["not_used"]
    assert isinstance(not_used, dict)
    assert not_used["testing excerpts with several predominant instruments, or none"] == 1
    assert len(data.train.labels) + len(data.validation.labels) == 88
    assert len(set(data.validation.sources.tolist())) * 2 == len(data.validation.labels)


def test_irmas_validation_never_changes() -> None:
    """It is a rule and not a list; this is the rule's print."""
    chosen = [n for n in range(60) if hashlib.sha256(f"{n:04d}".encode()).digest()[0] % mir.IRMAS_VALIDATION == 0]
    assert chosen == [5, 11, 12, 13, 15, 25, 36, 41, 42, 46, 48, 53]


def test_vocalset_is_split_by_singer_as_written_down(homes: dict[str, Path]) -> None:
    manifest = folders.singer_split()
    assert len(manifest.items) == 20
    assert {side: len(names) for side, names in manifest.members(0).items()} == {
        "train": 12,
        "validation": 3,
        "test": 5,
    }
    data = load("vocalset", homes["vocalset"])
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [20, 20, 20]
    missing, not_used = data.manifest["missing"], data.manifest["not_used"]
    assert isinstance(missing, list) and isinstance(not_used, dict)
    assert sorted(missing) == sorted(f"{singer}: no take there" for singer in manifest.items if singer not in SINGERS)
    assert not_used["takes of other techniques"] == 1


def test_nsynth_takes_ten_notes_of_an_instrument_and_leaves_shared_ones_to_test(homes: dict[str, Path]) -> None:
    data = load("nsynth", homes["nsynth"])
    not_used = data.manifest["not_used"]
    assert isinstance(not_used, dict)
    assert not_used["further notes of an instrument"] == 2 + 10
    assert not_used["notes of synth_lead"] == 6
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [29, 10, 20]


def test_the_same_bytes_of_another_source_are_used_on_neither_side(spoilt: Callable[[str], Path]) -> None:
    home = spoilt("vocalset")
    original = next((home / "FULL" / "female1" / "scales" / "belt").iterdir())
    copy = next((home / "FULL" / "female2" / "scales" / "belt").iterdir())
    shutil.copy(original, copy)
    data = load("vocalset", home)
    missing = data.manifest["missing"]
    assert isinstance(missing, list)
    assert sum("the same bytes as a file of another source or class" in line for line in missing) == 2
    assert (len(data.train.labels), len(data.test.labels)) == (19, 19)


def test_a_class_without_a_recording_to_train_on_is_named(spoilt: Callable[[str], Path]) -> None:
    home = spoilt("vocalset")
    for singer in ("female1", "male1"):
        shutil.rmtree(home / "FULL" / singer / "scales" / "belt")
    with pytest.raises(DataError, match="no usable recording of belt to train on; download VocalSet"):
        load("vocalset", home)


def test_another_list_of_notes_is_not_nsynths(spoilt: Callable[[str], Path]) -> None:
    home = spoilt("nsynth")
    (home / "nsynth-valid" / "examples.json").write_text('{"a": {"pitch": 60}}')
    with pytest.raises(DataError, match=r"examples.json is not NSynth's .*; download NSynth"):
        load("nsynth", home)


def test_a_long_take_is_cut_into_seconds_from_its_onset() -> None:
    time = np.arange(4 * RATE) / RATE
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    assert len(recorded.excerpt(tone, 3)) == 3
    late = np.concatenate([np.zeros(RATE // 2, np.float32), tone[: 2 * RATE]])
    patches = recorded.excerpt(late, 3)
    assert len(patches) == 2
    np.testing.assert_allclose(
        patches[0].astype(float)[:, 2:-2], recorded.excerpt(tone, 1)[0].astype(float)[:, 2:-2], atol=0.1
    )
    assert len(recorded.excerpt(np.concatenate([tone[:RATE], np.zeros(2 * RATE, np.float32)]), 3)) == 1
    assert recorded.excerpt(np.zeros(RATE, np.float32), 3) == []


def test_smoke_takes_a_few_of_a_class_on_a_side_by_hash() -> None:
    takes = {f"t{n}": Take(f"t{n}", Path(), n % 2, f"s{n}", "train") for n in range(100)}
    few = recorded._few(takes, "smoke")
    assert len(few) == 24
    assert list(few) == [name for name in takes if name in few]
    del takes["t99"]
    assert set(recorded._few(takes, "smoke")) >= set(few) - {"t99"}


@needs_fixtures
@pytest.mark.parametrize(
    ("name", "load_found", "expected"),
    [
        ("medley_solos_db", lambda home: mir.find(mir.MEDLEY, home, mir._medley, 0), [("flute", "validation", 2)]),
        (
            "tinysol",
            lambda home: mir.find(mir.TINYSOL, home, mir._tinysol, 0),
            [("double bass", "train", 1), ("flute", "test", 1)],
        ),
        ("irmas", lambda home: mir.find(mir.IRMAS, home, mir._irmas, 0), [("clarinet", "validation", 3)]),
    ],
)
def test_real_excerpts_are_found_with_their_labels(
    name: str,
    load_found: Callable[[Path], recorded.Found],
    expected: list[tuple[str, str, int]],
    tmp_path: Path,
) -> None:
    pytest.importorskip("mirdata", reason="the optional dependency `real` is not installed")
    home = Path(shutil.copytree(FIXTURES / name, tmp_path / name))
    (sample,) = (FIXTURES / "indexes").glob(f"{name}_index_*_sample.json")
    (home / sample.name.replace("_sample", "")).write_bytes(sample.read_bytes())
    found = load_found(home)
    classes = task.on(name).classes
    assert found.missing == []
    assert sorted((classes[take.label], take.side) for take in found.takes) == sorted((c, s) for c, s, _ in expected)
    for take in found.takes:
        seconds = next(seconds for name_, _, seconds in expected if name_ == classes[take.label])
        assert len(recorded._read(take.path, seconds)) == seconds
    assert {take.side for take in found.takes} <= set(SIDES)
