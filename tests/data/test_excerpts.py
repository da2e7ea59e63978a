"""Parts of recordings: what is read of a file, by which rate, known by what, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.data.excerpts import Excerpt, excerpt
from benchmark.data.logmel import LogMel
from benchmark.data.recordings import UnusableError

RATE = 8000
MEL = LogMel(RATE, hop=80, lowest=30.0, highest=4000.0, window=512)
SOUND = np.random.default_rng(0).integers(-9000, 9000, (2 * RATE, 2)).astype(np.int16)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sound.wav"
    soundfile.write(path, SOUND, RATE)
    return path


def test_the_whole_file_is_read_as_stored(file: Path) -> None:
    found = excerpt(file)
    assert found.rate == RATE and found.seconds == 2
    assert np.array_equal(found.samples * 32768, SOUND)
    assert found.mono(RATE) == pytest.approx(SOUND.mean(1) / 32768, abs=1e-6)


@pytest.mark.parametrize(
    ("start", "length", "first", "last"),
    [(0.5, 1.0, 4000, 12_000), (1.5, 2.0, 12_000, 16_000), (0.0, 0.25, 0, 2000), (0.25, None, 2000, 16_000)],
)
def test_a_part_is_cut_out(file: Path, start: float, length: float | None, first: int, last: int) -> None:
    assert np.array_equal(excerpt(file, start, length).samples * 32768, SOUND[first:last])


def test_another_rate_is_the_same_sound(file: Path) -> None:
    time = np.arange(2 * RATE) / RATE
    tone = Excerpt(np.sin(2 * np.pi * 440 * time).astype(np.float32)[:, None], RATE)
    at_double = tone.mono(2 * RATE)
    expected = np.sin(2 * np.pi * 440 * np.arange(4 * RATE) / (2 * RATE))
    assert at_double.shape == (4 * RATE,)
    assert at_double[2000:-2000] == pytest.approx(expected[2000:-2000], abs=1e-3)


@pytest.mark.parametrize(("name", "subtype"), [("a.flac", "PCM_16"), ("a.wav", "PCM_24"), ("b.wav", "FLOAT")])
def test_the_digest_is_of_what_is_heard_whatever_holds_it(file: Path, name: str, subtype: str) -> None:
    soundfile.write(file.with_name(name), SOUND / 32768, RATE, subtype=subtype)
    assert excerpt(file.with_name(name)).digest == excerpt(file).digest
    assert excerpt(file.with_name(name), 1.0).digest == excerpt(file, 1.0).digest


def test_other_sounds_have_other_digests(file: Path) -> None:
    samples = excerpt(file).samples
    other = samples.copy()
    other[7, 1] += 2.0**-15
    digests = {
        Excerpt(*what).digest
        for what in ((samples, RATE), (samples, RATE + 1), (other, RATE), (samples[:-1], RATE), (samples[:, :1], RATE))
    }
    assert len(digests) == 5


def test_frames_are_made_once(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path / "cache"))
    found = excerpt(file)
    frames = found.frames(MEL)
    assert np.array_equal(frames, MEL.frames(found.mono(RATE)))
    monkeypatch.setattr(LogMel, "frames", lambda self, audio: pytest.fail("made again"))
    assert np.array_equal(excerpt(file).frames(MEL), frames)
    with pytest.raises(pytest.fail.Exception, match="made again"):
        found.frames(LogMel(RATE, hop=100, lowest=30.0, highest=4000.0, window=512))


def test_what_cannot_be_heard_is_refused(file: Path) -> None:
    with pytest.raises(UnusableError, match=r"no file other\.wav"):
        excerpt(file.with_name("other.wav"))
    with pytest.raises(UnusableError, match=r"sound\.wav is silent"):
        excerpt(file, 2.5)
    soundfile.write(file, np.zeros(RATE), RATE)
    with pytest.raises(UnusableError, match=r"sound\.wav is silent"):
        excerpt(file)
    soundfile.write(file, np.array([0.5, np.nan]), RATE, subtype="FLOAT")
    with pytest.raises(UnusableError, match=r"sound\.wav holds values that are not numbers"):
        excerpt(file)
    file.write_bytes(b"RIFF0000WAVE")
    with pytest.raises(UnusableError, match=r"sound\.wav is not readable as audio"):
        excerpt(file)
    file.write_bytes(b"")
    with pytest.raises(UnusableError, match=r"sound\.wav is empty \(0 bytes\)"):
        excerpt(file)
