"""Loading by shapes: the tensors decide, the modules follow, and what cannot be is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from benchmark.trimming import couple, load
from tests.trimming.nets import Net, conv
from tests.trimming.zoo import ZOO


@pytest.mark.parametrize("name", ZOO)
def test_a_trimmed_state_goes_through_a_file(name: str, tmp_path: object) -> None:
    torch.manual_seed(0)
    model, inputs = ZOO[name].build(), ZOO[name].inputs()
    coupling = couple(model, inputs, ZOO[name].protect)
    keep = {group.name: list(range(0, len(group), 2)) for group in coupling.groups}
    trimmed = load(copy.deepcopy(model), coupling.plan(keep).apply(model.state_dict()))
    torch.save(trimmed.state_dict(), f"{tmp_path}/state.pt")
    again = load(ZOO[name].build(), torch.load(f"{tmp_path}/state.pt", weights_only=True))
    assert repr(again) == repr(trimmed)  # all attributes that a module shows
    with torch.no_grad():
        for new, old in zip(outputs(again, inputs), outputs(trimmed, inputs), strict=True):
            torch.testing.assert_close(new, old, rtol=0, atol=0)
    back = load(again, model.state_dict())
    assert repr(back) == repr(model)


def outputs(model: nn.Module, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    torch.manual_seed(1)
    out = model.eval()(*inputs)
    return list(out) if isinstance(out, tuple) else [out]


@pytest.mark.parametrize(
    ("build", "attributes"),
    [
        (lambda w: nn.Conv1d(w, 2 * w, 3), {"in_channels": 3, "out_channels": 6}),
        (lambda w: nn.Conv2d(2 * w, 2 * w, 3, groups=2), {"in_channels": 6, "out_channels": 6}),
        (lambda w: nn.ConvTranspose1d(w, 2 * w, 3, bias=False), {"in_channels": 3, "out_channels": 6}),
        (lambda w: nn.Linear(w, 2 * w), {"in_features": 3, "out_features": 6}),
        (lambda w: nn.Embedding(7, w), {"num_embeddings": 7, "embedding_dim": 3}),
        (lambda w: nn.BatchNorm2d(w), {"num_features": 3}),
        (lambda w: nn.BatchNorm1d(w, affine=False), {"num_features": 3}),
        (lambda w: nn.LayerNorm(w), {"normalized_shape": (3,)}),
        (lambda w: nn.LayerNorm((4, w), bias=False), {"normalized_shape": (4, 3)}),
        (lambda w: nn.GRU(2 * w, w, 2, bidirectional=True), {"input_size": 6, "hidden_size": 3}),
        (lambda w: nn.LSTM(2 * w, w, bias=False), {"input_size": 6, "hidden_size": 3}),
        (lambda w: nn.RNN(2 * w, w, nonlinearity="relu"), {"input_size": 6, "hidden_size": 3}),
        (lambda w: nn.GRUCell(2 * w, w), {"input_size": 6, "hidden_size": 3}),
        (lambda w: nn.LSTMCell(2 * w, w, bias=False), {"input_size": 6, "hidden_size": 3}),
        (lambda w: nn.RNNCell(2 * w, w), {"input_size": 6, "hidden_size": 3}),
        (lambda w: nn.Conv1d(w, 2 * w, 3, groups=w), {"in_channels": 3, "out_channels": 6, "groups": 3}),
        (lambda w: nn.ConvTranspose1d(2 * w, w, 3, groups=w), {"in_channels": 6, "out_channels": 3, "groups": 3}),
        (lambda w: nn.GroupNorm(w, 2 * w), {"num_channels": 6, "num_groups": 3}),
        (lambda w: nn.GroupNorm(1, w), {"num_channels": 3, "num_groups": 1}),
        (lambda w: nn.InstanceNorm1d(w, affine=True), {"num_features": 3}),
        (lambda w: nn.PReLU(w), {"num_parameters": 3}),
    ],
)
def test_attributes_follow(build: Callable[[int], nn.Module], attributes: dict[str, object]) -> None:
    module, narrow = build(4), build(3)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    assert load(module, narrow.state_dict()) is module
    assert {name: getattr(module, name) for name in attributes} == attributes
    assert repr(module) == repr(narrow)
    torch.testing.assert_close(dict(module.state_dict()), dict(narrow.state_dict()), rtol=0, atol=0)
    assert not any(parameter.requires_grad for parameter in module.parameters())
    if isinstance(module, nn.RNNBase):
        x = torch.randn(5, 2, 6)
        torch.testing.assert_close(module(x)[0], narrow(x)[0], rtol=0, atol=0)


def test_what_does_not_change_its_shape_stays_the_same_object() -> None:
    model = nn.Sequential(nn.Linear(3, 6), nn.Linear(6, 2))
    bias = model[1].bias
    load(model, nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).state_dict())
    assert model[1].bias is bias
    assert model[0].weight.shape == (4, 3)


def test_a_shared_tensor_stays_shared() -> None:
    def build(width: int) -> Net:
        net = Net(lambda s, x: s.b(s.a(x)), a=nn.Linear(width, width), b=nn.Linear(width, width))
        net.b.weight = net.a.weight
        return net

    wide, narrow = build(5), build(3)
    load(wide, narrow.state_dict())
    assert wide.a.weight is wide.b.weight
    state = narrow.state_dict() | {"b.weight": torch.zeros(3, 3)}
    with pytest.raises(ValueError, match=r"a\.weight and b\.weight are one tensor in the model"):
        load(build(5), state)


def refused(model: nn.Module, state: dict[str, Tensor], match: str) -> None:
    before = copy.deepcopy(model)
    with pytest.raises(ValueError, match=match):
        load(model, state)
    assert repr(model) == repr(before)
    torch.testing.assert_close(dict(model.state_dict()), dict(before.state_dict()), rtol=0, atol=0)


def test_states_that_do_not_fit_are_refused_and_nothing_changes() -> None:
    model = nn.Sequential(conv(4, 8), nn.BatchNorm1d(8), conv(8, 3))
    state = dict(model.state_dict())
    missing = {name: tensor for name, tensor in state.items() if not name.startswith("1.")}
    refused(model, missing | {"x": torch.zeros(1)}, r"it lacks 1\.weight, .* and 1 more and has unknown x$")
    narrow = {"0.weight": torch.zeros(5, 4, 3), "0.bias": torch.zeros(8)}
    refused(model, state | narrow, r"0 \(Conv1d\): bias has shape \(8,\), which does not fit its other tensors")
    refused(model, state | {"0.weight": torch.zeros(8, 4, 5)}, r"0 \(Conv1d\): weight has shape \(8, 4, 5\)")
    refused(model, state | {"0.weight": torch.zeros(8)}, r"0 \(Conv1d\): no rule")
    refused(model, state | {"1.running_var": torch.ones(7)}, r"1 \(BatchNorm1d\): running_var has shape \(7,\)")


def test_what_has_no_rule_keeps_its_shape() -> None:
    refused(nn.LSTM(2, 4, proj_size=2), dict(nn.LSTM(2, 3, proj_size=2).state_dict()), "no rule")


@pytest.mark.parametrize("norm", [nn.utils.weight_norm, nn.utils.parametrizations.weight_norm])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_weight_norm_follows_in_both_forms(norm: Callable[[nn.Module], nn.Module]) -> None:
    wide, narrow = (norm(nn.Conv1d(width, 2 * width, 3)) for width in (5, 4))
    x = torch.randn(2, 4, 9)
    expected = narrow(x)
    assert torch.equal(load(wide, narrow.state_dict())(x), expected)
    assert (wide.in_channels, wide.out_channels) == (4, 8)


def test_modules_of_other_kinds_take_any_shape() -> None:
    wide, narrow = (Net(lambda s, x: x * s.g, g=nn.Parameter(torch.rand(width))) for width in (5, 3))
    assert torch.equal(load(wide, narrow.state_dict()).g, narrow.g)


def test_layers_of_a_recurrent_module_must_agree() -> None:
    state = dict(nn.GRU(2, 3, 2).state_dict()) | {"bias_hh_l1": torch.zeros(12)}
    refused(nn.GRU(2, 4, 2), state, r"\(GRU\): bias_hh_l1 has shape \(12,\)")
