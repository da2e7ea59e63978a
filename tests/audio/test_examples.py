"""Files to hear: what is written is what was generated, and levels that are off are said."""

from __future__ import annotations

import hashlib
import math

import pytest
import soundfile
import torch

from benchmark.audio.anchors import mean_spectrum, scored
from benchmark.audio.examples import write_examples
from benchmark.errors import BenchError

RATE = 16_000


def sine(amplitude: float) -> torch.Tensor:
    return amplitude * torch.sin(2 * math.pi * 440 * torch.arange(RATE) / RATE)


def test_what_is_written_is_what_was_generated(tmp_path):
    written = write_examples(tmp_path / "new" / "round-00", {"0003": sine(0.5), "soft": sine(0.01)}, RATE)
    assert [example.path for example in written] == ["0003.flac", "soft.flac"]
    heard, rate = soundfile.read(tmp_path / "new" / "round-00" / "0003.flac")
    assert rate == RATE and abs(heard - sine(0.5).numpy()).max() <= 2**-15
    content = (tmp_path / "new" / "round-00" / "0003.flac").read_bytes()
    assert written[0].sha256 == hashlib.sha256(content).hexdigest()
    assert written[0].peak == pytest.approx(-6.02, abs=0.02) and written[0].rms == pytest.approx(-9.03, abs=0.02)
    assert written[1].peak == pytest.approx(-40, abs=0.05) and written[1].entry()["clipped"] == 0


def test_the_same_sound_is_the_same_file(tmp_path):
    first, second = (write_examples(tmp_path / name, {"a": sine(0.3)}, RATE) for name in ("one", "two"))
    assert first == second


def test_a_few_clipped_samples_are_counted(tmp_path):
    audio = sine(0.9)
    audio[100:110] = 1.5
    (written,) = write_examples(tmp_path, {"a": audio}, RATE)
    assert written.clipped == 10 and written.peak > 0
    assert soundfile.read(tmp_path / "a.flac")[0].max() <= 1


@pytest.mark.parametrize("bad", [torch.full((100,), math.nan), torch.zeros(2, 100), torch.zeros(0)])
def test_what_is_no_sound_is_an_error(tmp_path, bad):
    with pytest.raises(BenchError, match="example 'a' is not a sound"):
        write_examples(tmp_path, {"a": bad}, RATE)


def test_a_net_that_is_out_of_control_is_an_error(tmp_path):
    with pytest.raises(BenchError, match=r"clipped in \d+% of its samples"):
        write_examples(tmp_path, {"a": sine(3.0)}, RATE)


def test_the_mean_spectrum_has_the_colour_and_level_of_the_notes():
    low = torch.stack([sine(a) for a in (0.1, 0.2, 0.4)])
    reference = sine(0.05).unsqueeze(0)
    made = mean_spectrum(low, reference)
    assert made.shape == reference.shape
    assert float(made.square().mean()) == pytest.approx(float(reference.square().mean()), rel=1e-3)
    power = torch.fft.rfft(made[0]).abs().square()
    assert power[380:500].sum() / power.sum() > 0.95
    white = torch.randn(reference.shape, generator=torch.Generator().manual_seed(0)) * 0.035
    assert scored(made, reference, RATE)["mss"] < scored(white, reference, RATE)["mss"] / 2
