"""Single notes by folder: what a name says, what is wrong with it, and whole instruments held out."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.data.philharmonia import INSTRUMENTS
from benchmark.errors import DataError
from tasks.pitch import labels, philharmonia, task
from tasks.pitch.labels import comb
from tasks.pitch.model import RATE
from tasks.pitch.philharmonia import FOLDS, corrections, excerpt, scan
from tasks.pitch.recordings import HOP

REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "philharmonia"
NOTES = ("A3", "Cs4", "E4")
KEYS = (57, 61, 64)


def tone(hertz: float, seconds: float = 1.0, partials: int = 8, only: int = 1) -> np.ndarray:
    """Partials of 1/k, every `only`-th of them, with a tenth of a second of silence on each side."""
    time = np.arange(round(seconds * RATE)) / RATE
    numbers = range(only, partials * only + 1, only)
    sound = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in numbers if hertz * k < RATE / 2)
    return np.pad(0.2 * sound, RATE // 10)


def name(instrument: str, note: str, duration: str = "1", how: str = "normal") -> str:
    """With a loudness that no published file has: the published list is not about these."""
    return f"audio/{instrument}/{instrument}_{note}_{duration}_rendered_{how}.mp3"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three notes of every instrument, each at its own level so that no two files are the same."""
    for turn, instrument in enumerate(INSTRUMENTS):
        for note, key in zip(NOTES, KEYS, strict=True):
            path = tmp_path / name(instrument.replace(" ", "-"), note)
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, tone(440 * 2 ** ((key - 69) / 12)) * (1 - turn / 20), RATE, format="MP3")
    return tmp_path


def sides(found: object) -> list[set[int]]:
    return [set(getattr(found, side).sources.tolist()) for side in ("train", "validation", "test")]


@pytest.mark.parametrize("seed", range(4))
def test_whole_instruments_are_held_out(folder: Path, seed: int) -> None:
    found = task.data("philharmonia", folder, "smoke", seed)
    here = sides(found)
    assert [len(side) for side in here] == [6, 2, 4]
    assert not any(one & other for one, other in combinations(here, 2))
    assert found.manifest["missing"] == []
    json.dumps(found.manifest)
    assert found.digest == task.data("philharmonia", folder, "smoke", seed).digest


def test_every_instrument_is_in_one_fold() -> None:
    assert len(INSTRUMENTS) == sum(map(len, FOLDS)) == 12
    tests = [set(FOLDS[2 * seed] + FOLDS[2 * seed + 1]) for seed in range(3)]
    assert set.union(*tests) == set(INSTRUMENTS)


def test_a_note_has_its_pitch_where_it_is_loud_and_is_not_asked_for_where_it_dies_away(tmp_path: Path) -> None:
    """60 dB down in a second, after a tenth of silence: 20 dB are gone at 0.43 s and 50 dB at 0.93 s."""
    sound = tone(220.0)
    sound *= 10 ** (-3 * (np.arange(len(sound)) / RATE - 0.1))
    soundfile.write(tmp_path / "a.mp3", sound, RATE, format="MP3")
    audio, hertz = excerpt(tmp_path / "a.mp3", 220.0)
    assert len(audio) == len(hertz) * HOP
    assert (hertz[:8] == 0).all()
    assert (hertz[13:41] == 220).all()
    assert np.isnan(hertz[46:90]).all()
    assert (hertz[97:] == 0).all()


def test_rows_are_the_notes_of_the_names(folder: Path) -> None:
    found = task.data("philharmonia", folder, "full", 0).test
    assert np.isfinite(found.hertz).all()
    pitches = found.hertz[found.hertz > 0]
    assert set(np.rint(69 + 12 * np.log2(pitches / 440)).astype(int).tolist()) == set(KEYS)


def test_a_correction_moves_the_truth_and_an_exclusion_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tmp_path / "listed.csv"
    wrong, sharp = Path(name("flute", "E4")).name, Path(name("flute", "A3")).name
    listed.write_text(f"file,cents,reason\n{wrong},,sounds an octave below its name\n{sharp},40,sharp\n")
    monkeypatch.setattr(philharmonia, "CORRECTIONS", listed)
    (clips, *_), facts = philharmonia.load(folder, range(len(FOLDS)), None)
    assert facts["missing"] == [f"{wrong}: sounds an octave below its name"]
    assert facts["corrected_cents"] == {sharp: 40.0}
    (_, flute, *_), _ = philharmonia.load(folder, range(len(FOLDS)), None)
    ours = np.unique(flute.hertz[np.isfinite(flute.hertz) & (flute.hertz > 0)])
    assert pytest.approx(ours[np.argmin(np.abs(ours - 225))], abs=1e-2) == 220 * 2 ** (40 / 1200)
    assert len(clips.lengths) == 6 and len(flute.lengths) == 5


def test_what_cannot_be_used_is_counted_and_named(folder: Path) -> None:
    oboe = folder / "audio" / "oboe"
    (oboe / "oboe_G4_1_rendered_normal.mp3").touch()
    (oboe / "oboe-G4.mp3").write_bytes(b"x")
    (oboe / "flute_G4_1_rendered_normal.mp3").write_bytes(b"y")
    (oboe / "oboe_C1_1_rendered_normal.mp3").write_bytes((oboe / "oboe_A3_1_rendered_normal.mp3").read_bytes())
    (folder / name("contrabassoon", "As0")).write_bytes(b"z")
    (folder / name("flute", "C7")).write_bytes(b"w")
    (folder / name("cello", "G4")).write_bytes(b"no mp3")
    notes, missing = scan(folder)
    said = "\n".join(missing)
    assert "oboe_G4_1_rendered_normal.mp3 is empty (0 bytes)" in said
    assert "oboe-G4.mp3: not named" in said and "flute_G4_1_rendered_normal.mp3: not named" in said
    assert said.count("the same bytes as a file of another note") == 2
    assert "contrabassoon_As0_1_rendered_normal.mp3: beyond the bins" in said
    assert "flute_C7_1_rendered_normal.mp3: beyond the bins" in said
    assert len(missing) == 7 and len(notes) == 12 * 3 - 1 + 1
    found = task.data("philharmonia", folder, "full", 0)
    assert len(found.manifest["missing"]) == 8
    assert any("cello_G4" in line and "cannot be decoded" in line for line in found.manifest["missing"])


def test_other_lengths_and_ways_of_playing_are_not_of_the_set(folder: Path) -> None:
    for other in (name("oboe", "G4", "long"), name("oboe", "G4", "1", "staccato"), "audio/guitar/guitar_G4_1_x_y.mp3"):
        (folder / other).parent.mkdir(exist_ok=True)
        (folder / other).write_bytes(b"never opened")
    assert [len(scan(folder)[0]), scan(folder)[1]] == [36, []]


def test_what_is_absent_is_one_line_with_a_way_out(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"needs recordings; download the sound samples"):
        task.data("philharmonia", None, "smoke", 0)
    with pytest.raises(DataError, match=r"no folder .*nowhere; download"):
        task.data("philharmonia", tmp_path / "nowhere", "smoke", 0)
    for path in (folder / "audio" / "flute").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"no usable recording of flute; download"):
        task.data("philharmonia", folder, "smoke", 0)


@pytest.mark.parametrize("hertz", [65.4, 220.0, 1046.5])
def test_the_comb_finds_how_far_a_note_is_off(hertz: float) -> None:
    for cents in (-60, 0, 35):
        found = comb(tone(hertz * 2 ** (cents / 1200)), hertz)
        assert found.cents == pytest.approx(cents, abs=5)
        assert not found.problem


def test_the_comb_tells_octaves() -> None:
    assert "an octave below" in comb(tone(220.0), 440.0).problem
    assert "an octave above" in comb(tone(440.0), 220.0).problem
    assert "off its name" in comb(tone(220.0 * 2 ** (100 / 1200)), 220.0).problem
    odd = sum(tone(220.0 * k, partials=1) / k for k in (1, 3, 5, 7))
    assert not comb(odd, 220.0).problem, "a clarinet's low notes have few even partials"


def test_the_list_is_written_from_a_folder(folder: Path, tmp_path: Path) -> None:
    path = folder / name("trombone", "A3")
    soundfile.write(path, tone(110.0), RATE, format="MP3")
    out = tmp_path / "list.csv"
    assert labels.main(["--data-home", str(folder), "--out", str(out)]) == 0
    lines = out.read_text().splitlines()
    assert lines[0] == "file,cents,reason"
    assert len(lines) == 2 and lines[1].startswith(f"{path.name},,sounds an octave below its name")


def test_the_published_list_is_sound() -> None:
    cents, unusable = corrections()
    assert not set(cents) & set(unusable)
    assert all(labels.TELLS <= abs(value) < labels.SEARCH for value in cents.values())
    assert all(unusable.values())


@pytest.mark.skipif(not REAL.is_dir(), reason="the recordings are not beside the repository")
def test_the_published_list_is_what_the_comb_says() -> None:
    """Of every sixtieth recording."""
    cents, unusable = corrections()
    notes = scan(REAL)[0][::60]
    said = {note.path.name: labels.row(note) for note in notes}
    listed = {n: found for n, found in said.items() if found}
    assert set(listed) == {n for n in said if n in cents or n in unusable}
    assert all(float(found[1]) == cents[n] for n, found in listed.items() if found[1])
