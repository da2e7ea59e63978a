"""The WaveNet sample by sample: what boards play is the net that was scored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmark.hardware import avr, boards, parity
from benchmark.hardware.artefact import quantised, streamed
from benchmark.hardware.fit import Net, estimate
from benchmark.hardware.footprint import Footprint, footprint
from benchmark.hardware.quantize import halves
from benchmark.hardware.streaming import Stream
from benchmark.trimming import couple, load
from tasks.wavenet import task
from tasks.wavenet.model import WaveNet
from tasks.wavenet.mulaw import LEVELS, SILENCE
from tasks.wavenet.shape import KINDS, MELS
from tasks.wavenet.stream import stream
from tests.hardware.nets import board, need


def cut() -> WaveNet:
    """A net no two layers of which are alike, with weights that matter."""
    torch.manual_seed(1)
    net = task.model("smoke").eval()
    coupling = couple(net, (task.example("smoke"),), protect=task.protected)
    keep = {group.name: range(0, len(group), 1 + place % 3) for place, group in enumerate(coupling.groups)}
    load(net, coupling.plan(keep).apply(net.state_dict()), coupling.stored)
    assert isinstance(net, WaveNet)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(2)
    return net


@torch.no_grad()
def played(made: Stream, x: torch.Tensor) -> np.ndarray:
    """The logits of all samples."""
    states, answers = made.inputs[1:], []
    for hop in made.hops(x.numpy()):
        answer, *states = made.module(torch.from_numpy(hop), *states)
        answers.append(answer.numpy())
    return made.whole(answers)


@pytest.fixture(scope="module")
def net() -> WaveNet:
    return cut()


def test_steps_give_what_the_forward_gives_of_notes_longer_than_the_receptive_field(net: WaveNet) -> None:
    made, random = stream(net, task.example("smoke")), torch.Generator().manual_seed(2)
    frames = 5
    assert frames * net.hop > sum(net.dilations)
    levels = torch.randint(LEVELS, (1, frames, KINDS * net.hop), generator=random)
    x = torch.cat([levels, 2 * torch.rand((1, frames, MELS), generator=random) - 1], -1)
    with torch.no_grad():
        wanted = net(x).numpy()
    assert wanted.std(2).max() > 0.1
    np.testing.assert_allclose(played(made, x), wanted, rtol=0, atol=1e-5 * float(np.abs(wanted).max()))


def test_a_step_hears_what_is_known_of_its_sample_and_the_mel_bands_of_its_frame(net: WaveNet) -> None:
    x = task.example("smoke")
    hops = stream(net, x).hops(x.numpy())
    assert len(hops) == x.shape[1] * net.hop and hops[0].shape == (1, 1, KINDS + MELS)
    samples, predictions, excitations = (x[0, :, k * net.hop : (k + 1) * net.hop].flatten().tolist() for k in range(3))
    assert [hop[0, 0, 0] for hop in hops] == [SILENCE, *samples[:-1]]
    assert [hop[0, 0, 1] for hop in hops] == predictions
    assert [hop[0, 0, 2] for hop in hops] == [SILENCE, *excitations[:-1]]
    for at in (0, net.hop - 1, net.hop):
        assert np.array_equal(hops[at][0, 0, KINDS:], x[0, at // net.hop, -MELS:])


def test_queues_are_as_long_as_the_layers_reach_back(net: WaveNet) -> None:
    made = stream(net, task.example("smoke"))
    assert [state.shape[2] for state in made.inputs[1:]] == net.dilations
    assert made.calls == made.steps == task.example("smoke").shape[1] * net.hop


def test_boards_run_nothing_but_its_stream(net: WaveNet) -> None:
    made = footprint(net, task.example("smoke"))
    assert made.stream_only == 1 and made.entry()["stream_only"] == 1 and Footprint.of(made.entry()) == made
    fit = estimate(boards.board("pi-4b"), Net(made, macs=1, seconds=0.064), "fp32")
    assert fit.streamed


def test_its_integers_on_an_avr_are_those_of_the_graph(net: WaveNet) -> None:
    need("emx_onnx_cgen", "avr-gcc", "simavr")
    row = (task.example("smoke").numpy(),)
    one = quantised(streamed(net, task.example("smoke")), [row, row])
    calls = one.calls(row)[:3]
    ran = avr.execute(one.source, board("mega-2560"), calls, 100, len(calls))
    for given, wanted in zip(ran.outputs, one.in_runtime(calls), strict=True):
        parity.require(given, wanted, "the Mega", halves(one.edges.proto))
