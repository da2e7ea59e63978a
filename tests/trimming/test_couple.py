"""What `couple` says, refuses, and leaves behind (nothing)."""

from __future__ import annotations

import dataclasses
import random
from collections import OrderedDict

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark import trimming
from benchmark.trimming import Frozen, couple
from benchmark.trimming.words import unique
from tests.trimming.nets import HARD, MORE, Net, between, conv


class Untidy(nn.Module):
    """A forward that changes buffers, attributes and random state, with parts in different modes."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.norm, self.o = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("last", torch.zeros(3, 8))
        self.seen = 0

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.a(x))
        self.calls += 1
        self.last = h.detach().clone()
        self.seen, self.note = self.seen + 1, "been here"
        with torch.no_grad():
            self.o.weight.mul_(0.5)
        return self.o(h) + 0 * torch.rand(2)


def test_the_model_is_left_as_it_was() -> None:
    model = Untidy()
    model.norm.eval()
    model.o.bias.requires_grad_(False)
    x = torch.randn(3, 4, requires_grad=True)
    model(x.detach()).sum().backward()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    objects = [id(tensor) for tensor in (*model.parameters(), *model.buffers())]
    attributes, generator = dict(model.__dict__), torch.get_rng_state()

    couple(model, (x,))

    assert torch.equal(torch.get_rng_state(), generator)
    assert model.__dict__ == attributes
    assert (model.training, model.norm.training, model.a.training) == (True, False, True)
    torch.testing.assert_close(dict(model.state_dict()), state, rtol=0, atol=0)
    assert [id(tensor) for tensor in (*model.parameters(), *model.buffers())] == objects
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad == (name != "o.bias")
        assert (parameter.grad is None) == (name not in gradients)
        assert parameter.grad is None or torch.equal(parameter.grad, gradients[name])
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert torch.is_grad_enabled()
    assert x.grad is None


def test_the_inputs_are_left_as_they_were() -> None:
    x = torch.ones(2, 4, 6)
    couple(Net(lambda s, x: s.o(x.mul_(2)), o=conv(4, 3)), (x,))
    assert torch.equal(x, torch.ones(2, 4, 6))


def test_the_guide_in_the_docstring_runs() -> None:
    assert trimming.__doc__ is not None
    guide = "\n".join(line[4:] for line in trimming.__doc__.splitlines() if line.startswith("    "))
    model = nn.Sequential(OrderedDict(body=conv(4, 8), act=nn.ReLU(), head=conv(8, 3)))
    exec(guide, scope := {"model": model, "example": torch.randn(2, 4, 9), **vars(trimming)})
    assert model.body.out_channels == scope["coupling"].widths["body"] == 4


def test_the_model_is_left_as_it_was_when_its_forward_fails() -> None:
    model = between(lambda h: h @ h)
    with pytest.raises(RuntimeError, match="size"):
        couple(model, (torch.randn(2, 4, 6),))
    assert model.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert torch.is_grad_enabled()


def test_protected_modules_keep_their_units() -> None:
    model, x = nn.Sequential(conv(4, 8), nn.Sequential(conv(8, 6), nn.ReLU()), conv(6, 3)), torch.randn(2, 4, 9)
    assert couple(model, (x,)).widths == {"0": 8, "1.0": 6}
    protected = couple(model, (x,), protect=["1"])
    assert protected.widths == {"0": 8}
    assert Frozen("1.0", "it is protected (in 1)") in protected.frozen
    assert couple(model, (x,), protect=["0", "1.0"]).widths == {}


@pytest.mark.parametrize(
    ("name", "frozen"),
    [
        ("attention", "q: its units can only go all at once: a product sums over them"),
        ("residual to the input", "a: it meets values of fixed width in aten.add"),
        ("mean of units", "a: its units can only go all at once: aten.mean reduces over them"),
        ("sorted", "a: it goes through aten.sort, which has no rule"),
        ("weight used beside its layer", "a: it is used outside a layer, by aten.mean, and keeps its size"),
        ("halves apart", "a: a part of its units is sliced off"),
        ("through numpy", "a: its values leave torch, by numpy"),
        ("given state", "g: it starts from a state of fixed width (in g)"),
        ("wider shortcut", "b: 4 of its units: it meets values of fixed width in aten.add"),
        ("scalar gate", "g: it has one unit only"),
        ("embedding as output", "e: 6 of its units: it has a row for every word (in e)"),
        ("one selected", "o: it is an output of the model"),
    ],
)
def test_reasons_are_told(name: str, frozen: str) -> None:
    net = (HARD | MORE)[name]
    said = [f"{entry.name}: {entry.reason}" for entry in couple(net.build(), net.inputs()).frozen]
    assert frozen in said


def test_a_layer_that_does_not_run_is_named() -> None:
    net = Net(lambda s, x: s.o(s.a(x)), a=conv(4, 8), o=conv(8, 3), spare=conv(8, 3))
    coupling = couple(net, (torch.randn(2, 4, 9),))
    assert Frozen("spare", "no layer uses its weights in this forward") in coupling.frozen
    assert coupling.parameters() == sum(p.numel() for p in net.parameters())


def test_explain_reads_well() -> None:
    net = MORE["squeeze and excite"]
    assert couple(net.build(), net.inputs()).explain().splitlines() == [
        "a+up: 16 units, written by a, up, read by down, o",
        "down: 5 units, written by down, read by up",
        "o: frozen: it is an output of the model",
        "536 parameters, 99.4 % of them of units, 29 with one unit in every group",
    ]


def test_group_names_are_short_and_human() -> None:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = s.front(x)
        for block in s.blocks:
            h = h + block(h)
        return s.out(h + s.one(h) + s.two(h))

    blocks = [nn.Sequential(nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 8)) for _ in range(3)]
    one, two, front = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(4, 8)
    net = Net(forward, front=front, blocks=nn.ModuleList(blocks), one=one, two=two, out=nn.Linear(8, 2))
    names = ["front+blocks.0..2.2+2 more", "blocks.0.0", "blocks.1.0", "blocks.2.0"]
    assert list(couple(net, (torch.randn(2, 4),)).widths) == names


def test_groups_with_the_same_writers_are_told_apart() -> None:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = s.a(x)
        return s.o(h + torch.cat([s.b(x), s.c(x)], -1))

    net = Net(forward, a=nn.Linear(4, 9), b=nn.Linear(4, 5), c=nn.Linear(4, 4), o=nn.Linear(9, 2))
    assert couple(net, (torch.randn(2, 4),)).widths == {"a+b": 5, "a+c": 4}
    net = Net(lambda s, x: s.o(F.pad(s.a(x), (0, 2)) + s.b(x)), a=nn.Linear(4, 6), b=nn.Linear(4, 8), o=nn.Linear(8, 2))
    assert couple(net, (torch.randn(2, 4),)).widths == {"a+b": 6}
    assert unique(["a", "b", "a"]) == ["a", "b", "a#2"]


def test_unknown_names_are_refused() -> None:
    model, x = nn.Sequential(conv(4, 8), conv(8, 3)), torch.randn(2, 4, 9)
    with pytest.raises(ValueError, match=r"no module 'head' to protect: did you mean 'heads'\?"):
        couple(Net(lambda s, x: s.heads(x), heads=conv(4, 3)), (x,), protect=["head"])
    coupling = couple(model, (x,))
    with pytest.raises(ValueError, match="no group '9': known: 0"):
        coupling.plan({"9": [0]})
    with pytest.raises(ValueError, match="group '0' would be empty"):
        coupling.plan({"0": []})
    with pytest.raises(ValueError, match="group '0' has units 0 to 7, not 8"):
        coupling.trimmed({"0": [1, 8]})
    with pytest.raises(ValueError, match="group '0' has units 0 to 7, not -1"):
        coupling.plan({"0": [-1, 2]})
    with pytest.raises(ValueError, match="must increase"):
        coupling.plan({"0": [2, 2]})
    with pytest.raises(TypeError):
        coupling.plan({"0": [0.5]})  # type: ignore[list-item]
    with pytest.raises(ValueError, match="cannot have 0 units, only 1 to 8"):
        coupling.parameters({"0": 0})
    with pytest.raises(ValueError, match="no group 'x'"):
        coupling.parameters({"x": 3})


def test_models_that_cannot_be_traced_are_refused() -> None:
    @dataclasses.dataclass
    class Answer:
        logits: Tensor

    with pytest.raises(TypeError, match="returns a Answer; use tensors in tuples, lists or dicts"):
        couple(Net(lambda s, x: Answer(s.a(x)), a=conv(4, 3)), (torch.randn(2, 4, 9),))
    with pytest.raises(ValueError, match="1 is scripted: couple the model before"):
        couple(nn.Sequential(conv(4, 8), torch.jit.script(nn.ReLU())), (torch.randn(2, 4, 9),))
    with pytest.raises(ValueError, match=r"0\.weight has no shape yet"):
        couple(nn.Sequential(nn.LazyLinear(3)), (torch.randn(2, 4),))


def test_outputs_in_dicts_and_lists_are_frozen() -> None:
    net = Net(lambda s, x: {"a": [s.a(x)], "b": (s.b(x), None, 3)}, a=conv(4, 5), b=conv(4, 6), c=conv(4, 2))
    assert couple(net, (torch.randn(2, 4, 9),)).groups == ()


def test_numbers_of_other_integer_types_are_taken() -> None:
    coupling = couple(nn.Sequential(conv(4, 8), conv(8, 3)), (torch.randn(2, 4, 9),))
    assert coupling.plan({"0": torch.tensor([1, 2])}) == coupling.plan({"0": [1, 2]})  # type: ignore[dict-item]
    assert coupling.trimmed({"0": torch.tensor([1, 2])}).widths == {"0": 2}  # type: ignore[dict-item]


def test_coupling_twice_gives_the_same() -> None:
    net = MORE["cell by hand"]
    model = net.build()
    first = couple(model, net.inputs())
    random.random()
    assert couple(model, net.inputs()) == first
