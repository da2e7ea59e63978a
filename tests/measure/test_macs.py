from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.flop_counter import FlopCounterMode

from benchmark.errors import BenchError
from benchmark.measure import UnknownLayer, macs
from benchmark.measure.macs import FREE


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("layer", "shape", "by_hand"),
    [
        (nn.Conv1d(64, 64, 2, dilation=4), (1, 64, 640), 5_210_112),
        (nn.ConvTranspose1d(64, 32, 4, stride=2, padding=1), (1, 64, 100), 819_200),
        (nn.ConvTranspose1d(64, 1, 64, stride=8), (1, 64, 40), 163_840),
        (nn.Linear(128, 61), (1, 50, 128), 390_400),
        (nn.Linear(128, 61), (128,), 128 * 61),
        (nn.Linear(128, 61), (2, 3, 5, 128), 30 * 128 * 61),
        (nn.GRU(256, 128, batch_first=True), (1, 50, 256), 7_372_800),
        (nn.LSTM(30, 128, batch_first=True), (1, 40, 30), 3_235_840),
        (nn.GRU(416, 64, bidirectional=True), (15, 1, 416), 2_764_800),
        (nn.GRU(6, 4, num_layers=2, bidirectional=True), (7, 1, 6), 7 * 2 * 3 * 4 * ((6 + 4) + (2 * 4 + 4))),
        (nn.LSTM(6, 8, proj_size=3), (7, 2, 6), 7 * 2 * (4 * 8 * (6 + 3) + 3 * 8)),
        (nn.RNN(6, 8), (7, 6), 7 * 8 * (6 + 8)),
        (nn.RNNCell(6, 8), (3, 6), 3 * 8 * (6 + 8)),
        (nn.GRUCell(6, 8), (3, 6), 3 * 3 * 8 * (6 + 8)),
        (nn.LSTMCell(6, 8), (6,), 4 * 8 * (6 + 8)),
        (nn.Conv2d(8, 12, (3, 5), stride=(2, 3), padding=1, groups=4), (1, 8, 20, 30), 10 * 10 * 12 * 2 * 15),
        (nn.Conv2d(8, 8, 3, padding="same", groups=8, dilation=2), (1, 8, 9, 9), 81 * 8 * 9),
        (nn.Conv3d(2, 3, 2), (1, 2, 4, 5, 6), 3 * 4 * 5 * 3 * 2 * 8),
        (nn.ConvTranspose2d(6, 4, 3, stride=2, groups=2), (1, 6, 5, 7), 5 * 7 * 6 * 2 * 9),
        (nn.ConvTranspose3d(2, 3, 2), (1, 2, 3, 3, 3), 27 * 2 * 3 * 8),
        (nn.BatchNorm2d(8), (1, 8, 4, 4), 0),
        (nn.LayerNorm(8), (1, 4, 8), 0),
        (nn.Upsample(scale_factor=2, mode="linear"), (1, 4, 8), 0),
        (nn.UpsamplingBilinear2d(scale_factor=2), (1, 1, 4, 4), 0),
        (nn.LPPool1d(2, 2), (1, 4, 8), 0),
        (nn.Sequential(), (1, 4), 0),
    ],
    ids=lambda value: str(value).replace(" ", "") if isinstance(value, (nn.Module, int)) else "x".join(map(str, value)),
)
def test_hand_count(layer: nn.Module, shape: tuple[int, ...], by_hand: int) -> None:
    assert macs(layer, torch.randn(shape)) == by_hand


def test_biases_and_embeddings_are_no_macs() -> None:
    assert macs(nn.Linear(8, 4, bias=False), torch.randn(1, 8)) == macs(nn.Linear(8, 4), torch.randn(1, 8)) == 32
    assert macs(nn.Embedding(10, 4), torch.arange(6)) == 0
    assert macs(nn.EmbeddingBag(10, 4), torch.arange(6).view(2, 3)) == 0


def test_every_free_type_is_a_layer_without_known_macs() -> None:
    assert len(set(FREE)) == len(FREE)
    assert not set(FREE) & {nn.Linear, nn.Bilinear, nn.MultiheadAttention, nn.Sequential, nn.Module}


class Gated(nn.Module):
    """Dilated, gated, residual; a bare parameter that acts point-wise."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.both = nn.Conv1d(width, 2 * width, 2, dilation=3)
        self.mix = nn.Conv1d(width, width, 1)
        self.scale = nn.Parameter(torch.ones(width, 1))

    def forward(self, x):
        gate, value = self.both(F.pad(x, (3, 0))).chunk(2, 1)
        return x + self.scale * self.mix(gate.sigmoid() * value.tanh())


class Recurrent(nn.Module):
    """Convolution, any-order flatten, stacked two-way recurrence given by keyword, heads of which one runs twice."""

    def __init__(self, kind: type[nn.Module]) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d((1, 2)))
        self.rnn = kind(6 * 8, 10, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(20, 5)

    def forward(self, x):
        features = self.conv(x).permute(0, 2, 1, 3).flatten(2)
        states, _ = self.rnn(hx=None, input=features)
        return self.head(states) + self.head(states.flip(1))


NETS = {
    "gated": (lambda: nn.Sequential(nn.Conv1d(1, 8, 1), Gated(8), Gated(8), nn.Conv1d(8, 1, 1)), (2, 1, 64)),
    "gru": (lambda: Recurrent(nn.GRU), (2, 1, 12, 16)),
    "lstm": (lambda: Recurrent(nn.LSTM), (2, 1, 12, 16)),
    "tanh": (lambda: Recurrent(nn.RNN), (2, 1, 12, 16)),
    "grouped": (
        lambda: nn.Sequential(
            nn.Conv2d(4, 8, 3, stride=2, groups=2), nn.GroupNorm(2, 8), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8),
            nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3),
        ),
        (2, 4, 15, 17),
    ),
    "decoder": (
        lambda: nn.Sequential(
            nn.ConvTranspose1d(5, 8, 4, stride=2, padding=1), nn.GELU(),
            nn.ConvTranspose1d(8, 8, 8, stride=4, groups=4), nn.GELU(),
            nn.Conv1d(8, 1, 9, padding=4, stride=3),
        ),
        (2, 5, 11),
    ),
    "volume": (
        lambda: nn.Sequential(nn.Conv3d(1, 3, 3, dilation=2), nn.ReLU(), nn.ConvTranspose3d(3, 2, 2, stride=2)),
        (1, 1, 8, 8, 8),
    ),
}  # fmt: skip


@pytest.mark.parametrize("net", NETS)
def test_equal_to_torch_flop_counter(net: str) -> None:
    build, shape = NETS[net]
    model, x = build().eval(), torch.randn(shape)
    # With mkldnn an LSTM is one fused operator, which torch's counter does not know.
    with torch.backends.mkldnn.flags(enabled=False), torch.no_grad(), FlopCounterMode(display=False) as flops:
        model(x)
    assert macs(model, x) * 2 == flops.get_total_flops() > 0


@pytest.mark.parametrize("net", ["gated", "gru", "lstm", "decoder", "volume"])
def test_near_ptflops(net: str) -> None:
    """ptflops adds biases, norms and activations, so wide nets come within four percent, from below."""
    from ptflops import get_model_complexity_info

    wide = {
        "gated": (nn.Sequential(nn.Conv1d(1, 64, 1), Gated(64), Gated(64), nn.Conv1d(64, 1, 1)), (1, 128)),
        "gru": (nn.GRU(64, 64, batch_first=True), (20, 64)),
        "lstm": (nn.LSTM(64, 64, num_layers=2, batch_first=True), (20, 64)),
        "decoder": (nn.Sequential(nn.ConvTranspose1d(32, 32, 8, stride=4), nn.ReLU(), nn.Conv1d(32, 8, 9)), (32, 30)),
        "volume": (nn.Sequential(nn.Conv3d(8, 16, 3), nn.ReLU(), nn.Conv3d(16, 8, 3)), (8, 9, 9, 9)),
    }
    model, shape = wide[net]
    theirs, _ = get_model_complexity_info(
        copy.deepcopy(model), shape, backend="pytorch", as_strings=False, print_per_layer_stat=False
    )
    ours = macs(model, torch.randn(1, *shape))
    assert ours <= theirs <= 1.04 * ours


def test_batch_and_sequence_length_scale() -> None:
    for model in (nn.GRU(5, 4, batch_first=True), nn.Linear(5, 4)):
        once = macs(model, torch.randn(1, 10, 5))
        assert macs(model, torch.randn(2, 10, 5)) == 2 * once
        assert macs(model, torch.randn(1, 70, 5)) == 7 * once


def test_packed_sequence_counts_true_lengths() -> None:
    packed = pack_padded_sequence(torch.randn(10, 2, 5), torch.tensor([10, 4]))
    assert macs(nn.GRU(5, 4), (packed,)) == 14 * 3 * 4 * (5 + 4)


def test_only_what_runs_is_counted() -> None:
    class Lazy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused, self.strange = nn.Linear(3, 3), nn.Linear(3, 3), nn.Bilinear(3, 3, 3)

        def forward(self, x):
            return self.used(self.used(x))

    assert macs(Lazy(), torch.randn(1, 3)) == 18


def test_several_inputs() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(3, 4), nn.Linear(5, 4)

        def forward(self, x, y):
            return self.a(x) + self.b(y)

    assert macs(Two(), (torch.randn(1, 3), torch.randn(1, 5))) == 12 + 20


class Attend(nn.Module):
    """A leaf whose product is in its own forward."""

    def __init__(self) -> None:
        super().__init__()
        self.key = nn.Parameter(torch.randn(3, 4))

    def forward(self, x, *, scale=1.0):
        return x @ self.key * scale


class AttendTaught(Attend):
    def macs(self, inputs, output):
        return inputs[0].numel() // 3 * self.key.numel()


class Wrapping(nn.Module):
    """Has children, and yet says itself what it costs."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 3)

    def forward(self, x):
        return self.inner(x) @ torch.ones(3, 3)

    def macs(self, inputs, output):
        return 1234


def test_unknown_layer_names_path_and_type() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ModuleDict({"head": Attend()})["head"])
    with pytest.raises(UnknownLayer, match=r"layer '1' \(Attend\) is of no known type.*method macs\(") as error:
        macs(model, torch.randn(1, 3))
    assert isinstance(error.value, BenchError)
    assert "\n" not in str(error.value)
    with pytest.raises(UnknownLayer, match=r"the model itself \(Bilinear\)"):
        macs(nn.Bilinear(2, 3, 4), (torch.randn(1, 2), torch.randn(1, 3)))


def test_taught_layer_answers_for_all_inside() -> None:
    assert macs(AttendTaught(), torch.randn(5, 3)) == 5 * 12
    assert macs(nn.Sequential(Wrapping(), nn.Linear(3, 2)), torch.randn(1, 3)) == 1234 + 6


def test_subclass_counts_unless_it_has_its_own_forward() -> None:
    class Renamed(nn.Linear):
        pass

    class Cropped(nn.Conv1d):
        def forward(self, input):
            return super().forward(input)[..., :1]

    assert macs(Renamed(3, 4), torch.randn(1, 3)) == 12
    with pytest.raises(UnknownLayer, match="Cropped"):
        macs(Cropped(2, 2, 1), torch.randn(1, 2, 9))


class Functional(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.function = function

    def forward(self, x):
        return self.function(self.linear(x), self.linear.weight)


@pytest.mark.parametrize(
    ("function", "op"),
    [
        (lambda x, w: x @ w, "aten::mm"),
        (lambda x, w: w @ x[0], "aten::mv"),
        (lambda x, w: x[0] @ w[0], "aten::dot"),
        (lambda x, w: F.linear(x, w), "aten::mm"),
        (lambda x, w: F.linear(x, w, w[0]), "aten::addmm"),
        (lambda x, w: x[None] @ w.expand(1, 4, 4), "aten::bmm"),
        (lambda x, w: torch.einsum("bi,io->bo", x, w), "aten::bmm"),
        (lambda x, w: torch.tensordot(x, w, 1), "aten::mm"),
        (lambda x, w: F.conv1d(x[:, None], w[:, None, :2]), "aten::convolution"),
        (lambda x, w: F.conv_transpose2d(x[:, None, None], w[None, :1, None]), "aten::convolution"),
        (lambda x, w: F.scaled_dot_product_attention(x[None], w[None], w[None]), r"aten::\w*(dot_product|bmm)\w*"),
        (lambda x, w: torch.cdist(x, w), r"aten::\w*(cdist|mm)\w*"),
        (lambda x, w: F.bilinear(x, x, w[None]), "aten::_trilinear"),
    ],
)
@pytest.mark.parametrize("inference", [False, True])
def test_product_outside_a_layer_is_an_error(function, op: str, inference: bool) -> None:
    model = nn.Sequential(nn.Identity(), Functional(function))
    # Inference mode hides the decomposition: there `matmul` and `linear` arrive as themselves.
    if inference:
        op = r"aten::[\w.]+"
    with torch.inference_mode(inference), pytest.raises(UnknownLayer, match=rf"{op} runs in '1' \(Functional\)"):
        macs(model, torch.randn(2, 4))


def test_foreign_operator_is_an_error() -> None:
    @torch.library.custom_op("trimbench_test::twice", mutates_args=())
    def twice(x: torch.Tensor) -> torch.Tensor:
        return x * 2

    with pytest.raises(UnknownLayer, match="trimbench_test::twice"):
        macs(Functional(lambda x, w: twice(x)), torch.randn(2, 4))


def test_attention_is_an_error_and_pointwise_work_is_not() -> None:
    with pytest.raises(UnknownLayer, match=r"\(MultiheadAttention\)"):
        macs(nn.MultiheadAttention(4, 2), (torch.randn(3, 1, 4),) * 3)
    spectral = Functional(lambda x, w: torch.fft.irfft(torch.fft.rfft(x) * 2).cumsum(-1) + w.sum(0))
    assert macs(spectral, torch.randn(2, 4)) == 32


def test_the_models_own_except_does_not_hide_the_error() -> None:
    class Careless(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(3, 3), nn.Linear(4, 4)

        def forward(self, x):
            try:
                return self.second(x)
            except RuntimeError:
                return self.first(x) @ torch.ones(3, 1)

    with pytest.raises(UnknownLayer, match=r"aten::mm runs in the model itself \(Careless\)"):
        macs(Careless(), torch.randn(1, 3))


def test_all_problems_are_counted() -> None:
    with pytest.raises(UnknownLayer, match=r"'0' \(Attend\).*\(and 1 more\)$"):
        macs(nn.Sequential(Attend(), Functional(lambda x, w: x @ w)), torch.randn(1, 3))


class Streaming(nn.Module):
    """Writes into one buffer and replaces the other."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3)
        self.register_buffer("seen", torch.zeros(1))
        self.register_buffer("last", None)
        self.register_buffer("constant", torch.ones(1).expand(4))

    def forward(self, x):
        self.seen += 1
        self.last = x
        return self.conv(x + torch.rand_like(x))


@pytest.mark.parametrize("fails", [False, True])
def test_model_is_left_as_it_was(fails: bool) -> None:
    model = nn.Sequential(nn.BatchNorm1d(1), Streaming(), nn.Dropout(0.5))
    model[0].eval()
    calls = []
    model[1].conv.register_forward_hook(lambda *_: calls.append(1))
    seen, conv = model[1].seen, model[1].conv
    hooks = {name: (len(m._forward_hooks), len(m._forward_pre_hooks)) for name, m in model.named_modules()}
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    if fails:
        with pytest.raises(RuntimeError, match="Kernel size"):
            macs(model, torch.ones(1, 1, 2))
    else:
        assert macs(model, torch.ones(1, 1, 9)) == 21
        assert calls == [1]
    assert torch.equal(torch.get_rng_state(), random)
    assert [m.training for m in model.modules()] == [True, False, True, True, True]
    assert hooks == {name: (len(m._forward_hooks), len(m._forward_pre_hooks)) for name, m in model.named_modules()}
    assert model[1].seen is seen
    assert model[1].last is None
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not conv._forward_hooks_with_kwargs
    assert not conv._forward_hooks_always_called
