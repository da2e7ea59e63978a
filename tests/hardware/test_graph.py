"""The graph that memory is planned on: what a step reads, writes and keeps, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.errors import BenchError
from benchmark.hardware.arena import plan
from benchmark.hardware.footprint import Footprint, footprint
from benchmark.hardware.graph import UnknownOperator, trace
from tests.hardware import zoo


class Does(nn.Module):
    """A module that does what a function does."""

    def __init__(self, what, **layers: nn.Module) -> None:
        super().__init__()
        self.what = what
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.what(self, *inputs)


def operators(model: nn.Module, *inputs: Tensor) -> list[str]:
    return [step.operator for step in trace(model, inputs).steps]


def arena(model: nn.Module, *inputs: Tensor) -> int:
    return plan(trace(model, inputs), "fp32").size


class TestByHand:
    def test_two_linear_layers(self):
        # 4 floats in, 10 hidden, 2 out; the ReLU lies over the hidden layer: 16 + 40, then 40 + 8.
        model = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 2))
        assert arena(model, torch.zeros(1, 4)) == 56

    def test_a_residual_is_alive_over_its_branch(self):
        # x (32 floats) is needed until the sum, beside the branch's two results (64 and 32), and lies under the sum.
        model = Does(lambda m, x: x + m.narrow(torch.tanh(m.wide(x))), wide=nn.Linear(32, 64), narrow=nn.Linear(64, 32))
        assert arena(model, torch.zeros(1, 32)) == 4 * (32 + 64 + 32)

    def test_operand_that_is_needed_later_is_not_written_over(self):
        # tanh(x) beside x, then their product over either.
        assert arena(Does(lambda m, x: torch.tanh(x) * x), torch.zeros(1, 16)) == 128

    def test_side_by_side_copies(self):
        # Both halves (2 x 64 bytes) beside the whole (128), and the input (64) gone after the second.
        model = Does(lambda m, x: torch.cat([torch.tanh(x), torch.sigmoid(x)], 1))
        assert arena(model, torch.zeros(1, 16)) == 256

    def test_convolution_and_pooling(self):
        # 1 x 8 in, 2 x 8 after the convolution, 2 x 4 after pooling, whose places of maxima nobody wants.
        model = nn.Sequential(nn.Conv1d(1, 2, 3, padding=1), nn.MaxPool1d(2))
        graph = trace(model, torch.zeros(1, 1, 8))
        assert plan(graph, "fp32").size == 96
        assert plan(graph, "int8").size == 24

    def test_gru_keeps_its_sequence_state_and_gates(self):
        # 5 steps of 3 in and 4 out; the gates of one step (3 x 4) and the last state (4); then the last answer.
        model = nn.GRU(3, 4, batch_first=True)
        graph = trace(Does(lambda m, x: m.gru(x)[0][:, -1], gru=model), torch.zeros(1, 5, 3))
        assert plan(graph, "fp32").size == 64 + 80 + 48 + 16  # 60 bytes of input are 64 on the grid of 8
        assert plan(graph, "int8").size == 16 + 80 + 48 + 16  # recurrent layers stay in fp32
        assert graph.functions == 5 * 3 * 4
        assert graph.weights("fp32") == graph.weights("int8") == 4 * sum(p.numel() for p in model.parameters())

    def test_traffic_counts_operands_weights_and_results_once_a_step(self):
        model = nn.Linear(3, 5)
        assert trace(model, torch.zeros(1, 3)).traffic("fp32") == (4 * (3 + 15 + 5), 4 * 5)

    def test_functions(self):
        model = Does(lambda m, x: torch.sigmoid(torch.relu(torch.tanh(x))))
        assert trace(model, torch.zeros(1, 7)).functions == 14


class TestWeights:
    def test_a_norm_after_a_convolution_becomes_its_bias(self):
        model = nn.Sequential(nn.Conv1d(3, 4, 5, bias=False), nn.BatchNorm1d(4), nn.ReLU())
        graph = trace(model, torch.zeros(1, 3, 9))
        assert graph.weights("fp32") == 4 * (3 * 4 * 5 + 4)
        # A byte a weight, a scale a row, and the bias in 32 bits.
        assert graph.weights("int8") == 60 + 4 * 4 + 4 * 4
        assert [s.operator for s in graph.steps] == ["convolution", "relu"]

    def test_a_norm_after_something_else_is_a_factor_and_an_offset(self):
        graph = trace(nn.Sequential(nn.ReLU(), nn.BatchNorm1d(4)), torch.zeros(1, 4, 9))
        assert graph.weights("fp32") == 4 * 2 * 4

    def test_a_norm_is_not_folded_where_the_convolution_is_read_twice(self):
        model = Does(lambda m, x: (y := m.conv(x)) + m.norm(y), conv=nn.Conv1d(3, 4, 1), norm=nn.BatchNorm1d(4))
        assert trace(model, torch.zeros(1, 3, 9)).weights("fp32") == 4 * (12 + 4 + 8)

    def test_a_shared_layer_is_stored_once(self):
        model = Does(lambda m, x: m.layer(m.layer(x)), layer=nn.Linear(6, 6))
        assert trace(model, torch.zeros(1, 6)).weights("fp32") == 4 * 42

    def test_what_is_computed_from_weights_alone_is_done_beforehand(self):
        layer = nn.utils.parametrizations.weight_norm(nn.Linear(6, 4))
        graph = trace(layer, torch.zeros(1, 6))
        assert [s.operator for s in graph.steps] == ["addmm"]
        assert graph.weights("fp32") == 4 * (24 + 4)

    def test_a_layer_that_nothing_comes_of_counts_nothing(self):
        model = Does(lambda m, x: (m.idle(x), m.used(x))[1], idle=nn.Linear(6, 60), used=nn.Linear(6, 2))
        graph = trace(model, torch.zeros(1, 6))
        assert graph.weights("fp32") == 4 * 14
        assert plan(graph, "fp32").size == 32

    @pytest.mark.parametrize("name", zoo.ZOO)
    def test_no_more_than_the_parameters(self, name):
        model, x = zoo.of(name)
        held = sum(p.numel() for p in model.parameters())
        assert 0.9 * 4 * held < trace(model, x).weights("fp32") <= 4 * held


class TestMovement:
    def test_reshaping_is_free(self):
        assert operators(Does(lambda m, x: x.view(2, 8).unsqueeze(0).flatten(1).relu()), torch.zeros(1, 16)) == ["relu"]

    def test_transposing_copies_unless_an_axis_has_one_element(self):
        assert operators(Does(lambda m, x: x.transpose(1, 2).relu()), torch.zeros(1, 1, 16)) == ["relu"]
        assert operators(Does(lambda m, x: x.transpose(1, 2).relu()), torch.zeros(1, 2, 8)) == ["transpose", "relu"]

    @pytest.mark.parametrize(
        ("before", "copies"),
        [
            (lambda x: F.pad(x, (3, 1)), False),
            (lambda x: F.pad(x, (3, 1), value=1.0), True),
            (lambda x: F.pad(x, (3, -1)), True),
            (lambda x: F.pad(x, (0, 0, 1, 0)), True),
        ],
    )
    def test_zeros_before_a_convolution_are_its_own_padding(self, before, copies):
        channels = before(torch.zeros(1, 1, 16)).shape[1]
        model = Does(lambda m, x: m.conv(before(x)), conv=nn.Conv1d(channels, 2, 3))
        found = operators(model, torch.zeros(1, 1, 16))
        assert found == ["constant_pad_nd", "convolution"] if copies else found == ["convolution"]

    def test_zeros_that_something_else_reads_are_copied(self):
        model = Does(lambda m, x: m.conv(y := F.pad(x, (1, 1))) + y[..., 1:-1], conv=nn.Conv1d(1, 1, 3))
        assert operators(model, torch.zeros(1, 1, 16)) == ["constant_pad_nd", "convolution", "slice", "add"]

    def test_slices_and_padding_copy(self):
        found = operators(Does(lambda m, x: F.pad(x[..., 2:], (2, 0))), torch.zeros(1, 1, 16))
        assert found == ["slice", "constant_pad_nd"]

    def test_what_is_written_into_a_part_keeps_the_whole_alive(self):
        def forward(m, x):
            table = x.new_zeros(1, 32)
            table[:, :16] = torch.tanh(x)
            table[:, 16:] = torch.sigmoid(x)
            return table

        graph = trace(Does(forward), torch.zeros(1, 16))
        # The whole (128), the input and its sigmoid (64 each); the tanh has gone.
        assert plan(graph, "fp32").size >= 128 + 64
        assert graph.outputs[0] in graph.steps[-1].writes

    def test_in_place_operations_take_nothing(self):
        assert arena(Does(lambda m, x: m.layer(x).relu_().mul_(2), layer=nn.Linear(8, 8)), torch.zeros(1, 8)) == 64

    def test_drawn_noise_is_in_memory_and_tables_are_not(self):
        noise = trace(Does(lambda m, x: x + torch.randn(1, 64)), torch.zeros(1, 64))
        table = trace(Does(lambda m, x: x + torch.arange(64.0)), torch.zeros(1, 64))
        assert plan(noise, "fp32").size == 512
        assert plan(table, "fp32").size == 256
        assert table.weights("fp32") == 256


class TestRefusals:
    def test_unknown_operator_is_an_error_that_names_it(self):
        with pytest.raises(UnknownOperator, match=r"nobody has said what aten::linalg_\w+ takes"):
            trace(Does(lambda m, x: torch.linalg.inv(x)), torch.eye(3)[None])
        assert issubclass(UnknownOperator, BenchError)

    def test_operator_from_outside_torch(self):
        @torch.library.custom_op("boards_test::twice", mutates_args=())
        def twice(x: Tensor) -> Tensor:
            return 2 * x

        with pytest.raises(UnknownOperator, match="boards_test::twice"):
            trace(Does(lambda m, x: twice(x)), torch.zeros(1, 3))

    def test_an_answer_that_is_no_tensor(self):
        with pytest.raises(UnknownOperator, match="answer is no tensor"):
            trace(Does(lambda m, x: 3), torch.zeros(1, 3))

    def test_an_answer_computed_by_hidden_attention_is_seen(self):
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        found = operators(layer, torch.zeros(1, 5, 8))
        assert "bmm" in found and "_safe_softmax" in found


def test_the_model_is_left_as_it_was():
    model, x = zoo.of("tall")
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trace(model, x)
    assert model.training and all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize("name", zoo.ZOO)
def test_footprint_goes_through_a_record(name):
    model, x = zoo.of(name)
    found = footprint(model, x)
    assert Footprint.of(found.entry()) == found
    assert found.arena_int8 <= found.arena_fp32 and found.weights_int8 <= found.weights_fp32
    with pytest.raises(BenchError, match="weights_fp32 are missing or unknown"):
        Footprint.of({k: v for k, v in found.entry().items() if k != "weights_fp32"})
