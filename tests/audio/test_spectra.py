"""Spectra and loudness of sounds whose numbers are known."""

from __future__ import annotations

import math

import librosa
import numpy as np
import pytest
import torch

from benchmark.audio.loudness import FLOOR, a_weights, loudness
from benchmark.audio.spectra import magnitudes

RATE = 16_000


def sine(hertz: float, amplitude: float = 1.0, samples: int = RATE) -> torch.Tensor:
    time = torch.arange(samples, dtype=torch.float64) / RATE
    return (amplitude * torch.sin(2 * math.pi * hertz * time)).float().unsqueeze(0)


@pytest.mark.parametrize("window", [64, 256, 2048])
def test_a_sine_in_the_middle_of_a_bin_has_its_amplitude_at_every_window(window):
    spectrum = magnitudes(sine(8 * RATE / 64, 0.3), window, window // 2)
    middle = spectrum[0, :, spectrum.shape[2] // 2]
    assert int(middle.argmax()) == window // 8
    assert float(middle.max()) == pytest.approx(0.3, rel=1e-3)


def test_it_is_librosas_spectrum():
    audio = torch.randn(1, 4000, generator=torch.Generator().manual_seed(0)) * 0.1
    theirs = np.abs(librosa.stft(audio[0].numpy(), n_fft=512, hop_length=128, center=True, pad_mode="constant"))
    assert np.allclose(magnitudes(audio, 512, 128)[0].numpy(), theirs * 2 / 256, atol=1e-5)


@pytest.mark.parametrize(("window", "hop"), [(64, 32), (512, 128), (1024, 160)])
@pytest.mark.parametrize("samples", [63, 4000, 4001])
def test_it_and_its_gradient_are_those_of_torchs_transform(window, hop, samples):
    audio = torch.randn(2, samples, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    shape = torch.hann_window(window, dtype=audio.dtype)
    theirs = torch.stft(audio, window, hop, window=shape, pad_mode="constant", return_complex=True).abs() * (4 / window)
    mine = magnitudes(audio, window, hop)
    assert mine.shape == theirs.shape and torch.allclose(mine, theirs, atol=1e-12)
    gradients = [torch.autograd.grad((x + 1e-3).log().sum(), audio)[0] for x in (mine, theirs)]
    assert torch.allclose(*gradients, atol=1e-9)


def test_silence_has_a_gradient():
    audio = torch.zeros(1, 2048, requires_grad=True)
    spectrum = magnitudes(audio, 256, 128)
    assert float(spectrum.detach().max()) < 1e-6
    spectrum.sum().backward()
    assert audio.grad.isfinite().all()


def test_the_a_curve_is_librosas():
    hertz = torch.tensor([31.5, 100.0, 440.0, 1000.0, 4000.0, 7900.0])
    mine = 20 * a_weights(hertz).log10().numpy()
    assert np.allclose(mine, librosa.A_weighting(hertz.numpy(), min_db=None), atol=0.01)
    assert a_weights(torch.zeros(1)).item() == 0


@pytest.mark.parametrize(("hertz", "amplitude"), [(1000.0, 1.0), (1000.0, 0.1), (100.0, 0.5), (6000.0, 0.25)])
def test_the_loudness_of_a_sine_is_its_level_weighted(hertz, amplitude):
    expected = 20 * math.log10(amplitude) + float(librosa.A_weighting(np.array([hertz]))[0])
    assert float(loudness(sine(hertz, amplitude), RATE, 160)[0, 50]) == pytest.approx(expected, abs=0.1)


def test_loudness_adds_powers_and_has_a_floor():
    both = loudness(sine(1000, 0.1) + sine(3000, 0.1), RATE, 160)[0, 50]
    one, other = (loudness(sine(f, 0.1), RATE, 160)[0, 50] for f in (1000, 3000))
    assert float(both) == pytest.approx(10 * math.log10(10 ** (one / 10) + 10 ** (other / 10)), abs=0.05)
    assert (loudness(torch.zeros(1, 4000), RATE, 160) == FLOOR).all()
    assert loudness(torch.zeros(2, 4000), RATE, 160).shape == (2, 26)
