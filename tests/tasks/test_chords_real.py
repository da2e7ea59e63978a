"""Recorded chord data: clips of known chords laid out as the real sets, and real annotations where present."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from benchmark.data import mirsets
from benchmark.data.splits import SIDES, leaks
from benchmark.errors import DataError
from tasks.chords import real, songs, task
from tasks.chords.harmony import NO_CHORD
from tasks.chords.piece import HOP_SECONDS, RATE
from tasks.chords.recordings import CONTEXT
from tasks.chords.sets import SETS, manifest

pytest.importorskip("mirdata", reason="the optional dependency `real` is not installed")

FIXTURES = Path(__file__).parents[2] / ".." / "shared" / "fixtures" / "mirdata"
needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason="real annotations are not beside the repository")
SECONDS = 2.6
CHORDS = ((0.0, 0.8, "N"), (0.8, 1.7, "C:maj"), (1.7, 2.6, "A:min7"))
KEYS = {"N": (), "C:maj": (48, 64, 67), "A:min7": (45, 60, 64, 67)}
NAMES = tuple(SETS)


@dataclass(frozen=True)
class Form:
    """How a data set lies: name of mirdata's index, audio and annotation by item, further files that mirdata names."""

    index: str
    audio: str
    chords: str
    names: tuple[str, str]
    others: tuple[str, ...] = ()


FORMS = {
    "guitarset": Form(
        "guitarset_index_1.1.0.json",
        "audio_mono-mic/{}_mic.wav",
        "annotation/{}.jams",
        ("audio_mic", "jams"),
        ("audio_hex_cln", "audio_hex", "audio_mix"),
    ),
    "beatles": Form(
        "beatles_index_1.2.json",
        "audio/Album/{}.wav",
        "annotations/chordlab/The Beatles/Album/{}.lab",
        ("audio", "chords"),
        ("beat", "keys", "sections"),
    ),
    "queen": Form(
        "queen_index_1.0.json",
        "audio/Greatest Hits I/{}.flac",
        "annotations/chordlab/Queen/Greatest Hits I/{}.lab",
        ("audio", "chords"),
        ("keys", "sections"),
    ),
    "billboard": Form(
        "billboard_index_2.0.json",
        "audio/1960s/Artist/{}/audio.flac",
        "McGill-Billboard/{}/full.lab",
        ("audio", "lab_full"),
        ("salami", "bothchroma", "tuning", "lab_majmin7", "lab_majmin7inv", "lab_majmin", "lab_majmininv"),
    ),
}


def sound(number: int, chords: tuple[tuple[float, float, str], ...] = CHORDS) -> np.ndarray:
    """Sine tones of the chords, with a noise of its own for every number: no two files are the same bytes."""
    rng = np.random.default_rng(number)
    audio = 0.001 * rng.normal(size=round(chords[-1][1] * RATE))
    for start, end, label in chords:
        place = slice(round(start * RATE), round(end * RATE))
        time = np.arange(place.start, place.stop) / RATE
        for key in KEYS[label]:
            audio[place] += 0.1 * np.sin(2 * np.pi * 440 * 2 ** ((key - 69) / 12) * time)
    return audio


def annotation(name: str, chords: tuple[tuple[float, float, str], ...] = CHORDS) -> str:
    """In the format of the data set."""
    if name == "guitarset":
        performed = [{"time": s, "duration": e - s, "value": v, "confidence": None} for s, e, v in chords]
        sheet = [{"time": 0.0, "duration": 2.6, "value": "G:maj", "confidence": None}]
        return json.dumps({"annotations": [{"namespace": "chord", "data": data} for data in (sheet, performed)]})
    space = " " if name == "beatles" else "\t"
    return "".join(f"{s:.6f}{space}{e:.6f}{space}{v}\n" for s, e, v in chords)


def present(name: str) -> list[str]:
    """Two items of every fold of the rotations."""
    split = manifest(name)
    folds: dict[str, list[str]] = {}
    for item, about in split.items.items():
        folds.setdefault(about["fold"], []).append(item)
    used = [item for items in folds.values() for item in items[:2]]
    return [item for item in used if split.side(item, 0)]


def paths(name: str, home: Path, item: str) -> tuple[Path, Path]:
    return home / FORMS[name].audio.format(item), home / FORMS[name].chords.format(item)


def put(name: str, home: Path, item: str, audio: np.ndarray, text: str) -> None:
    heard, noted = paths(name, home, item)
    for path in (heard, noted):
        path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(heard, audio, RATE)
    noted.write_text(text)


def lay_out(name: str, home: Path) -> Path:
    """A few items of a data set as published, and mirdata's index of all of them."""
    form = FORMS[name]
    tracks = {
        item: {
            form.names[0]: [form.audio.format(item), "0"],
            form.names[1]: [form.chords.format(item), "0"],
            **{other: [f"other/{item}.{other}", "0"] for other in form.others},
        }
        for item in manifest(name).items
    }
    home.mkdir(exist_ok=True)
    (home / form.index).write_text(json.dumps({"version": "1", "tracks": tracks}))
    for number, item in enumerate(present(name)):
        put(name, home, item, sound(number), annotation(name))
    return home


@pytest.fixture(scope="module", params=NAMES)
def laid_out(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A data set's name and a folder that has a part of it; not to be changed."""
    return request.param, lay_out(request.param, tmp_path_factory.mktemp("real") / request.param)


@pytest.fixture
def queen(tmp_path: Path) -> Path:
    return lay_out("queen", tmp_path / "queen")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(5))
def test_nothing_of_a_split_is_on_two_sides(name: str, seed: int) -> None:
    split = manifest(name)
    assert leaks(split) == []
    members = split.members(seed)
    for kind in {kind for about in split.items.values() for kind in about} - {"fold"}:
        sides = [{split.items[item][kind] for item in members[side]} for side in SIDES]
        for one, other in combinations(sides, 2):
            assert not one & other, kind


@pytest.mark.parametrize(
    ("name", "items", "sources", "least"),
    [("guitarset", 180, 30, 20), ("beatles", 180, 180, 30), ("queen", 20, 20, 4), ("billboard", 890, 397, 178)],
)
def test_rotations_test_every_item_or_lead_sheet_once(name: str, items: int, sources: int, least: int) -> None:
    split = manifest(name)
    assert len(split.items) == items
    assert len(split.sources) == sources
    tested = [item for turn in range(len(split.rotations)) for item in split.members(turn)["test"]]
    assert len(tested) == len(set(tested))
    assert min(len(split.members(turn)["test"]) for turn in range(len(split.rotations))) == least
    assert {split.items[item]["source"] for item in tested} == set(split.sources)
    if name == "guitarset":
        assert {split.items[item]["player"] for item in tested} == {f"0{n}" for n in range(6)}
    else:
        assert set(tested) == set(split.items)


def test_billboard_keeps_a_singer_alone_and_with_a_band_together() -> None:
    items = manifest("billboard").items.values()
    ross = {about["source"] for about in items if "Diana Ross" in about["artist"]}
    assert len(ross) == 1


def test_a_part_is_used_and_the_rest_is_named(laid_out: tuple[str, Path]) -> None:
    name, home = laid_out
    found = task.data(name, home, "smoke", 0)
    members, here = manifest(name).members(0), set(present(name))
    described = found.manifest["splits"]
    for side in SIDES:
        assert described[side]["songs"] == [item for item in members[side] if item in here]
    gone = [item for side in SIDES for item in members[side] if item not in here]
    audio, noted = FORMS[name].audio, FORMS[name].chords
    assert found.manifest["missing"] == [
        f"{item}: no file {audio.format(item)} and no file {noted.format(item)}" for item in gone
    ]
    json.dumps(found.manifest)


def test_sides_share_no_source_and_the_same_call_gives_the_same(laid_out: tuple[str, Path]) -> None:
    name, home = laid_out
    found, again, other = (task.data(name, home, "smoke", seed) for seed in (0, 0, 1))
    sides = [found.train, found.validation, found.test]
    for one, two in combinations(sides, 2):
        assert not set(one.sources.tolist()) & set(two.sources.tolist())
    assert found.digest == again.digest != other.digest
    rows = torch.arange(0, len(found.train), 7)
    assert torch.equal(found.train.batch(rows).inputs, again.train.batch(rows).inputs)


def test_frames_have_the_chord_that_is_written_and_heard(laid_out: tuple[str, Path]) -> None:
    """The strongest pitch classes of a frame are those of its label, away from the changes."""
    name, home = laid_out
    test = task.data(name, home, "smoke", 0).test
    frames = round(SECONDS / HOP_SECONDS - 0.5)
    middle = (np.arange(frames) + 0.5) * HOP_SECONDS
    expected = np.select([middle < 0.8, middle < 1.7], [NO_CHORD, 0], 12 + 9)
    assert test.targets[:frames].tolist() == expected.tolist()
    patches = test.batch(torch.arange(frames)).inputs[:, 0, :96:2, CONTEXT].reshape(frames, 4, 12).mean(1)
    for when, label in ((1.25, "C:maj"), (2.15, "A:min7")):
        strongest = patches[int(when / HOP_SECONDS)].topk(len(KEYS[label])).indices.tolist()
        assert set(strongest) == {key % 12 for key in KEYS[label]}


def test_a_net_is_trained_and_scored_on_it(queen: Path) -> None:
    from benchmark.training import evaluate, fit

    found = task.data("queen", queen, "smoke", 0)
    torch.manual_seed(0)
    model = task.model("smoke")
    fit(task, model, found, task.training("smoke"), seed=0)
    assert evaluate(task, model, found.test).scores["chords.majmin.wcsr.v1"] > 0.8, "three chords of sines"


def test_the_middle_of_a_long_song_is_taken_with_its_labels(queen: Path) -> None:
    item = manifest("queen").members(0)["test"][0]
    long = ((0.0, 5.0, "N"), (5.0, 10.0, "C:maj"), (10.0, 18.0, "A:min7"))
    put("queen", queen, item, sound(99, long), annotation("queen", long))
    test = task.data("queen", queen, "smoke", 0).test
    frames = round(10 / HOP_SECONDS - 0.5)
    middle = 4.0 + (np.arange(frames) + 0.5) * HOP_SECONDS
    assert test.targets[:frames].tolist() == np.select([middle < 5, middle < 10], [NO_CHORD, 0], 21).tolist()
    whole = task.data("queen", queen, "full", 0)
    assert len(whole.test) - len(test) == int(18 / HOP_SECONDS) - frames


def test_each_thing_that_is_wrong_with_a_file_is_named_and_the_rest_is_used(queen: Path) -> None:
    broken = [item for item in present("queen") if manifest("queen").side(item, 0) == "train"]
    assert len(broken) == 6
    audio, noted = zip(*(paths("queen", queen, item) for item in broken), strict=True)
    audio[0].unlink()
    audio[1].write_bytes(b"")
    audio[2].write_bytes(b"not a recording")
    soundfile.write(audio[3], np.zeros(round(SECONDS * RATE)), RATE)
    noted[4].write_text("0.0\tand so on\n")
    later = [item for item in present("queen") if manifest("queen").side(item, 0) != "train"]
    noted_later = paths("queen", queen, later[0])[1]
    noted_later.write_text("")
    soundfile.write(paths("queen", queen, later[2])[0], sound(5, ((0.0, 9.0, "C:maj"),)), RATE)
    found = task.data("queen", queen, "smoke", 0)
    reasons = dict(line.split(": ", 1) for line in found.manifest["missing"])
    assert reasons[broken[0]] == f"no file {FORMS['queen'].audio.format(broken[0])}"
    assert reasons[broken[1]] == f"{audio[1].name} is empty (0 bytes)"
    assert reasons[broken[2]] == f"{audio[2].name} is not readable as audio"
    assert reasons[broken[3]] == f"{audio[3].name} is silent"
    assert reasons[broken[4]].startswith("its annotation cannot be read (")
    assert reasons[later[0]] == f"{noted_later.name} is empty (0 bytes)"
    assert reasons[later[2]].endswith("lasts 9.0 s and its annotation 2.6 s: another recording")
    assert found.manifest["splits"]["train"]["songs"] == [broken[5]]


def test_one_recording_under_two_names_is_used_under_none(queen: Path) -> None:
    test, train = (next(i for i in present("queen") if manifest("queen").side(i, 0) == s) for s in ("test", "train"))
    shutil.copy(paths("queen", queen, test)[0], paths("queen", queen, train)[0])
    found = task.data("queen", queen, "smoke", 0)
    assert {f"{test}: the same bytes as {train}", f"{train}: the same bytes as {test}"} <= set(
        found.manifest["missing"]
    )
    used = [item for side in found.manifest["splits"].values() for item in side["songs"]]
    assert not {test, train} & set(used)


@pytest.mark.parametrize("label", ["C:maj(99999)", "C#b:maj", ""])
def test_a_label_that_is_no_chord_is_named(queen: Path, label: str) -> None:
    item = manifest("queen").members(0)["test"][0]
    odd = paths("queen", queen, item)[1]
    odd.write_text(odd.read_text().replace("C:maj", label))
    (told,) = [
        line for line in task.data("queen", queen, "smoke", 0).manifest["missing"] if line.startswith(f"{item}:")
    ]
    assert "annotation" in told and repr(label)[1:-1] in told


def test_other_bytes_are_other_data(queen: Path) -> None:
    before = task.data("queen", queen, "smoke", 0).digest
    item = manifest("queen").members(0)["train"][0]
    noted = paths("queen", queen, item)[1]
    noted.write_text(noted.read_text().replace("C:maj", "D:maj"))
    changed = task.data("queen", queen, "smoke", 0).digest
    put("queen", queen, item, sound(77), annotation("queen"))
    assert len({before, changed, task.data("queen", queen, "smoke", 0).digest}) == 3


def test_what_cannot_be_loaded_is_one_line_with_a_way_out(queen: Path, tmp_path: Path) -> None:
    way = r"fetch what can be with: prepare --task TASK --data queen --data-home DIR; put your own CDs as DIR/audio/"
    with pytest.raises(DataError, match=f"queen needs recordings; {way}"):
        task.data("queen", None, "smoke", 0)
    with pytest.raises(DataError, match=f"no folder .*nowhere; {way}"):
        task.data("queen", tmp_path / "nowhere", "smoke", 0)
    for item in manifest("queen").members(0)["validation"]:
        paths("queen", queen, item)[0].unlink(missing_ok=True)
    with pytest.raises(DataError, match=rf"no song of queen in .* to validate on: 8 of 20 are usable \(.*\); {way}"):
        task.data("queen", queen, "smoke", 0)
    (queen / FORMS["queen"].index).write_text(json.dumps({"version": "1", "tracks": {}}))
    with pytest.raises(DataError, match=r"to train on: 0 of 20 are usable \(.*: not in mirdata's index\)"):
        task.data("queen", queen, "smoke", 0)


def as_published(name: str, home: Path) -> Path:
    """The excerpt of a real data set, with its index under the name that mirdata looks for."""
    shutil.copytree(FIXTURES / name, home)
    index = FORMS[name].index
    shutil.copy(FIXTURES / "indexes" / index.replace(".json", "_sample.json"), home / index)
    return home


@needs_fixtures
@pytest.mark.parametrize(
    ("name", "item", "labels", "first"),
    [
        ("guitarset", "03_BN3-119-G_solo", {"G:maj7/1"}, (0.0, 2.0)),
        ("beatles", "0111", {"N", "E:min", "G"}, (0.0, 0.497838)),
        ("queen", "0", {"N", "Bb:maj6", "C:7"}, (0.0, 0.459)),
        ("billboard", "35", {"N", "C:5", "C:7(#9)", "Eb:5"}, (0.0, 0.859138321)),
    ],
)
def test_real_annotations_are_read(
    name: str, item: str, labels: set[str], first: tuple[float, float], tmp_path: Path
) -> None:
    found = mirsets.opened(SETS[name].data, as_published(name, tmp_path / name))
    chords = SETS[name].chords(found.dataset.track(item))
    assert chords.intervals[0].tolist() == pytest.approx(first, abs=1e-9)
    assert labels <= set(chords.labels)
    assert all(songs.readable(label) for label in chords.labels)


@needs_fixtures
def test_a_real_song_has_its_labels_in_time(tmp_path: Path) -> None:
    """Three seconds of a song of Queen: silence, then the first chord."""
    found = mirsets.opened(SETS["queen"].data, as_published("queen", tmp_path / "queen"))
    loaded = real._load(SETS["queen"], found, manifest("queen"), "0", None)
    frames = loaded.song.features.shape[1] - 2 * CONTEXT
    assert frames == int(3.274 / HOP_SECONDS)
    assert loaded.song.labels == tuple("N" if (i + 0.5) * HOP_SECONDS < 0.459 else "Bb:maj6" for i in range(frames))
    assert np.isfinite(loaded.song.features).all() and loaded.song.features.std() > 0.1


@needs_fixtures
@pytest.mark.parametrize(
    ("name", "item", "reason"),
    [
        ("guitarset", "00_BN1-129-Eb_comp", "no file audio_mono-mic/00_BN1-129-Eb_comp_mic.wav"),
        ("beatles", "0111", "lasts 2.0 s and its annotation"),
        ("billboard", "3", "another recording"),
    ],
)
def test_excerpts_that_are_cut_short_are_told_from_songs(name: str, item: str, reason: str, tmp_path: Path) -> None:
    """They have seconds of audio for an annotation of minutes: no data set, and each file is accounted for."""
    home = as_published(name, tmp_path / name)
    found = mirsets.opened(SETS[name].data, home)
    with pytest.raises(real.UnusableError, match=reason):
        real._load(SETS[name], found, manifest(name), item, None)
    with pytest.raises(DataError, match=f"no song of {name} .* to train on: 0 of"):
        task.data(name, home, "smoke", 0)
