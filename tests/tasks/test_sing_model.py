"""The nets: frames and windows, what layers begin as, blocks, cuts, and what may depend on what."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.audio import tracker
from benchmark.budgets import BUDGETS
from benchmark.hardware.streaming import stream
from benchmark.measure import macs
from benchmark.selection import floor
from benchmark.submission.findings import Findings
from benchmark.submission.net_check import check_net
from benchmark.trimming import couple, load, verify
from tasks.sing import task
from tasks.sing.layers import FRAME, HOP, OVERLAP, RATE, Analysis, Mix, OverlapAdd, frequencies, sines, window
from tasks.sing.model import CONTEXT, SHAPES, AutoEncoder, Shape
from tasks.sing.sequence import INPUTS, SIZES, SOFT, TURNS, Generator, Size, Steps, told
from tasks.sing.told import FRAMES, HERTZ, SECONDS, times

REACH = FRAME - 1 + 2 * HOP
"""Samples, either way, that a sample may depend on: those of its frame, and of the two frames of context."""


def noise(rows: int, hops: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, hops * HOP, generator=torch.Generator().manual_seed(seed)) * 0.1


@pytest.fixture(scope="module")
def net() -> AutoEncoder:
    torch.manual_seed(1)
    return AutoEncoder(SHAPES["smoke"]).eval()


def test_windows_a_hop_apart_add_up_to_a_constant():
    total = torch.zeros(OVERLAP + 8 * HOP + OVERLAP)
    for start in range(0, len(total) - FRAME + 1, HOP):
        total[start : start + FRAME] += window()
    assert torch.allclose(total[OVERLAP:-OVERLAP], torch.tensor(1.5), atol=1e-5)


def test_frames_and_sound_are_what_the_definition_says():
    torch.manual_seed(0)
    analysis, overlap_add, sound = Analysis(3), OverlapAdd(3), noise(1, 8)
    with torch.no_grad():
        analysis.weight.normal_()
        overlap_add.weight.normal_()
        frames = analysis(sound.unsqueeze(1))[0].numpy()
        made = overlap_add(torch.from_numpy(frames)[None])[0, 0].numpy()
        whole = overlap_add.ringing(torch.from_numpy(frames)[None])[0, 0].numpy()
    shape, samples = window().numpy(), sound[0].numpy()
    starts = range(0, len(samples) - FRAME + 1, HOP)
    heard = [analysis.weight[:, 0].detach().numpy() @ (shape * samples[start : start + FRAME]) for start in starts]
    assert np.allclose(frames.T, heard, atol=1e-4)
    by_hand = np.zeros(len(samples))
    for start, frame in zip(starts, frames.T, strict=True):
        by_hand[start : start + FRAME] += shape * (frame @ overlap_add.weight[:, 0].detach().numpy())
    assert np.allclose(whole, by_hand, atol=1e-3)
    assert np.array_equal(made, whole[OVERLAP:-OVERLAP]) and len(made) == (len(starts) - 3) * HOP


def test_a_channel_for_every_sample_gives_the_sound_back():
    analysis, overlap_add, sound = Analysis(FRAME), OverlapAdd(FRAME), noise(2, 12)
    with torch.no_grad():
        analysis.weight.copy_(torch.eye(FRAME).unsqueeze(1))
        overlap_add.weight.copy_(torch.eye(FRAME).unsqueeze(1))
        made = overlap_add(analysis(sound.unsqueeze(1)))[:, 0]
    twice = window().square().view(-1, HOP).sum(0).repeat(made.shape[1] // HOP)
    assert torch.allclose(made, twice * sound[:, OVERLAP:-OVERLAP], atol=1e-5)


def test_filters_begin_as_sines_that_cover_the_range_at_any_number():
    for count in (8, 48, 288):
        place = torch.log1p(frequencies(count)[:, 0] / 700).sort().values
        assert place.diff().max() < 3 * (place[-1] - place[0]) / count
        assert torch.equal(sines(288)[:count], sines(count))
    tone = torch.cos(2 * math.pi * frequencies(8)[5] * torch.arange(FRAME) / RATE).float()
    pair = torch.cos(2 * math.pi * frequencies(8)[5] * torch.arange(FRAME) / RATE + math.pi / 2).float()
    heard = [Analysis(8)(x.view(1, 1, -1))[0, :, 0] for x in (tone, pair)]
    level = torch.stack(heard).square().sum(0).sqrt()
    assert level[5].item() == pytest.approx(1, abs=0.02) and level.argmax() == 5


def test_layers_between_begin_as_the_identity_and_a_little_of_what_torch_begins_with():
    torch.manual_seed(3)
    ours = Mix(6, 6, 5)
    torch.manual_seed(3)
    theirs = nn.Conv1d(6, 6, 5)
    identity = torch.zeros(6, 6, 5)
    identity[range(6), range(6), 2] = 1
    assert torch.allclose(ours.weight - 0.3 * theirs.weight, identity, atol=1e-6) and not ours.bias.any()


def test_without_the_random_part_a_fresh_net_keeps_the_pitch_of_a_tone():
    net = AutoEncoder(SHAPES["quick"])
    for module in net.modules():
        if isinstance(module, Mix):
            nn.init.dirac_(module.weight)
    time = torch.arange(32 * HOP) / RATE
    tone = sum(torch.cos(2 * math.pi * 330 * k * time) / k for k in range(1, 6)) * 0.1
    with torch.no_grad():
        heard = tracker.track(net(tone[None]).double().numpy(), RATE)
    assert heard.voiced[0, 1:-1].all() and np.abs(tracker.cents(heard.hertz[0, 1:-1], 330)).max() < 20


@pytest.mark.parametrize("hops", [1, 15, 62])
def test_as_much_sound_comes_out_as_goes_in(net, hops):
    assert net(noise(2, hops)).shape == (2, hops * HOP)


def test_it_has_the_weights_of_the_second_papers_code_at_its_widths():
    # 21,213,201 there, one of them a constant that is added to every sample.
    assert sum(p.numel() for p in AutoEncoder(Shape(2048, 16, 6)).parameters()) == 21_213_200


def test_a_sample_depends_on_its_surroundings_only(net):
    x, at = noise(1, 40), 20 * HOP + 100
    other = x.clone()
    other[0, at] += 1.0
    with torch.no_grad():
        changed = torch.nonzero((net(other) - net(x))[0].abs() > 1e-9)[:, 0]
    assert at - REACH <= changed.min() < at - FRAME and at + FRAME < changed.max() <= at + REACH


@pytest.mark.parametrize("block", [1, 4, 7, 30])
def test_blocks_give_the_samples_of_the_whole_later(net, block):
    x, late = noise(2, 30), SHAPES["smoke"].pad
    assert late == 1280
    with torch.no_grad():
        whole, past, parts = net(x), None, []
        for samples in torch.cat([x, x.new_zeros(2, late)], 1).split(block * HOP, 1):
            sound, past = net.play(samples, past)
            parts.append(sound)
    assert whole.abs().max() > 0.005
    assert (torch.cat(parts, 1)[:, late:] - whole).abs().max() < 1e-6


def cut(model: nn.Module, x: torch.Tensor, step: int) -> nn.Module:
    """A copy with every `step`-th unit of each group."""
    copied = copy.deepcopy(model)
    coupling = couple(copied, (x,), protect=task.protected)
    keep = {group.name: list(range(0, len(group), step)) for group in coupling.groups}
    load(copied, coupling.plan(keep).apply(copied.state_dict()), coupling.stored)
    return copied


def test_blocks_of_a_cut_net_too(net):
    x = noise(1, 20)
    small = cut(net, x, 3)
    assert small.encoder.latent.out_channels == 8 and small.decoder.sound.weight.shape == (16, 1, FRAME)
    with torch.no_grad():
        first, past = small.play(x[:, : 9 * HOP])
        rest, _ = small.play(torch.cat([x[:, 9 * HOP :], x.new_zeros(1, 1280)], 1), past)
        assert (torch.cat([first, rest], 1)[:, 1280:] - small(x)).abs().max() < 1e-6


def symbols(rows: int, hops: int, hertz: float = 220.0) -> torch.Tensor:
    x = torch.randn(rows, 1, INPUTS, generator=torch.Generator().manual_seed(2)).repeat(1, hops + FRAMES, 1)
    x[..., HERTZ], x[..., SECONDS] = hertz, times(hops + FRAMES)
    return x


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(1)
    return Generator(SIZES["smoke"]).eval()


def test_partials_are_told_as_the_decoders_sines_would_hear_them():
    frequency = frequencies(TURNS)[40].item()
    pad = Shape(8).pad
    time = (torch.arange(pad + 10 * HOP + pad, dtype=torch.float64) - pad) / RATE
    tone = torch.cos(2 * math.pi * frequency * time).float()
    with torch.no_grad():
        heard = Analysis(TURNS)(tone.view(1, 1, -1))[0, 40]
    said = told(symbols(1, 10, frequency))[0, :, 40] / SOFT
    assert len(heard) == len(said) == 10 + FRAMES
    assert torch.allclose(heard, said, atol=0.02)


def test_what_is_told_turns_with_time_and_is_of_partials_near():
    x = symbols(1, 20, hertz=400.0)
    said = told(x)[0, :, :TURNS]
    off = (frequencies(TURNS)[:, 0] / 400).round().clamp_min(1) * 400 - frequencies(TURNS)[:, 0]
    assert said[:, off.abs() > 120].abs().max() < 1e-3 * SOFT
    near = said[:, off.abs() < 10]
    # A multiple of 400 Hz turns by a multiple of 6.4 in a hop: after five hops it is where it was.
    assert near.numel() and torch.allclose(near[5:], near[:-5], atol=1e-3)
    assert (near[1:] - near[:-1]).abs().max() > 0.5 * SOFT


def test_sound_does_not_depend_on_symbols_that_come_later(generator):
    x = symbols(1, 30)
    other = x.clone()
    other[:, 25:, 5] += 1
    with torch.no_grad():
        changed = torch.nonzero((generator(other) - generator(x))[0].abs() > 1e-9)[:, 0]
    # Frame 25 is context of the frame that begins four hops earlier, three hops of which are cut away.
    assert (25 - (CONTEXT - 1) - 3) * HOP <= changed.min() < 25 * HOP


def test_the_state_goes_on_to_the_end(generator):
    x = symbols(1, 30)
    other = x.clone()
    other[:, 3, 5] += 1
    with torch.no_grad():
        changed = torch.nonzero((generator(other) - generator(x))[0].abs() > 1e-9)[:, 0]
    assert changed.max() > (3 + 4) * HOP


def test_a_layer_of_lstm_has_one_set_of_units_over_its_gates(generator):
    coupling = couple(generator, (symbols(1, 3),), protect=task.protected)
    groups = {group.name: group for group in coupling.groups}
    assert len(groups) == 7
    for number in range(3):
        axes = {(axis.tensor, axis.dim): axis for axis in groups[f"layers.{number}"].axes}
        for tensor in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
            assert tuple(axes[f"layers.{number}.{tensor}", 0].positions[5]) == (5, 29, 53, 77)
        assert tuple(axes[f"layers.{number}.weight_hh_l0", 1].positions[5]) == (5,)
    small = cut(generator, symbols(1, 3), 3)
    assert [layer.hidden_size for layer in small.layers] == [8, 8, 8]
    assert small(symbols(2, 6)).shape == (2, 6 * HOP)


def test_lstms_begin_open_and_give_on_what_they_are_told():
    torch.manual_seed(0)
    layer, x = Steps(TURNS + INPUTS, 192), told(symbols(1, 20))
    with torch.no_grad():
        state = layer(x)[0][..., :TURNS]
    given = x[..., :TURNS]
    loud = given.std(1) > 0.5 * SOFT
    assert np.corrcoef(given[loud.unsqueeze(1).expand_as(given)], state[loud.unsqueeze(1).expand_as(given)])[0, 1] > 0.9


@pytest.mark.parametrize("name", ["rendered", "symbols"])
def test_quick_is_trimmed_exactly_whatever_the_share(name):
    of = task.on(name)
    torch.manual_seed(0)
    model, x = of.model("quick"), of.example("quick")[:, : 24 * HOP if name == "rendered" else 24]
    coupling = couple(model, (x,), protect=task.protected)
    assert {frozen.name for frozen in coupling.frozen} == set(task.protected)
    for seed, fraction in ((0, 0.5), (1, 0.1)):
        assert verify(model, (x,), coupling, seed=seed, fraction=fraction) < 1e-12


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_the_generator_can_be_cut_to_the_last_budget(profile):
    size = SIZES[profile]
    parameters = sum(p.numel() for p in Generator(size).parameters())
    narrow = sum(p.numel() for p in Generator(Size(2, Shape(2, 2))).parameters())
    assert narrow <= BUDGETS[-1] * parameters
    if profile == "quick":
        coupling = couple(Generator(size), (symbols(1, 3),), protect=task.protected)
        assert floor(coupling) == narrow


def test_the_macs_of_frames_are_counted(net, generator):
    def products(model: nn.Module) -> int:
        return sum(p.numel() for p in model.parameters() if p.dim() > 1)

    assert macs(net, noise(1, 20)) - macs(net, noise(1, 10)) == 10 * products(net)
    assert macs(generator, symbols(1, 20)) - macs(generator, symbols(1, 10)) == 10 * products(generator)


def test_the_generator_is_what_the_harness_asks_for():
    found = Findings()
    assert check_net(task.on("symbols"), "smoke", found) and not found.failures


def test_boards_can_play_it_as_a_stream_that_gives_the_same():
    example = task.example("smoke")
    made = stream(task.model("smoke").eval(), example)
    assert made.calls * made.inputs[0].shape[1] == example.shape[1] and len(made.states) >= 3
