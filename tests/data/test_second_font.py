"""Finding a second sound font: the person's choice, then the places of distributions, else how to install it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.data.second_font import PLACES, VARIABLE, has_second_font, second_font
from benchmark.data.soundfont import font
from benchmark.errors import DataError


@pytest.fixture(autouse=True)
def no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_the_first_place_that_has_one_is_taken(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("one.sf2", "two.sf2", "three.sf2")]
    for place in places[1:]:
        place.touch()
    assert second_font(places) == places[1]


def test_the_persons_own_comes_before_all_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.sf2").touch()
    (tmp_path / "place.sf2").touch()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "own.sf2"))
    assert second_font([tmp_path / "place.sf2"]) == tmp_path / "own.sf2"
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone.sf2"))
    with pytest.raises(DataError, match=f"{VARIABLE} names .*gone.sf2, which is not a file"):
        second_font([tmp_path / "place.sf2"])


def test_without_one_the_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"install fluid-soundfont-gm .* or name the file in TRIMBENCH_SECOND_FONT"):
        second_font([tmp_path / "none.sf2"])
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none.sf2"))
    assert not has_second_font()


@pytest.mark.skipif(not any(place.is_file() for place in PLACES), reason="FluidR3 is not installed")
def test_it_is_another_font_than_the_default_with_all_of_general_midi() -> None:
    other = font(second_font())
    assert other.digest != font().digest
    assert {(0, program) for program in range(128)} <= set(other.presets)
