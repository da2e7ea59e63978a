"""Single notes by the name of a data set: how many, how long."""

import pytest

from benchmark.data import single_notes


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path))


def test_a_profile_says_how_many_notes_and_how_long():
    held = single_notes.load("rendered", None, "smoke", 0)
    assert {side: len(notes.audio) for side, notes in held.tones.items()} == single_notes.NOTES["smoke"]
    assert held.tones["test"].audio.shape[1] == 0.5 * 16_000


def test_a_task_may_train_on_more_and_on_shorter_ones_of_the_same_sources():
    few = single_notes.load("rendered", None, "smoke", 0, 0.125)
    more = single_notes.load("rendered", None, "smoke", 0, 0.125, 2 * single_notes.NOTES["smoke"]["train"])
    assert len(more.tones["train"].audio) == 2 * len(few.tones["train"].audio)
    assert more.tones["train"].audio.shape[1] == 2000
    assert set(more.tones["train"].sources) == set(few.tones["train"].sources)
    assert more.tones["test"].digest() == few.tones["test"].digest()
    assert more.digest != few.digest
    assert more.facts["licence"] == single_notes.RENDERED.licence
