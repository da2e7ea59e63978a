"""Recorded data sets: rendered miniatures of all in their layouts, and mirdata's fixtures."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from itertools import chain, combinations
from pathlib import Path

import pretty_midi
import pytest
import soundfile

from benchmark.audio.windows import Windows
from benchmark.data import splits
from benchmark.data.recordings import sort_out
from benchmark.errors import DataError
from benchmark.task import Data
from tasks.onsets import libraries, recorded, recording, task
from tasks.onsets.arrange import FRAMES
from tasks.onsets.features import RATE
from tasks.onsets.merging import merged
from tests.tasks import test_onsets_mdb
from tests.tasks.test_onsets_mdb import played

FIXTURES = Path(__file__).parents[2] / ".." / "shared" / "fixtures" / "mirdata"
needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason="mirdata's fixtures are not beside the repository")
SIDES = splits.SIDES

INDEXES = {
    "guitarset": "guitarset_index_1.1.0",
    "maestro": "maestro_index_2.0.0",
    "four_way_tabla": "four_way_tabla_index_1.0",
}
TABLA = ("AS_comp1_t", "PP_comp2_t", "KB_16", "SK_rela_1", "binati_SRC", "payaliya_DM")


def written(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def put(home: Path, files: dict[str, str | None], number: int) -> dict[str, list[str | None]]:
    """Sound under the first name, at a rate of its own; the index entry of all files."""
    audio = next(iter(files.values()))
    assert audio is not None
    (home / audio).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(home / audio, played(number)[0], RATE)
    return {kind: [None, None] if name is None else [name, written(home / name)] for kind, name in files.items()}


def indexed(home: Path, name: str, tracks: dict[str, dict[str, list[str | None]]]) -> None:
    (home / f"{INDEXES[name]}.json").write_text(json.dumps({"version": "1", "tracks": tracks}))


def guitarset(home: Path) -> None:
    """Two excerpts of each side of seed 0, one with a silent string."""
    (home / "annotation").mkdir(parents=True)
    tracks = {}
    members = libraries.manifest().members(0)
    for number, item in enumerate(chain(*(members[side][:2] for side in SIDES))):
        onsets = played(number)[1].tolist()
        strings = [
            {
                "namespace": "note_midi",
                "annotation_metadata": {"data_source": str(string)},
                "data": [{"time": t, "duration": 0.1, "value": 50.0} for t in onsets[string::5]] if string < 5 else [],
            }
            for string in range(6)
        ]
        (home / "annotation" / f"{item}.jams").write_text(json.dumps({"annotations": strings}))
        files = {"audio_mic": f"audio_mono-mic/{item}_mic.wav", "jams": f"annotation/{item}.jams"}
        none = dict.fromkeys(("audio_hex_cln", "audio_hex", "audio_mix"))
        tracks[item] = put(home, {**files, **none}, number)
    indexed(home, "guitarset", tracks)


def maestro(home: Path) -> None:
    """Two performances of one composition in training, and one on each other side."""
    tracks, table = {}, []
    for number, side in enumerate(("train", "train", "validation", "test")):
        item = f"2018/performance_{number}"
        midi = pretty_midi.PrettyMIDI(resolution=960)
        piano = pretty_midi.Instrument(0)
        piano.notes = [pretty_midi.Note(80, 60, time, time + 0.05) for time in played(number)[1].tolist()]
        midi.instruments.append(piano)
        (home / "2018").mkdir(parents=True, exist_ok=True)
        midi.write(str(home / f"{item}.midi"))
        tracks[item] = put(home, {"audio": f"{item}.wav", "midi": f"{item}.midi"}, number)
        title = "Etude" if side == "train" else f"Sonata {number}"
        table.append(
            {"canonical_composer": "X", "canonical_title": title, "split": side, "midi_filename": f"{item}.midi"}
        )
    (home / "maestro-v2.0.0.json").write_text(json.dumps(table))
    indexed(home, "maestro", tracks)


def four_way_tabla(home: Path) -> None:
    """Two recordings of each side; a kind of stroke has an empty file, as in the published set."""
    tracks = {}
    for number, item in enumerate(TABLA):
        root = f"4way-tabla-ismir21-dataset/{'test' if number > 3 else 'train'}"
        files: dict[str, str | None] = {"audio": f"{root}/audios/{item}.wav"}
        for place, kind in enumerate(("b", "d", "rb", "rt")):
            files[f"onsets_{kind}"] = name = f"{root}/onsets/{kind}/{item}.onsets"
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            times = played(number)[1][place::3] if place < 3 else []
            (home / name).write_text("".join(f"{time:.18e}\n" for time in times))
        tracks[item] = put(home, files, number)
    indexed(home, "four_way_tabla", tracks)


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "mdb_drums": test_onsets_mdb.lay_out,
    "guitarset": guitarset,
    "maestro": maestro,
    "four_way_tabla": four_way_tabla,
}


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    pytest.importorskip("mirdata")
    found = {}
    for name, lay_out in LAYOUTS.items():
        found[name] = tmp_path_factory.mktemp(name)
        lay_out(found[name])
    return found


def sides(data: Data) -> list[Windows]:
    return [split for split in (data.train, data.validation, data.test) if isinstance(split, Windows)]


@pytest.mark.parametrize("name", libraries.SETS)
def test_a_miniature_of_every_set_is_read(homes: dict[str, Path], name: str) -> None:
    data = task.data(name, homes[name], "smoke", 0)
    manifest = json.loads(json.dumps(data.manifest))
    numbers = iter({"mdb_drums": [3, 4, 5, 2, 0, 1]}.get(name, range(6)))
    for side, split in zip(SIDES, sides(data), strict=True):
        about = manifest["splits"][side]
        assert len(about["recordings"]) == len(split.clips) == about["clips"]
        for clip in split.clips:
            onsets = played(next(numbers))[1]
            # MIDI has ticks, and the doubled stroke of MDB moves the first onset by a millisecond.
            assert clip.events[0] == pytest.approx(merged(onsets), abs=1.1e-3)
            assert len(clip.features) == FRAMES + 1
    assert data.digest == task.data(name, homes[name], "smoke", 0).digest


@pytest.mark.parametrize("name", libraries.SETS)
@pytest.mark.parametrize("seed", [0, 1])
def test_sides_share_no_source_and_no_sound(homes: dict[str, Path], name: str, seed: int) -> None:
    if name == "guitarset" and seed:
        pytest.skip("the miniature has the excerpts of seed 0")
    data = task.data(name, homes[name], "smoke", seed)
    for one, other in combinations(sides(data), 2):
        assert not set(one.sources.tolist()) & set(other.sources.tolist())
    for one, other in combinations(data.manifest["splits"].values(), 2):
        for what in ("recordings", "source names", "audio"):
            assert not set(one[what]) & set(other[what])


def test_the_split_leaks_nothing_and_uses_every_rotation() -> None:
    found = libraries.manifest()
    assert splits.leaks(found) == []
    tested = [set(found.members(turn)["test"]) for turn in range(len(found.rotations))]
    assert all(min(map(len, found.members(turn).values())) >= 2 for turn in range(len(found.rotations)))
    assert len(set.union(*tested)) == 120


def test_no_player_of_guitars_is_on_two_sides() -> None:
    for seed in range(3):
        members = libraries.manifest().members(seed)
        players = [{item[:2] for item in members[side]} for side in SIDES]
        sheets = [{item.split("_")[1] for item in members[side]} for side in SIDES]
        for one, other in combinations(players, 2):
            assert not one & other
        for one, other in combinations(sheets, 2):
            assert not one & other


def test_performances_of_a_composition_stay_together(homes: dict[str, Path]) -> None:
    listed = libraries.maestro(homes["maestro"], 0)
    assert [one.side for one in listed.values()] == ["train", "train", "validation", "test"]
    assert [one.source for one in listed.values()] == ["X: Etude", "X: Etude", "X: Sonata 2", "X: Sonata 3"]


def test_two_players_of_tabla_validate(homes: dict[str, Path]) -> None:
    listed = libraries.four_way_tabla(homes["four_way_tabla"], 0)
    assert {item: (one.side, one.source) for item, one in listed.items()} == {
        "AS_comp1_t": ("train", "AS"),
        "PP_comp2_t": ("train", "PP"),
        "KB_16": ("validation", "KB"),
        "SK_rela_1": ("validation", "SK"),
        "binati_SRC": ("test", "binati_SRC"),
        "payaliya_DM": ("test", "payaliya_DM"),
    }


def test_a_damaged_annotation_of_a_library_is_named(homes: dict[str, Path], tmp_path: Path) -> None:
    home = Path(shutil.copytree(homes["guitarset"], tmp_path / "home"))
    item = libraries.manifest().members(0)["train"][0]
    (home / "annotation" / f"{item}.jams").write_text("{")
    found = recorded.load("guitarset", libraries.guitarset(home, 0))
    assert any(line.startswith(f"{item}: its annotation cannot be read") for line in found.missing)
    (home / "annotation" / f"{item}.jams").unlink()
    assert f"{item}: no file annotation/{item}.jams" in recorded.load("guitarset", libraries.guitarset(home, 0)).missing


@pytest.mark.parametrize("name", libraries.SETS)
def test_no_folder_no_data(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=f"the data set {name} needs recordings; .*DIR"):
        task.data(name, None, "smoke", 0)
    with pytest.raises(DataError, match=r"absent; .*DIR"):
        task.data(name, tmp_path / "absent", "smoke", 0)


def test_a_table_of_sides_is_needed(homes: dict[str, Path], tmp_path: Path) -> None:
    home = Path(shutil.copytree(homes["maestro"], tmp_path / "home"))
    (home / "maestro-v2.0.0.json").unlink()
    with pytest.raises(DataError, match=r"a table of maestro cannot be read .*; fetch"):
        task.data("maestro", home, "smoke", 0)


def test_a_performance_that_the_table_does_not_know_is_named(homes: dict[str, Path], tmp_path: Path) -> None:
    home = Path(shutil.copytree(homes["maestro"], tmp_path / "home"))
    table = json.loads((home / "maestro-v2.0.0.json").read_text())
    (home / "maestro-v2.0.0.json").write_text(json.dumps(table[1:]))
    missing = recorded.load("maestro", libraries.maestro(home, 0)).missing
    assert missing == ("2018/performance_0: the data set does not say on which side it is",)


def fixture(name: str, home: Path) -> dict[str, recording.Listed]:
    """A set of mirdata's fixtures, listed."""
    for path in sorted((FIXTURES / name).rglob("*")):
        if path.is_file():
            copy = home / path.relative_to(FIXTURES / name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    shutil.copyfile(FIXTURES / "indexes" / f"{INDEXES[name]}_sample.json", home / f"{INDEXES[name]}.json")
    return libraries.SETS[name].recordings(home, 0)


@needs_fixtures
@pytest.mark.parametrize(
    ("name", "item", "side", "onsets"),
    [
        ("guitarset", "03_BN3-119-G_solo", "train", [0.761, 1.507, 1.781]),
        ("maestro", "2018/MIDI-Unprocessed_Chamber3_MID--AUDIO_10_R3_2018_wav--1", "train", [0.983, 1.784]),
        ("four_way_tabla", "binati_SRC", "test", [0.65, 1.825, 2.02, 2.235]),
    ],
)
def test_fixtures_of_mirdata(tmp_path: Path, name: str, item: str, side: str, onsets: list[float]) -> None:
    """Real annotations, cut to a few seconds; other fixtures have no sound or no onset, which is said."""
    pytest.importorskip("mirdata")
    listed = fixture(name, tmp_path)
    read, missing = sort_out(listed, lambda one: recording.read(listed[one], 0, 30.0))
    assert list(read) == [item] and listed[item].side == side
    assert read[item][0].events[0] == pytest.approx(onsets, abs=1e-3)
    assert len(missing) == len(listed) - 1 and all(
        re.search(": no file |no onset|not in mirdata's index", m) for m in missing
    )
