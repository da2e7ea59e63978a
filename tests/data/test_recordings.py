"""Reading recordings: what is heard is what was written, and whatever cannot be used is named with its reason."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.data.recordings import UnusableError, annotated, content, digest, mono, same_bytes, seconds, sort_out

RATE = 16_000


def tone(hertz: float, rate: int, length: float = 1.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(length * rate)) / rate)


def write(path: Path, audio: np.ndarray, rate: int = RATE) -> Path:
    soundfile.write(path, audio, rate, subtype="FLOAT" if path.suffix == ".wav" else None)
    return path


def test_a_file_at_the_wanted_rate_is_what_was_written(tmp_path: Path) -> None:
    audio = tone(440, RATE).astype(np.float32)
    heard = mono(write(tmp_path / "a.wav", audio), RATE)
    assert heard.dtype == np.float32
    assert np.array_equal(heard, audio)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = tone(440, RATE).astype(np.float32), tone(660, RATE).astype(np.float32)
    heard = mono(write(tmp_path / "a.wav", np.stack([left, right], 1)), RATE)
    assert np.array_equal(heard, (left + right) / np.float32(2))


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_another_rate_is_resampled_and_nothing_moves(tmp_path: Path, suffix: str) -> None:
    heard = mono(write(tmp_path / f"a{suffix}", tone(440, 44_100), 44_100), RATE)
    assert len(heard) == pytest.approx(RATE, abs=0.06 * RATE)
    inner = slice(RATE // 4, 3 * RATE // 4)
    difference = heard[inner] - tone(440, RATE)[inner]
    # A lossy codec may be late by its frame; then the tone is the same and its phase is not.
    limit = 1e-3 if suffix in (".wav", ".flac") else 1.1
    assert np.abs(difference).max() < limit
    spectrum = np.abs(np.fft.rfft(heard[inner]))
    assert np.argmax(spectrum) * RATE / (RATE // 2) == 440


def test_a_part_is_what_is_there_in_the_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(440, RATE, 2.0))
    whole = mono(path, RATE)
    assert np.array_equal(mono(path, RATE, 0.5, 1.0), whole[RATE // 2 : 3 * RATE // 2])
    assert np.array_equal(mono(path, RATE, 1.5, 9.0), whole[3 * RATE // 2 :])


def test_its_length_is_known_without_reading_it(tmp_path: Path) -> None:
    assert seconds(write(tmp_path / "a.wav", tone(440, RATE, 1.25))) == 1.25


@pytest.mark.parametrize(
    ("name", "audio", "reason"),
    [
        ("zeros.wav", np.zeros(100), r"zeros\.wav is silent"),
        ("none.wav", np.zeros(0), r"none\.wav is silent"),
        ("nan.wav", np.array([0.1, np.nan]), r"nan\.wav holds values that are not numbers"),
        ("inf.wav", np.array([0.1, -np.inf]), r"inf\.wav holds values that are not numbers"),
    ],
)
def test_audio_without_sound_is_named(tmp_path: Path, name: str, audio: np.ndarray, reason: str) -> None:
    with pytest.raises(UnusableError, match=reason):
        mono(write(tmp_path / name, audio), RATE)


def test_a_part_beyond_the_end_is_silent(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="is silent"):
        mono(write(tmp_path / "a.wav", tone(440, RATE)), RATE, start=5.0)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for read in (lambda path: mono(path, RATE), seconds, digest, content):
        with pytest.raises(UnusableError, match=r"^no file gone\.wav$"):
            read(tmp_path / "gone.wav")
        (tmp_path / "empty.wav").touch()
        with pytest.raises(UnusableError, match=r"^empty\.wav is empty \(0 bytes\)$"):
            read(tmp_path / "empty.wav")
        (tmp_path / "folder.wav").mkdir(exist_ok=True)
        with pytest.raises(UnusableError, match=r"^folder\.wav cannot be opened \(Is a directory\)$"):
            read(tmp_path / "folder.wav")
    (tmp_path / "junk.wav").write_bytes(b"RIFF but no wave")
    for read in (lambda path: mono(path, RATE), seconds):
        with pytest.raises(UnusableError, match=r"^junk\.wav is not readable as audio$"):
            read(tmp_path / "junk.wav")


def test_a_digest_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"bytes")
    assert digest(tmp_path / "a") == hashlib.sha256(b"bytes").hexdigest()
    assert content(tmp_path / "a") == b"bytes"


def test_what_is_usable_is_kept_and_the_rest_is_listed() -> None:
    def load(name: str) -> int:
        if name == "b":
            raise UnusableError("no file b.wav")
        return len(name)

    assert sort_out(["aa", "b", "c"], load) == ({"aa": 2, "c": 1}, ["b: no file b.wav"])
    with pytest.raises(ZeroDivisionError):
        sort_out(["a"], lambda name: 1 // 0)


def test_bytes_under_two_names_are_found_from_both_sides() -> None:
    assert same_bytes({"a": "1", "b": "2", "c": "1", "d": "1"}) == {"a": "c", "c": "a", "d": "a"}
    assert same_bytes({"a": "1", "b": "2"}) == {}


def torn() -> float:
    raise EOFError


def test_what_a_library_raises_over_an_annotation_is_the_files_fault() -> None:
    assert annotated(lambda: [1.0]) == [1.0]
    with pytest.raises(
        UnusableError, match=r"^its annotation cannot be read \(could not convert string to float: 'a'\)$"
    ):
        annotated(lambda: float("a"))
    with pytest.raises(UnusableError, match=r"^its annotation cannot be read \(EOFError\)$"):
        annotated(torn)
    with pytest.raises(ZeroDivisionError):
        annotated(lambda: 1 / 0)
