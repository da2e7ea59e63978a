"""Whether recordings are enough, and what is said where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.data.clips import Clip
from benchmark.data.sides import Recording, checked
from benchmark.data.splits import Side
from benchmark.errors import DataError
from benchmark.task import DataSet

DATA = DataSet("made", "by hand", "none", needs_home=True, layout="put it into DIR")
KINDS = ("low", "high")


def recording(name: str, *counts: int, digest: str = "") -> Recording:
    """With so many events of each kind; its source is the first letter of its name."""
    clip = Clip(np.zeros((9, 64), np.float16), tuple(np.arange(count, dtype=float) for count in counts), ord(name[0]))
    return Recording(name, name[0], clip, digest or f"digest of {name}")


def used(**changed: list[Recording]) -> dict[Side, list[Recording]]:
    sides: dict[Side, list[Recording]] = {
        "train": [recording("a1", 2, 0), recording("a2", 0, 1)],
        "validation": [recording("b1", 1, 1)],
        "test": [recording("c1", 0, 0)],
    }
    return sides | changed  # type: ignore[operator]


def test_what_is_enough_is_given_back_and_described() -> None:
    found = checked(used(), ["d1: no file"], DATA, KINDS)
    assert found.missing == ("d1: no file",)
    assert {side: [clip.source for clip in clips] for side, clips in found.clips().items()} == {
        "train": [97, 97],
        "validation": [98],
        "test": [99],
    }
    assert found.about()["train"] == {
        "recordings": ["a1", "a2"],
        "source names": ["a"],
        "audio": ["digest of a1", "digest of a2"],
    }


def test_a_sound_under_two_names_is_on_no_side() -> None:
    sides = used(test=[recording("c1", 1, 1), recording("c2", 1, 1, digest="digest of a2")])
    sides["train"].append(recording("a3", 0, 1))
    found = checked(sides, [], DATA, KINDS)
    assert found.missing == ("a2: the same recording as c2", "c2: the same recording as a2")
    assert [one.name for one in found.used["train"]] == ["a1", "a3"]
    assert [one.name for one in found.used["test"]] == ["c1"]


@pytest.mark.parametrize(("side", "purpose"), [("train", "train"), ("validation", "validate"), ("test", "test")])
def test_a_side_without_recordings_is_refused(side: str, purpose: str) -> None:
    left = 4 - len(used()[side])  # type: ignore[index]
    said = rf"no recording of made to {purpose} on: {left} usable, 2 missing \(d1: no file\); put it into DIR"
    with pytest.raises(DataError, match=said):
        checked(used(**{side: []}), ["d1: no file", "d2: silent"], DATA, KINDS)


def test_recordings_that_train_need_every_kind_of_event() -> None:
    with pytest.raises(DataError, match="the recordings of made to train on have no high; put it into DIR"):
        checked(used(train=[recording("a1", 2, 0)]), [], DATA, KINDS)
