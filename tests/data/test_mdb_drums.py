"""MDB Drums: the published layout and halves, and annotations with their slips."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.data import mdb_drums, splits
from benchmark.data.mdb_drums import CLASSES, manifest, songs, strokes
from benchmark.data.recordings import UnusableError
from benchmark.errors import DataError

TEST_HALF = {
    *("Beatles", "Country1", "FreeJazz", "Gospel", "Grunge", "Hendrix", "LatinJazz", "ModalJazz", "Punk"),
    *("SpeedMetal", "SwingJazz"),
}
"""Of MIREX 2017."""


def test_even_seeds_test_on_the_published_half() -> None:
    split = manifest()
    assert len(split.items) == 23 and splits.leaks(split) == []
    assert set(split.members(0)["test"]) == set(split.members(2)["test"]) == TEST_HALF
    assert set(split.members(1)["test"]) == set(split.items) - TEST_HALF


def test_other_pairs_of_seeds_validate_on_other_songs() -> None:
    held = [set(manifest().members(seed)["validation"]) for seed in (0, 2, 4, 6)]
    assert set.union(*held) == set(manifest().items) - TEST_HALF and sum(map(len, held)) == 12


def test_the_split_is_as_it_was() -> None:
    """Results name it: a change of it makes them another benchmark's."""
    assert manifest().members(0)["validation"] == ["Rock", "Shadows", "Disco"]
    assert manifest().members(1)["validation"] == ["Beatles", "Punk", "LatinJazz"]


def test_the_folder_may_be_named_itself(tmp_path: Path) -> None:
    (tmp_path / "MDB Drums" / "annotations" / "class").mkdir(parents=True)
    found = songs(tmp_path)
    assert found == songs(tmp_path / "MDB Drums") and list(found) == list(manifest().items)
    names = [path.relative_to(tmp_path).as_posix() for path in (found["Rock"].audio, found["Rock"].annotation)]
    assert names == [
        "MDB Drums/audio/drum_only/MusicDelta_Rock_Drum.wav",
        "MDB Drums/annotations/class/MusicDelta_Rock_class.txt",
    ]


def test_no_folder_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"needs recordings; get MDB Drums from .* DIR/MDB Drums/audio"):
        songs(None)
    with pytest.raises(DataError, match=r"no MDB Drums in .*absent; get MDB Drums"):
        songs(tmp_path / "absent")
    assert mdb_drums.DATA.layout.startswith("get MDB Drums from github.com")


def test_strokes_are_sorted_and_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("2.5 \t KD \n\n1.0 KD\n2.5 KD\n3 CY\n0.25\tHH\n")
    found = strokes(path)
    assert tuple(found) == CLASSES
    assert {name: times.tolist() for name, times in found.items() if len(times)} == {
        "KD": [1.0, 2.5],
        "HH": [0.25],
        "CY": [3.0],
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"x\.txt is empty"),
        ("0.5 KD\n0.7 XX\n", "annotation line 2 is not `seconds class`: '0.7 XX'"),
        ("0.5 KD\nKD\n", "annotation line 2 is not `seconds class`: 'KD'"),
        ("-0.5 KD\n", "annotation line 1 is not a time: '-0.5 KD'"),
        ("nan KD\n", "annotation line 1 is not a time: 'nan KD'"),
    ],
)
def test_what_is_no_annotation_is_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text)
    with pytest.raises(UnusableError, match=reason):
        strokes(path)
    with pytest.raises(UnusableError, match=r"no file none\.txt"):
        strokes(tmp_path / "none.txt")
