"""The net: what it hears of the past, what is cut together, and that a step at a time is the same function."""

from __future__ import annotations

import copy

import pytest
import torch

from benchmark.audio.clocking import evenly_cut
from benchmark.budgets import BUDGETS
from benchmark.measure import macs, parameters
from benchmark.selection import floor, minimum_widths
from benchmark.trimming import Coupling, couple, load, verify
from tasks.wavenet import features, realtime, task
from tasks.wavenet.generate import Player, choose, play
from tasks.wavenet.model import WaveNet, before
from tasks.wavenet.mulaw import LEVELS, SILENCE, decode
from tasks.wavenet.prediction import REACH, coefficients, predicted, told
from tasks.wavenet.shape import KINDS, MELS, SHAPES


def lively(profile: str = "smoke") -> WaveNet:
    """A net of double precision whose logits differ by more than rounding, as those of a trained one."""
    torch.manual_seed(1)
    net = WaveNet(SHAPES[profile]).double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(3)
    return net


def cut(net: WaveNet) -> WaveNet:
    """A copy with as many units of each group as its place in the list says: no two layers alike."""
    net = copy.deepcopy(net)
    coupling = coupled(net)
    keep = {group.name: list(range(0, len(group), 1 + index % 3)) for index, group in enumerate(coupling.groups)}
    load(net, coupling.plan(keep).apply(net.state_dict()), coupling.stored)
    return net


def coupled(net: WaveNet) -> Coupling:
    return couple(net, (task.example("smoke").to(net.skip.weight.dtype),), protect=task.protected)


def notes(rows: int, frames: int, hop: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(2)
    levels = torch.randint(LEVELS, (rows, frames, KINDS * hop), generator=random).double()
    return torch.cat([levels, 2 * torch.rand(rows, frames, MELS, generator=random).double() - 1], -1)


@pytest.fixture(scope="module")
def net() -> WaveNet:
    return lively()


@torch.no_grad()
def differs(net: WaveNet, x: torch.Tensor, frame: int, place: int, value: float) -> torch.Tensor:
    """Samples whose logits change when one number of the input does."""
    other = x.clone()
    other[0, frame, place] = value
    return torch.nonzero((net(other) != net(x)).any(1)[0]).flatten()


def test_a_sample_is_heard_by_those_after_it_as_far_as_the_field_goes(net):
    x = notes(1, 6, net.hop)
    at, field = net.hop + 7, SHAPES["smoke"].field
    for kind, first in enumerate((at + 1, at, at + 1)):  # the sample's own prediction is heard, the others before it
        place = kind * net.hop + 7
        changed = differs(net, x, 1, place, (x[0, 1, place].item() + 100) % LEVELS)
        assert changed.tolist() == list(range(first, first + field))


@pytest.mark.parametrize(("profile", "field", "ms"), [("smoke", 255, 32), ("quick", 255, 32), ("full", 2047, 128)])
def test_the_lead_is_the_frames_that_hold_the_field(profile, field, ms):
    shape = SHAPES[profile]
    assert shape.field == field <= shape.lead * shape.hop == ms * shape.rate // 1000


def test_a_mel_frame_is_heard_in_its_frame_and_later(net):
    x = notes(1, 6, net.hop)
    changed = differs(net, x, 3, KINDS * net.hop + 11, 0.9)
    # What a gate lets through at the end of the frame is heard as far as the layers after the first one go.
    assert changed.min() == 3 * net.hop and changed.max() == 4 * net.hop - 1 + sum(net.dilations) - 1


def test_what_is_no_level_is_heard_as_the_nearest(net):
    x = notes(1, 5, net.hop)
    x[0, 0, 3], x[0, 0, 4] = 0, 255
    beyond = x.clone()
    beyond[0, 0, 3], beyond[0, 0, 4] = -7, 300
    with torch.no_grad():
        assert torch.equal(net(x), net(beyond))


def test_full_is_the_papers_net_with_the_changes_that_are_stated():
    papers = 2_901_504
    one_tap, one_bias, own_layer, three_ears = 257 * 128, 19 * 256 + 20 * 256, 80 * 80 + 80, 3 * 128 * 128 + 128
    assert parameters(WaveNet(SHAPES["full"])) == papers - one_tap - one_bias + own_layer + three_ears == 2_914_384
    assert parameters(WaveNet(SHAPES["quick"])) == 376_960


def test_groups_are_one_residual_stream_and_skip_stream_and_a_gate_for_each_layer():
    coupling = coupled(WaveNet(SHAPES["smoke"]))
    names = [group.name for group in coupling.groups]
    assert names == [
        "levels", "ears+residuals.0..12", "condition", *(f"gates.{i}+mels.{i}" for i in range(14)), "skip", "hidden",
    ]  # fmt: skip
    assert [frozen.name for frozen in coupling.frozen] == ["output"]
    assert coupling.cuttable == 1
    stream = {axis.tensor for axis in coupling.groups[1].axes if axis.writes}
    assert stream == {"ears.weight", *(f"residuals.{i}.weight" for i in range(13))}
    table = {axis.tensor: axis.positions[1] for axis in coupling.groups[0].axes}
    assert table == {"levels.weight": (1,), "ears.weight": (1, 5, 9)}


def test_the_halves_of_a_gate_are_cut_together():
    gate = coupled(WaveNet(SHAPES["smoke"])).groups[5]
    written = {axis.tensor: axis.positions[5] for axis in gate.axes if axis.writes}
    assert written == {"gates.2.weight": (5, 13), "mels.2.weight": (5, 13)}
    read = {axis.tensor: axis.positions[5] for axis in gate.axes if axis.reads}
    assert read == {"residuals.2.weight": (5,), "skip.weight": (2 * 8 + 5,)}


@pytest.mark.parametrize("profile", ["quick", pytest.param("full", marks=pytest.mark.long)])
def test_cuts_are_exact_whatever_is_cut(profile):
    model = lively(profile)
    x = task.example(profile).double()
    coupling = couple(model, (x,), protect=task.protected)
    scale = model(x).detach().abs().max().item()
    for seed, fraction in ((0, 0.5), (1, 0.95)):
        assert verify(model, (x,), coupling, seed=seed, fraction=fraction) < 1e-12 * max(1.0, scale)
    assert scale > 0.3


def test_fifteen_rounds_leave_less_than_half_a_percent():
    coupling = coupled(WaveNet(SHAPES["quick"]))
    least = floor(coupling)
    assert least <= BUDGETS[15] * coupling.parameters() < 0.005 * coupling.parameters()
    assert set(minimum_widths(coupling).values()) == {2}
    # Two units of the table and of the last layer have a weight for each level, two of the condition one for each band.
    assert 4 * LEVELS + 2 * MELS < least <= 1758


def test_macs_are_those_of_the_steps():
    net = WaveNet(SHAPES["smoke"])
    count = lambda frames: macs(net, notes(1, frames, net.hop).float())  # noqa: E731
    assert count(6) == 2 * count(3)
    convolutions = ("ears", "gates", "residuals", "skip", "hidden", "output")
    each = sum(p.numel() for n, p in net.named_parameters() if n.startswith(convolutions) and p.dim() == 3)
    frame = sum(p.numel() for n, p in net.named_parameters() if n.startswith(("mels", "condition")) and p.dim() == 3)
    assert count(1) == each * net.hop + frame


@pytest.mark.parametrize("narrower", [False, True], ids=["dense", "cut"])
@pytest.mark.parametrize("begun", [0, 1, 300, 1280])
@torch.no_grad()
def test_a_step_at_a_time_gives_the_logits_of_all_at_once(net, begun, narrower):
    model = cut(net) if narrower else net
    x = notes(2, 6, model.hop)
    levels = x[..., :-MELS].unflatten(2, (KINDS, model.hop)).transpose(1, 2).flatten(2).long()
    whole, known = model(x), before(levels)
    player = Player(model, levels[..., :begun], x[..., -MELS:])
    for at in range(begun, min(begun + 200, 6 * model.hop)):
        assert (player.step(known[..., at]) - whole[:, :, at]).abs().max() < 1e-10
    assert whole.std() > 0.1


def test_before_a_note_there_is_silence():
    levels = torch.arange(12).view(1, 3, 4)
    assert before(levels).tolist() == [[[SILENCE, 0, 1, 2], [4, 5, 6, 7], [SILENCE, 8, 9, 10]]]


@pytest.mark.parametrize("narrower", [False, True], ids=["dense", "cut"])
@pytest.mark.parametrize("sampled", [False, True], ids=["greedy", "sampled"])
@torch.no_grad()
def test_a_generated_note_is_what_the_forward_says_of_it(net, sampled, narrower):
    model, shape = cut(net) if narrower else net, SHAPES["smoke"]
    random = torch.Generator().manual_seed(3)
    # A flat spectrum, so that rounding does not grow from sample to sample.
    mels = torch.full((2, 6, MELS), -0.5) + features.filters(shape).sum(1).log10() / 4
    found, rms = coefficients(mels, shape)
    past = 0.1 * torch.randn((2, shape.lead * shape.hop), generator=random)
    draws = torch.rand((2, (6 - shape.lead) * shape.hop), generator=random) if sampled else None
    made = play(model, shape, past, mels.double(), draws)
    whole = torch.cat([past, made], 1)
    guess = predicted(whole, found, shape)
    heard = told(whole, guess, rms).unflatten(2, (6, shape.hop)).transpose(1, 2).flatten(2)
    logits = model(torch.cat([heard.double(), mels.double()], -1))[:, :, past.shape[1] :]
    drawn = [choose(logits[:, :, t], None if draws is None else draws[:, t]) for t in range(made.shape[1])]
    largest = REACH[2] * rms[:, shape.lead :].repeat_interleave(shape.hop, 1)
    again = (guess[:, past.shape[1] :] + largest * decode(torch.stack(drawn, 1))).clamp(-1, 1)
    assert (again - made).abs().max() < 1e-5
    assert len(made.unique()) > 10


def test_draws_choose_levels_as_often_as_the_net_says():
    logits = torch.tensor([0.1, 0.6, 0.298, 0.002]).log().expand(10_000, 4)
    draws = (torch.arange(10_000) + 0.5) / 10_000
    counts = torch.bincount(choose(logits, draws), minlength=4).tolist()
    assert all(abs(a - b) <= 1 for a, b in zip(counts, (1000, 6000, 2980, 20), strict=True))
    assert choose(logits[:2].flip(1), torch.tensor([0.0, 1.0])).tolist() == [0, 3]
    assert choose(logits[:1], None).tolist() == [1]
    # A net that has learnt nothing draws any level.
    assert choose(torch.zeros(256, LEVELS), (torch.arange(256) + 0.5) / 256).tolist() == list(range(256))


def test_real_time_factors_of_a_cut_net():
    nets = [evenly_cut(task, "smoke", k) for k in (0, 4)]
    dense, small = (realtime.factors(model, "smoke", steps=20) for model in nets)
    assert small["parameters"] < 0.25 * dense["parameters"] and small["macs a sample"] < dense["macs a sample"]
    assert all(entry["factor"] > 0 for name in ("one note", "8 notes") for entry in (dense[name], small[name]))
