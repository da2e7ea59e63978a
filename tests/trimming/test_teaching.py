"""A user's own layer: frozen until three functions say what a cut does to it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import pytest
import torch
from torch import Tensor, nn

from benchmark.trimming import couple, load, teach, teaching, verify
from tests.trimming.nets import Net


class Rounded(nn.Module):
    """A linear layer whose weights are rounded by an operation that has no rule."""

    def __init__(self, reads: int, writes: int) -> None:
        super().__init__()
        self.reads, self.writes = reads, writes
        self.kernel, self.shift = nn.Parameter(torch.randn(reads, writes)), nn.Parameter(torch.randn(writes))

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-1] == self.reads
        return x @ torch.fake_quantize_per_tensor_affine(self.kernel, 0.25, 0, -8, 7) + self.shift


class Ranked(nn.Module):
    """A gain, after an operation that has no rule and treats every unit for itself."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.rand(units))

    def forward(self, x: Tensor) -> Tensor:
        return self.gain[:, None] * x.sort(-1).values


def resize(module: Rounded, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    reads, writes = shapes["kernel"]
    if shapes["shift"] != (writes,):
        raise ValueError("kernel and shift differ")
    return {"reads": reads, "writes": writes}


@pytest.fixture
def rounded() -> Iterator[None]:
    teach(Rounded, reads=lambda m: {"kernel": 0}, writes=lambda m: {"kernel": 1, "shift": 0}, resize=resize)
    yield
    teaching._TAUGHT.clear()


def net(layer: type[Rounded] = Rounded) -> Net:
    return Net(
        lambda s, x: s.o(torch.tanh(s.b(torch.relu(s.a(x))))), a=nn.Linear(4, 9), b=layer(9, 7), o=nn.Linear(7, 3)
    )


X = torch.randn(5, 4)


def test_without_a_rule_it_is_frozen() -> None:
    coupling = couple(net(), (X,))
    assert coupling.widths == {}
    assert "aten.fake_quantize" in next(frozen.reason for frozen in coupling.frozen if frozen.name == "b")


@pytest.mark.usefixtures("rounded")
def test_a_taught_layer_reads_and_writes() -> None:
    model = net()
    coupling = couple(model, (X,))
    assert coupling.widths == {"a": 9, "b": 7}
    assert verify(model, (X,), coupling) <= 1e-12
    cut = load(copy.deepcopy(model), coupling.plan({"a": [0, 2, 8], "b": [1, 6]}).apply(model.state_dict()))
    assert (cut.b.reads, cut.b.writes) == (3, 2)
    assert torch.equal(cut.b.kernel, model.b.kernel[[0, 2, 8]][:, [1, 6]])
    cut(X).sum().backward()


@pytest.mark.usefixtures("rounded")
def test_subclasses_are_taught_along() -> None:
    class Named(Rounded):
        pass

    assert couple(net(Named), (X,)).widths == {"a": 9, "b": 7}


@pytest.mark.usefixtures("rounded")
def test_a_shape_that_the_layer_cannot_have_is_refused() -> None:
    model = net()
    with pytest.raises(ValueError, match="kernel and shift differ"):
        load(model, model.state_dict() | {"b.shift": torch.zeros(6)})


def test_units_go_through_a_layer_that_writes_none() -> None:
    model = Net(lambda s, x: s.o(s.n(s.a(x))), a=nn.Conv1d(4, 8, 3), n=Ranked(8), o=nn.Conv1d(8, 3, 1))
    x = torch.randn(2, 4, 9)
    assert couple(model, (x,)).widths == {}
    teach(Ranked, reads=lambda m: {"gain": 0}, writes=lambda m: {}, resize=lambda m, shapes: {}, features=1)
    try:
        coupling = couple(model, (x,))
        assert coupling.widths == {"a": 8}
        assert verify(model, (x,), coupling) <= 1e-12
    finally:
        teaching._TAUGHT.clear()


def test_a_wrong_rule_is_found_out_by_the_trial() -> None:
    teach(Rounded, reads=lambda m: {"kernel": 1}, writes=lambda m: {"kernel": 0, "shift": 0}, resize=resize)
    try:
        square = Net(lambda s, x: s.o(s.b(s.a(x))), a=nn.Linear(4, 7), b=Rounded(7, 7), o=nn.Linear(7, 3))
        coupling = couple(square, (X,))
        assert coupling.widths == {}
        assert all(frozen.reason for frozen in coupling.frozen)
    finally:
        teaching._TAUGHT.clear()
