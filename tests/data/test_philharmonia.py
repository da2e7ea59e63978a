"""The Philharmonia's folder: names, what is wrong with files, and what is there by right and is not used."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.data.philharmonia import INSTRUMENTS, Note, parse, scan
from benchmark.errors import DataError

REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "philharmonia"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the recordings are not beside the repository")


@pytest.mark.parametrize(
    ("name", "instrument", "midi", "duration", "articulation"),
    [
        ("oboe_A4_15_forte_normal.mp3", "oboe", 69, "15", "normal"),
        ("double-bass_As3_1_molto-pianissimo_arco-normal.mp3", "double bass", 58, "1", "arco-normal"),
        ("english-horn_Fs3_1_piano_normal.mp3", "cor anglais", 54, "1", "normal"),
        ("contrabassoon_As0_15_forte_normal.mp3", "contrabassoon", 22, "15", "normal"),
        ("cello_C2_very-long_cresc-decresc_arco-normal.mp3", "cello", 36, "very-long", "arco-normal"),
    ],
)
def test_names_are_read(name: str, instrument: str, midi: int, duration: str, articulation: str) -> None:
    parsed = parse(name)
    assert parsed is not None
    assert parsed.note == Note(instrument, midi)
    assert (parsed.duration, parsed.articulation) == (duration, articulation)
    assert str(parsed.note) == name.split("_")[1]


@pytest.mark.parametrize(
    "name",
    [
        "oboe_H4_15_forte_normal.mp3",
        "oboe_A_15_forte_normal.mp3",
        "oboe_Ab4_15_forte_normal.mp3",
        "oboe_A4_15_forte.mp3",
        "oboe_A4_15_forte_normal.wav",
        "._oboe_A4_15_forte_normal.mp3",
        "snare-drum__025_forte_with-snares.mp3",
    ],
)
def test_other_names_are_not(name: str) -> None:
    assert parse(name) is None


def test_sources_tell_all_notes_apart() -> None:
    notes = [Note(name, midi) for name in INSTRUMENTS for midi in range(12, 128)]
    assert len({note.source for note in notes}) == len(notes)


def test_a_note_has_the_pitch_of_its_name() -> None:
    assert Note("oboe", 69).hertz == 440 and Note("cello", 45).hertz == pytest.approx(110)


def test_files_are_sorted_out_by_name_and_bytes(tmp_path: Path) -> None:
    """Nothing is decoded: any bytes will do."""
    files = {
        "oboe/oboe_A4_1_forte_normal.mp3": b"a",
        "oboe/oboe_A4_15_forte_normal.mp3": b"a",
        "oboe/oboe_B4_1_forte_normal.mp3": b"b",
        "cor anglais/english-horn_B4_1_forte_normal.mp3": b"b",
        "oboe/oboe_C5_1_forte_normal.mp3": b"",
        "oboe/flute_D5_1_forte_normal.mp3": b"d",
        "oboe/oboe_E5_phrase_forte_normal.mp3": b"e",
        "oboe/oboe_F5_1_forte_vibrato.mp3": b"f",
        "guitar/guitar_A4_1_forte_normal.mp3": b"g",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    found = scan(tmp_path)
    assert [r.label for r in found.recordings] == [
        "oboe/oboe_A4_15_forte_normal.mp3",
        "oboe/oboe_A4_1_forte_normal.mp3",
    ]
    assert found.files == 8
    assert found.missing == (
        "oboe/flute_D5_1_forte_normal.mp3: not named <instrument>_<note>_<duration>_<dynamics>_<articulation>.mp3"
        " after its folder",
        "oboe/oboe_C5_1_forte_normal.mp3: oboe_C5_1_forte_normal.mp3 is empty (0 bytes)",
        "cor anglais/english-horn_B4_1_forte_normal.mp3: the same bytes as a file of another note",
        "oboe/oboe_B4_1_forte_normal.mp3: the same bytes as a file of another note",
    )
    assert found.not_used == {"instruments": ["guitar"], "durations": {"phrase": 1}, "articulations": {"vibrato": 1}}


def test_an_absent_home_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"needs recordings; download .* put them as DIR/audio/<instrument>/"):
        scan(None)
    with pytest.raises(DataError, match=r"no folder .*nowhere; download"):
        scan(tmp_path / "nowhere")
    (tmp_path / "audio" / "oboe").mkdir(parents=True)
    with pytest.raises(DataError, match=r"no mp3 in .*audio/<instrument>/; download"):
        scan(tmp_path)


@needs_real
def test_the_real_folder() -> None:
    folder = scan(REAL)
    assert folder.files == 3914
    assert len({recording.note for recording in folder.recordings}) == 516
    assert folder.missing[0].startswith("saxophone/saxophone_Fs3_15_fortissimo_normal.mp3: ")
    # One French horn recording also lies there as an oboe.
    assert [line.split(":")[0] for line in folder.missing[1:]] == [
        "french horn/french-horn_E2_1_fortissimo_normal.mp3",
        "oboe/oboe_E6_15_mezzo-forte_normal.mp3",
    ]
    assert len(folder.recordings) == 3911
