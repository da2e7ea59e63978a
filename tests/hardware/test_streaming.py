"""Streams: hop by hop a net gives what it gives at once, and carries what it must."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from benchmark.hardware import boards
from benchmark.hardware.arena import plan
from benchmark.hardware.fit import Net, estimate
from benchmark.hardware.footprint import Footprint, footprint
from benchmark.hardware.graph import trace
from benchmark.hardware.streaming import NotStreamable, Stream, stream
from benchmark.measure import macs
from tests.hardware import zoo


class Does(nn.Module):
    """A module that does what a function does, with one input."""

    def __init__(self, what: Callable[..., Any], **layers: nn.Module) -> None:
        super().__init__()
        self.what = what
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x: Tensor) -> Any:
        return self.what(self, x)


class Steps(Does):
    """The same of a step: with states."""

    def forward(self, x: Tensor, *states: Tensor) -> Any:
        return self.what(self, x, *states)


def fed(made: Stream, x: Tensor, hop: int, axis: int = 2) -> Tensor:
    """All answers, hop by hop from the first state."""
    states, answers = made.inputs[1:], []
    with torch.no_grad():
        for part in x.split(hop, axis):
            answer, *states = made.module(part, *states)
            answers.append(answer)
    return torch.cat(answers, axis)


def fed_answers(made: Stream, x: Tensor) -> list[Tensor]:
    """What the hops of an input answer."""
    states, answers = made.inputs[1:], []
    with torch.no_grad():
        for hop in made.hops(x.numpy()):
            answer, *states = made.module(torch.from_numpy(hop), *states)
            answers.append(answer)
    return answers


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def padded(channels: int, kernel: int, dilation: int = 1) -> nn.Module:
    """A causal convolution."""
    left = nn.ConstantPad1d(((kernel - 1) * dilation, 0), 0.0)
    return nn.Sequential(left, nn.Conv1d(channels, channels, kernel, dilation=dilation))


class TestTheSameAnswers:
    @pytest.mark.parametrize("hop", [1, 4, 16, 32])
    def test_gated_blocks_with_residuals_and_skips(self, hop):
        model, x = zoo.Wave(4, 5).eval(), noise(1, 1, 96)
        made = stream(model, x)
        torch.testing.assert_close(fed(made, x, hop), model(x).detach(), rtol=1e-4, atol=1e-5)

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=4), st.integers(1, 3))
    def test_any_causal_stack(self, layers, channels):
        model = nn.Sequential(*(nn.Sequential(padded(channels, k, d), nn.Tanh()) for k, d in layers)).eval()
        x = noise(1, channels, 40)
        made = stream(model, x)
        carried = sum((k - 1) * d for k, d in layers)
        assert sum(state.shape[2] for state in made.inputs[1:]) == carried
        torch.testing.assert_close(fed(made, x, 5), model(x).detach(), rtol=1e-4, atol=1e-5)

    def test_a_net_that_pads_nothing_answers_when_its_context_is_full(self):
        model = nn.Sequential(nn.Conv1d(2, 3, 5), nn.ReLU(), nn.Conv1d(3, 1, 4)).eval()
        x = noise(1, 2, 30)
        made = stream(model, x)
        assert made.calls == 30 - 4 - 3
        torch.testing.assert_close(fed(made, x, 1)[..., 7:], model(x).detach(), rtol=1e-4, atol=1e-5)

    def test_padding_on_both_sides_that_is_cropped_again(self):
        model = Does(lambda m, x: m.conv(x)[:, :, :-6], conv=nn.Conv1d(2, 2, 4, dilation=2, padding=6)).eval()
        x = noise(1, 2, 24)
        made = stream(model, x)
        torch.testing.assert_close(fed(made, x, 3), model(x).detach(), rtol=1e-4, atol=1e-5)
        assert model.conv.padding == (6,)

    def test_an_image_that_slides_over_time(self):
        first = nn.Sequential(nn.Conv2d(1, 3, 5, padding=(2, 0)), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d((2, 1)))
        model = nn.Sequential(first, nn.Conv2d(3, 4, (4, 7))).eval()
        x = noise(1, 1, 8, 31)
        made = stream(model, x)
        assert (made.calls, tuple(made.inputs[0].shape)) == (21, (1, 1, 8, 1))
        # The input comes in 31 hops for 21 answers at once; as a stream in 21.
        assert macs(made.module, made.inputs) * made.calls < macs(model, x)

    def test_a_net_that_thins_time_out_takes_hops_of_as_many_steps(self):
        model = nn.Sequential(nn.Conv1d(1, 2, 4, stride=4), nn.ReLU(), nn.MaxPool1d(2)).eval()
        made = stream(model, noise(1, 1, 64))
        assert (made.calls, made.inputs[0].shape[2], len(made.inputs)) == (8, 8, 1)

    @pytest.mark.parametrize(("kind", "states"), [(nn.GRU, 1), (nn.LSTM, 2)])
    def test_recurrent_layers_carry_their_state(self, kind, states):
        layer, out = kind(3, 5, 2, batch_first=True), nn.Linear(5, 1)
        model, x = Does(lambda m, x: m.out(m.layer(x)[0]), layer=layer, out=out), noise(1, 20, 3)
        made = stream(model, x)
        assert [tuple(s.shape) for s in made.inputs[1:]] == [(2, 1, 5)] * states
        torch.testing.assert_close(fed(made, x, 1, axis=1), model(x).detach(), rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("name", ["gru", "wave"])
    def test_hops_of_an_input_and_the_answer_from_theirs(self, name):
        model, x = zoo.of(name)
        made = stream(model.eval(), x)
        answers = [answer.numpy() for answer in fed_answers(made, x)]
        torch.testing.assert_close(torch.from_numpy(made.whole(answers)), model(x).detach(), rtol=1e-4, atol=1e-5)

    def test_answers_before_the_context_is_full_are_left_out(self):
        model = nn.Sequential(nn.Conv1d(2, 3, 5), nn.ReLU(), nn.Conv1d(3, 1, 4)).eval()
        x = noise(1, 2, 30)
        made = stream(model, x)
        answers = [answer.numpy() for answer in fed_answers(made, x)]
        assert len(answers) == 30 and made.whole(answers).shape == (1, 1, 23)
        torch.testing.assert_close(torch.from_numpy(made.whole(answers)), model(x).detach(), rtol=1e-4, atol=1e-5)

    def test_samples_come_in_hops_of_64_and_frames_one_by_one(self):
        model = padded(1, 3)
        assert stream(model, noise(1, 1, 2048)).inputs[0].shape[2] == 64
        assert stream(model, noise(1, 1, 100)).inputs[0].shape[2] == 1


class TestRefusals:
    @pytest.mark.parametrize(
        ("model", "shape", "message"),
        [
            (nn.Conv1d(1, 1, 3, padding=1), (1, 1, 20), "looks ahead"),
            (Does(lambda m, x: x.flip(2)), (1, 1, 20), "looks ahead"),
            (Does(lambda m, x: x - x.mean(2, keepdim=True)), (1, 1, 20), "sees the whole clip"),
            (nn.Sequential(nn.ConvTranspose1d(1, 1, 4, 2, padding=1)), (1, 1, 20), "looks ahead"),
            (nn.Sequential(nn.Flatten(), nn.Linear(20, 2)), (1, 1, 20), "inputs of one length only"),
            (
                Does(lambda m, x: m.g(x)[0], g=nn.GRU(3, 2, bidirectional=True, batch_first=True)),
                (1, 9, 3),
                "backwards",
            ),
            (Does(lambda m, x: (x, 2 * x)), (1, 1, 20), "more than one answer"),
            (Does(lambda m, x: x if x.sum() > 0 else -x), (1, 1, 20), "cannot be followed"),
            (nn.ReLU(), (1, 1, 1), "no axis"),
            (nn.Sequential(nn.Conv1d(1, 1, 3, padding="same")), (1, 1, 21), "padded by name"),
        ],
    )
    def test_says_why(self, model, shape, message):
        with pytest.raises(NotStreamable, match=message):
            stream(model, noise(*shape))

    @pytest.mark.parametrize("name", ["tall", "flat", "decoder"])
    def test_nets_that_see_a_whole_clip(self, name):
        with pytest.raises(NotStreamable):
            stream(*zoo.of(name))


class Sounding(nn.Module):
    """A net that says itself how it is fed: what follows its layers cannot be found out."""

    def __init__(self, late: float = 0.0) -> None:
        super().__init__()
        self.layer, self.late = nn.GRU(2, 3, batch_first=True), late

    def forward(self, x: Tensor) -> Tensor:
        made, level = [], 1.0
        for frame in self.layer(x)[0].unbind(1):
            level = level / 2 if float(frame[0, 0]) > 0 else 1.0
            made.append(level * frame)
        return torch.cat(made, 1)

    def stream(self, example: Tensor) -> Stream:
        step = Steps(self._step, layer=self.layer)
        states = torch.zeros(1, 1, 3), torch.ones(1, 1)
        return Stream(step, (example[:, :1], *states), example.shape[1], 1, 1, 3 * example.shape[1])

    def _step(self, m: nn.Module, x: Tensor, state: Tensor, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        frame, state = m.layer(x, state)
        level = torch.where(frame[:, :1, 0] > 0, level / 2, torch.ones_like(level)) + self.late
        return level * frame[:, 0], state, level


class TestStreamsThatANetStates:
    def test_is_taken_as_it_says(self):
        model, x = Sounding().eval(), noise(1, 12, 2)
        made = stream(model, x)
        answers = [answer.numpy() for answer in fed_answers(made, x)]
        assert (made.calls, len(made.states)) == (12, 2)
        torch.testing.assert_close(torch.from_numpy(made.whole(answers)), model(x).detach(), rtol=1e-5, atol=1e-6)

    def test_an_answer_that_comes_late_is_waited_for(self):
        class Echo(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return 2 * x

            def stream(self, example: Tensor) -> Stream:
                step = Steps(lambda m, x, kept: (2 * kept, x))
                steps = example.shape[1]
                return Stream(step, (example[:, :4], torch.zeros(1, 4)), steps // 4, 1, 1, steps, late=4)

        made, x = stream(Echo(), noise(1, 12)), noise(1, 12)
        answers = [answer.numpy() for answer in fed_answers(made, x)]
        assert (made.calls, len(answers)) == (3, 4)
        assert torch.equal(torch.from_numpy(made.whole(answers)), 2 * x)

    def test_is_held_to_what_the_net_gives(self):
        with pytest.raises(NotStreamable, match="the stream that Sounding says it is gives something else than the"):
            stream(Sounding(late=0.1), noise(1, 12, 2))


class Ringing(nn.Module):
    """A transposed convolution, and how it is fed: what has begun to sound is carried."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.sound = nn.ConvTranspose1d(3, 1, 4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.sound(x)[..., :-3]

    def stream(self, x: Tensor) -> Stream:
        def step(module: Steps, x: Tensor, tail: Tensor) -> tuple[Tensor, ...]:
            sound = nn.functional.conv_transpose1d(x, self.sound.weight) + nn.functional.pad(tail, (0, 1))
            return sound[..., :1], sound[..., 1:]

        made = Steps(step, net=self)
        return Stream(made, (x[..., :1], torch.zeros(1, 1, 3)), calls=12, axis=2, out_axis=2, steps=12)


class TestMemory:
    def test_by_hand(self):
        # A hop (8 of 4 bytes), the state (8), both side by side (12 -> 16), the answer (8). State, hop and pair
        # together; then state, pair and answer.
        model = padded(1, 3)
        made = stream(model, noise(1, 1, 20))
        graph = trace(made.module, made.inputs)
        carried = list(zip(graph.inputs[1:], graph.outputs[1:], strict=True))
        assert plan(graph, "fp32", carried).size == 32

    def test_the_state_is_never_free(self):
        made = stream(*zoo.of("wave"))
        graph = trace(made.module, made.inputs)
        carried = list(zip(graph.inputs[1:], graph.outputs[1:], strict=True))
        state = 4 * 8 * sum(2 * 2**k for k in range(8))
        assert sum(graph.buffers[after].bytes("fp32") for _, after in carried) == state == 16_320
        assert plan(graph, "fp32", carried).size > state

    def test_figures_of_a_stream(self):
        found = footprint(*zoo.of("wave"))
        assert (found.stream_calls, found.stream_state_fp32, found.stream_state_int8) == (512, 16_320, 4_080)
        assert found.stream_arena_fp32 < 0.1 * found.arena_fp32
        assert found.stream_macs * 512 == macs(*zoo.of("wave"))
        assert found.stream_functions * 512 == found.functions

    def test_a_hop_that_takes_part_of_a_layer_past_its_forward_is_counted(self):
        found = footprint(Ringing(), noise(1, 3, 12))
        assert (found.stream_calls, found.stream_macs, found.stream_state_fp32) == (12, 3 * 4, 4 * 3)

    def test_no_figures_where_there_is_no_stream(self):
        found = footprint(*zoo.of("flat"))
        assert found.stream_calls == 0
        assert not any(name.startswith("stream_") for name in found.entry())
        assert Footprint.of(found.entry()) == found

    def test_a_board_takes_the_stream_where_the_whole_net_is_too_large(self):
        model, x = zoo.of("wave")
        net = Net(footprint(model, x), macs(model, x), seconds=512 / 100)
        small = estimate(boards.board("uno-r4"), net, "fp32")
        assert (small.verdict, small.streamed) == ("tight", True)
        assert small.ram_bytes == net.footprint.stream_arena_fp32 + 768

    def test_the_state_grows_with_the_context_only(self):
        sizes = [footprint(padded(2, 3, d), noise(1, 2, 64)).stream_state_fp32 for d in (1, 2, 4, 8)]
        assert all(after == 2 * before for before, after in pairwise(sizes))


def test_the_model_is_left_as_it_was():
    model, x = zoo.of("wave")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    answer = model(x).detach()
    stream(model, x)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert torch.equal(answer, model(x).detach())
