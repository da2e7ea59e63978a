"""The net and its synthesizer: known tones, known filters, blocks and cuts."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from benchmark.audio import tracker
from benchmark.hardware.streaming import stream
from benchmark.measure import macs
from benchmark.trimming import couple, load
from tasks.ddsp import task
from tasks.ddsp.model import SHAPES, Ddsp
from tasks.ddsp.synth import HOP, RATE, Noise, Oscillators, Reverb, convolved, sines


def steady(rows: int, frames: int, value: float) -> torch.Tensor:
    return torch.full((rows, frames), value)


def test_oscillators_sound_the_partials_that_they_are_told():
    amplitudes = torch.tensor([0.5, 0.0, 0.25]).expand(1, 50, 3)
    audio, _ = Oscillators()(amplitudes, steady(1, 50, 400.0))
    time = torch.arange(1, 50 * HOP + 1) / RATE
    expected = 0.5 * torch.sin(2 * math.pi * 400 * time) + 0.25 * torch.sin(2 * math.pi * 1200 * time)
    assert (audio[0] - expected).abs().max() < 2e-4


def test_partials_from_half_of_the_rate_on_are_silent():
    audio, _ = Oscillators()(torch.ones(1, 10, 4), steady(1, 10, 2500.0))
    spectrum = torch.fft.rfft(audio[0].double()).abs()
    hertz = torch.arange(len(spectrum)) * RATE / (10 * HOP)
    tones = {2500.0, 5000.0, 7500.0}
    assert {float(hertz[i]) for i in torch.nonzero(spectrum > 100)} == tones


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 2e-4), (torch.float64, 1e-11)])
def test_the_sines_of_a_hundred_partials_are_sines(dtype, error):
    phase = torch.linspace(0, 1, 4 * HOP, dtype=torch.float64).view(4, HOP)
    number = torch.arange(1, 101, dtype=torch.float64).view(1, -1, 1)
    found = sines(phase, 100, dtype)
    assert found.dtype == dtype
    assert (found - torch.sin(2 * math.pi * number * phase.unsqueeze(1))).abs().max() < error


def test_amplitudes_go_in_straight_lines_between_frames():
    amplitudes = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1)
    audio, _ = Oscillators()(amplitudes, steady(1, 3, 4000.0))
    # At 4 kHz every fourth sample from the first on is a crest.
    crests = audio[0, ::4]
    assert crests[: HOP // 4].abs().max() < 1e-5
    rising = torch.arange(1, HOP + 1, 4) / HOP
    assert torch.allclose(crests[HOP // 4 : HOP // 2], rising, atol=1e-4)


def test_a_glide_has_the_pitch_that_it_is_told_everywhere():
    frames = 300
    hertz = torch.linspace(200, 800, frames).unsqueeze(0)
    audio, _ = Oscillators()(torch.tensor([0.4, 0.2, 0.1]).expand(1, frames, 3), hertz)
    heard = tracker.track(audio.numpy(), RATE)
    # A window of 1,024 samples and its shift hear the glide about half a window later than where they begin.
    middle = (np.arange(heard.hertz.shape[1]) * tracker.HOP + 580) / HOP
    told = np.interp(middle, np.arange(1, frames + 1), hertz[0].numpy())
    assert np.median(np.abs(tracker.cents(heard.hertz[0], told))) < 15


def test_noise_has_the_spectrum_of_its_bands():
    bands = torch.zeros(1, 400, 17)
    bands[..., 8] = 1.0
    white = torch.rand(1, 400, HOP, generator=torch.Generator().manual_seed(0)) * 2 - 1
    audio, _ = Noise()(bands, white)
    power = torch.fft.rfft(audio[0]).abs().square()
    hertz = torch.arange(len(power)) / (len(power) - 1) * RATE / 2
    near = (hertz - RATE / 4).abs() < 1.5 * RATE / 32
    assert power[near].sum() / power.sum() > 0.95


def test_open_bands_give_the_noise_back_later():
    white = torch.rand(1, 5, HOP) * 2 - 1
    audio, _ = Noise()(torch.ones(1, 5, 33), white)
    assert torch.allclose(audio[0, 32:], white.flatten()[:-32], atol=1e-5)


def test_a_room_is_dry_until_it_is_trained_and_then_convolves():
    room, sound = Reverb(7), torch.randn(2, 50)
    assert torch.allclose(room(sound)[0], sound, atol=1e-6)
    torch.nn.init.normal_(room.tail, std=100)
    kernel = np.concatenate([[1.0], room.tail.detach().numpy() / 100])
    expected = np.stack([np.convolve(row, kernel)[:50] for row in sound.numpy()])
    assert np.abs(room(sound)[0].detach().numpy() - expected).max() < 1e-5


def test_convolution_is_linear_not_circular():
    a, b = torch.randn(40), torch.randn(9)
    assert np.allclose(convolved(a, b, 48).numpy(), np.convolve(a.numpy(), b.numpy()), atol=1e-5)


@pytest.fixture(scope="module")
def net() -> Ddsp:
    torch.manual_seed(1)
    model = Ddsp(SHAPES["smoke"]).eval()
    with torch.no_grad():
        # A net that has been trained: loud, with noise and a room.
        model.controls.bias[0] = 1.0
        model.controls.bias[17:] = 4.0
        model.reverb.tail.normal_(0, 10)
    return model


def notes(rows: int, frames: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(2)
    hertz = 100 + 600 * torch.rand(rows, frames, 1, generator=random)
    level = -60 * torch.rand(rows, frames, 1, generator=random)
    return torch.cat([hertz, level, torch.randn(rows, frames, 30, generator=random)], -1)


@pytest.mark.parametrize("block", [1, 3, 16, 60])
def test_blocks_give_the_samples_of_the_whole(net, block):
    x = notes(2, 60)
    with torch.no_grad():
        whole, past, parts = net(x), None, []
        for frames in x.split(block, 1):
            audio, past = net.play(frames, past)
            parts.append(audio)
    assert whole.abs().max() > 0.05
    assert (torch.cat(parts, 1) - whole).abs().max() < 1e-6


def test_blocks_of_a_cut_net_too(net):
    import copy

    cut = copy.deepcopy(net)
    coupling = couple(cut, (notes(1, 4),), protect=task.protected)
    keep = {group.name: list(range(0, len(group), 3)) for group in coupling.groups}
    load(cut, coupling.plan(keep).apply(cut.state_dict()), coupling.stored)
    assert cut.decoder.hidden_size == 8 and cut.encoder.hidden_size == 8
    x = notes(1, 20)
    with torch.no_grad():
        first, past = cut.play(x[:, :7])
        rest, _ = cut.play(x[:, 7:], past)
        assert (torch.cat([first, rest], 1) - cut(x)).abs().max() < 1e-6


def test_evaluation_is_repeatable_and_training_hears_fresh_noise(net):
    x = notes(1, 10)
    torch.manual_seed(0)
    with torch.no_grad():
        first, second = net(x), net(x)
        assert torch.equal(first, second)
        net.train()
        assert not torch.equal(net(x), net(x))
        net.eval()


def test_a_high_note_has_no_share_in_partials_that_cannot_sound(net):
    heard = []
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(net.oscillators, "forward", lambda *inputs: heard.append(inputs[0]) or Oscillators()(*inputs))
        x = notes(1, 4)
        for hertz in (100.0, 3000.0):
            x[..., 0] = hertz
            net(x)
    low, high = heard
    assert (low > 0).all() and (high[..., :2] > 0).all() and (high[..., 2:] == 0).all()
    x[..., 0] = RATE / 2
    assert net(x).isfinite().all()


def test_an_untrained_net_is_about_as_loud_as_it_is_told():
    torch.manual_seed(0)
    model, x = Ddsp(SHAPES["smoke"]).eval(), notes(1, 50)
    levels = []
    with torch.no_grad():
        for level in (-50.0, -30.0):
            x[..., 0], x[..., 1] = 300.0, level
            levels.append(20 * float(model(x)[0, HOP:].square().mean().sqrt().log10()))
    assert levels[1] - levels[0] == pytest.approx(20, abs=5)
    assert levels[0] == pytest.approx(-50, abs=15)


def test_noise_is_on_in_evaluation(net):
    x = notes(1, 20)
    with torch.no_grad():
        audio = net(x)
        quiet = torch.nn.Parameter(net.controls.bias.clone())
        before, quiet.data[17:] = net.controls.bias, -40.0
        net.controls.bias = quiet
        without = net(x)
        net.controls.bias = before
    assert (audio - without).abs().max() > 1e-2


def test_the_macs_of_the_oscillators_are_counted():
    net = Ddsp(SHAPES["smoke"])
    count = lambda frames: macs(net, notes(1, frames))  # noqa: E731
    assert count(20) == 2 * count(10)
    bank = 16 * HOP * 2
    weights = sum(p.numel() for n, p in net.named_parameters() if p.dim() > 1)
    assert count(1) == bank + weights


def test_boards_can_play_it_as_a_stream_that_gives_the_same():
    example = task.example("smoke")
    made = stream(task.model("smoke").eval(), example)
    assert made.calls * made.inputs[0].shape[1] == example.shape[1] and len(made.states) >= 3
