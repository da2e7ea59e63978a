"""The guide is true: its code runs as it stands, prints what it shows, and its table holds for each kind of layer."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark import trimming
from benchmark.trimming import Coupling, couple, load, teaching, verify
from tests.trimming.nets import Net, between, conv
from tests.trimming.test_couple import test_the_guide_in_the_docstring_runs as docstring_runs

PAGE = Path(__file__).parents[2] / "docs" / "trimming.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """In a folder of its own; what the guide teaches is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(teaching, "_TAUGHT", dict(teaching._TAUGHT))
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield


@pytest.fixture
def guide() -> dict[str, Any]:
    """What is defined when all blocks have run. Each prints the text block after it, else nothing."""
    scope: dict[str, Any] = {"__name__": "guide"}
    for index, (language, code) in enumerate(BLOCKS):
        if language != "python":
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "model.py", "exec"), scope)
        shown = BLOCKS[index + 1][1] if BLOCKS[index + 1 :] and BLOCKS[index + 1][0] == "text" else ""
        assert printed.getvalue() == shown, code
    return scope


def test_every_block_runs_and_prints_what_is_shown(guide: dict[str, Any]) -> None:
    assert {language for language, _ in BLOCKS} == {"python", "text"}
    # The last round cut the moments with the weights: the optimizer that was built anew has stepped on them.
    steps = {float(state["step"]) for state in guide["optimizer"].state.values()}
    assert steps == {2.0}
    assert all(state["exp_avg"].shape == p.shape for p, state in guide["optimizer"].state.items())


def test_rewinding_by_the_composed_plan_is_picking_from_the_early_state(guide: dict[str, Any]) -> None:
    early, whole = guide["early"], guide["whole"]
    kept = whole.cuts["head.weight"][1].keep
    assert len(kept) == 8
    assert torch.equal(whole.apply(early)["head.weight"], early["head.weight"][:, list(kept)])


def test_the_docstring_of_the_package_runs() -> None:
    docstring_runs()


def test_the_first_block_is_about_ten_lines() -> None:
    body = [line for line in BLOCKS[0][1].splitlines() if line and not line.startswith(("import", "from"))]
    assert len(body) <= 10


def test_every_public_name_is_on_the_page() -> None:
    told = {"couple", "load", "verify", "save", "restore", "teach"}
    assert all(re.search(rf"\b{name}\(", TEXT) for name in told)
    assert told == {name for name in trimming.__all__ if name.islower()}


def test_links_inside_the_page_lead_somewhere() -> None:
    titles = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)}
    links = re.findall(r"\]\(#([^)]+)\)", TEXT)
    assert links
    assert set(links) <= titles


@dataclass(frozen=True)
class Kind:
    """A net with a layer of the kind, and what the table claims: the units of its groups, or a reason."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    units: tuple[int, ...] = ()
    reason: str = ""
    norms: bool = False


def _residual() -> nn.Module:
    return Net(lambda s, x: s.o(F.relu(x + s.a(x))), a=nn.Linear(4, 4), o=nn.Linear(4, 3))


def _recurrent(kind: Any) -> Kind:
    def build() -> nn.Module:
        return Net(
            lambda s, x: s.o(s.g(x)[0]), g=kind(4, 5, 2, batch_first=True, bidirectional=True), o=nn.Linear(10, 3)
        )

    return Kind(build, (2, 6, 4), (5,))


def _cell(kind: Any) -> Kind:
    def forward(s: Any, x: Tensor) -> Tensor:
        state = s.g(x[:, 0])
        state = s.g(x[:, 1], state)
        return s.o(state[0] if isinstance(state, tuple) else state)

    return Kind(lambda: Net(forward, g=kind(4, 5), o=nn.Linear(5, 3)), (2, 6, 4), (5,))


def _convolution(kind: Any, dims: int) -> Kind:
    return Kind(lambda: nn.Sequential(kind(4, 6, 3), nn.ReLU(), kind(6, 3, 1)), (2, 4, *[5] * dims), (6,))


def _middle(build: Callable[[], nn.Module], units: int = 16, norms: bool = False) -> Kind:
    return Kind(lambda: nn.Sequential(conv(4, 16), build(), conv(16, 3)), (2, 4, 9), (units,), norms=norms)


def _attention(fused: bool) -> Kind:
    def forward(s: Any, x: Tensor) -> Tensor:
        q, k, v = (layer(x).unflatten(-1, (-1, 4)).transpose(1, 2) for layer in (s.q, s.k, s.v))
        y = F.scaled_dot_product_attention(q, k, v) if fused else torch.softmax(q @ k.transpose(2, 3) / 2, -1) @ v
        return s.o(y.transpose(1, 2).flatten(2))

    def build() -> nn.Module:
        return Net(forward, q=nn.Linear(6, 12), k=nn.Linear(6, 12), v=nn.Linear(6, 12), o=nn.Linear(12, 2))

    return Kind(build, (2, 5, 6), (3,))


def _gain() -> nn.Module:
    def forward(s: Any, x: Tensor) -> Tensor:
        return s.o(torch.relu(s.a(x) * s.gain + s.place))

    gain, place = nn.Parameter(torch.randn(8)), nn.Parameter(torch.randn(6, 8))
    return Net(forward, a=nn.Linear(4, 8), gain=gain, place=place, o=nn.Linear(8, 3))


def _tied() -> nn.Module:
    net = Net(lambda s, x: s.o(s.c(s.b(s.b(s.a(x))))), **{n: nn.Linear(6, 6) for n in "abc"}, o=nn.Linear(6, 3))
    net.c.weight = net.b.weight
    return net


def _moved(middle: Callable[[Tensor], Tensor], after: int, *units: int) -> Kind:
    """Two convolutions side by side, what `middle` does with their 8 channels each on 4 x 4, and a linear layer."""

    def forward(s: Any, x: Tensor) -> Tensor:
        return s.o(middle(torch.cat([s.a(x), s.b(x)], 1)).flatten(1))

    def build() -> nn.Module:
        return Net(forward, a=nn.Conv2d(4, 8, 1), b=nn.Conv2d(4, 8, 1), o=nn.Linear(after, 3))

    return Kind(build, (2, 4, 4, 4), units)


def _crossed(h: Tensor) -> Tensor:
    """Halves by a slice and by `split`."""
    half = h.shape[1] // 2
    return h[:, :half] + h.split(half, 1)[1]


def _encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(16, 4, 20, batch_first=True)
    return nn.Sequential(nn.Linear(4, 16), layer, nn.Linear(16, 3))


def _attending() -> nn.Module:
    attention = nn.MultiheadAttention(16, 4, batch_first=True)
    return Net(lambda s, x: s.o(s.m(h := s.a(x), h, h)[0]), a=nn.Linear(4, 16), m=attention, o=nn.Linear(16, 3))


def _folded() -> nn.Module:
    def forward(s: Any, x: Tensor) -> Tensor:
        h = s.a(x)
        return s.o(s.each(h.reshape(-1, 1, h.shape[2])).reshape(h.shape))

    return Net(forward, a=conv(4, 8), each=conv(1, 1), o=conv(8, 3))


def _literal() -> nn.Module:
    return Net(lambda s, x: s.o(s.a(x).reshape(-1, 8)), a=nn.Linear(4, 8), o=nn.Linear(8, 3))


_LN = [(lambda: nn.LayerNorm(16)), (lambda: nn.RMSNorm(16))]
_SPECTRAL = nn.utils.parametrizations.spectral_norm
_WEIGHT_NORMS = [nn.utils.parametrizations.weight_norm, nn.utils.weight_norm]

# By the first column of the table.
KINDS: dict[str, list[Kind]] = {
    "`nn.Linear`": [Kind(lambda: nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 3)), (2, 4), (6,))],
    "`nn.Conv1d` to `nn.Conv3d`, `nn.ConvTranspose1d` to `nn.ConvTranspose3d`": [
        *(_convolution(kind, dims + 1) for dims, kind in enumerate((nn.Conv1d, nn.Conv2d, nn.Conv3d))),
        *(
            _convolution(kind, dims + 1)
            for dims, kind in enumerate((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d))
        ),
    ],
    "convolutions with groups": [_middle(lambda: conv(16, 16, 4), 4), _middle(lambda: conv(16, 16, 16))],
    "`nn.Embedding`": [
        Kind(lambda: Net(lambda s, x: s.o(s.e(x.argmax(-1))), e=nn.Embedding(9, 6), o=nn.Linear(6, 3)), (2, 5, 9), (6,))
    ],
    "`nn.RNN`, `nn.LSTM`, `nn.GRU`": [_recurrent(kind) for kind in (nn.RNN, nn.LSTM, nn.GRU)],
    "`nn.RNNCell`, `nn.LSTMCell`, `nn.GRUCell`": [_cell(kind) for kind in (nn.RNNCell, nn.LSTMCell, nn.GRUCell)],
    "`nn.BatchNorm1d`, `nn.InstanceNorm1d` and their sisters, `nn.PReLU`": [
        _middle(lambda: nn.BatchNorm1d(16)),
        _middle(lambda: nn.InstanceNorm1d(16, affine=True)),
        _middle(lambda: nn.PReLU(16)),
    ],
    "gains, positions, learned states: parameters that meet units element by element": [Kind(_gain, (2, 6, 4), (8,))],
    "`nn.GroupNorm`": [
        _middle(lambda: nn.GroupNorm(4, 16), 4),
        _middle(lambda: nn.GroupNorm(1, 16), 16, norms=True),
    ],
    "`nn.LayerNorm`, `nn.RMSNorm`": [
        Kind(lambda n=n: nn.Sequential(nn.Linear(4, 16), n(), nn.Linear(16, 3)), (2, 4), (16,), norms=True) for n in _LN
    ],
    "attention, by `scaled_dot_product_attention` or written out": [_attention(True), _attention(False)],
    "weight norm, both forms of torch": [
        Kind(lambda n=n: nn.Sequential(n(conv(4, 8)), nn.ReLU(), n(conv(8, 3))), (2, 4, 9), (8,)) for n in _WEIGHT_NORMS
    ],
    "one layer called twice, tied weights": [Kind(_tied, (2, 6), (6,))],
    "`cat`, `chunk`, `split`, slices, `flatten`, `permute`, `pad`, pooling, `glu`, `pixel_shuffle`": [
        _moved(lambda h: F.max_pool2d(F.pad(h, (1, 1, 1, 1)), 2).permute(0, 3, 1, 2), 144, 8, 8),
        _moved(lambda h: torch.sub(*h.chunk(2, 1)), 128, 8),
        _moved(_crossed, 128, 8),
        _moved(lambda h: F.glu(h, 1), 128, 8),
        _moved(lambda h: F.pixel_shuffle(h, 2), 256, 2, 2),
    ],
    "outputs of the model, modules in `protect`": [
        Kind(lambda: conv(4, 3), (2, 4, 9), reason="an output of the model")
    ],
    "sums of a layer with an input of the model": [Kind(_residual, (2, 4), reason="values of fixed width")],
    "`nn.MultiheadAttention`, `nn.TransformerEncoderLayer`": [
        Kind(_attending, (2, 5, 4), reason="stops in m"),
        Kind(_encoder, (2, 5, 4), (20,), reason="stops in 1.self_attn"),
    ],
    "spectral norm": [
        Kind(lambda: nn.Sequential(conv(4, 8), _SPECTRAL(conv(8, 3))), (2, 4, 9), reason=r"aten\.\w+ takes it apart")
    ],
    "mean, norm or softmax over units that something else depends on": [
        Kind(lambda: between(lambda h: h / h.mean(-1, keepdim=True)), (2, 4, 6), reason="reduces over them"),
        Kind(lambda: between(lambda h: F.normalize(h, dim=-1)), (2, 4, 6), reason="reduces over them"),
        Kind(lambda: between(lambda h: torch.softmax(h, -1)), (2, 4, 6), reason="softmax"),
    ],
    "`sort` and what else has no rule": [
        Kind(lambda: between(lambda h: h.sort(-1).values), (2, 4, 6), reason="has no rule")
    ],
    "units along the batch dim": [Kind(_folded, (2, 4, 9), reason="a dim that a layer does not read")],
    "widths written as numbers in the forward": [Kind(_literal, (2, 4), reason=r"test_guide\.py line \d+")],
}


def coupled(kind: Kind) -> tuple[nn.Module, tuple[Tensor, ...], Coupling]:
    model, inputs = kind.build(), (torch.randn(kind.shape),)
    return model, inputs, couple(model, inputs)


def test_the_table_has_these_rows() -> None:
    table = TEXT.split("## What is cut, what is frozen")[1].split("\n## ")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")]
    assert rows[1:] == list(KINDS)


@pytest.mark.parametrize("row", KINDS)
def test_a_row_of_the_table_is_true(row: str) -> None:
    for kind in KINDS[row]:
        model, inputs, coupling = coupled(kind)
        assert tuple(coupling.widths.values()) == kind.units, coupling.explain()
        assert any(re.search(kind.reason, frozen.reason) for frozen in coupling.frozen), coupling.frozen
        assert coupling.norms or not kind.norms
        assert verify(model, inputs, coupling) < 1e-12
        if not kind.units:
            continue
        keep = {group.name: range(1, len(group)) for group in coupling.groups}
        load(model, coupling.plan(keep).apply(model.state_dict()), coupling.stored)
        assert model(*inputs).isfinite().all()


def test_a_literal_width_is_mended_by_reading_it_from_a_layer(guide: dict[str, Any]) -> None:
    assert couple(guide["Halves"](), (torch.randn(2, 5, 4),)).widths == {}
    code = next(code for _, code in BLOCKS if code.startswith("class Halves"))
    exec(code.replace("2, 12)", "2, self.out.in_features)"), guide)
    model = guide["Halves"]()
    assert couple(model, (torch.randn(2, 5, 4),)).widths == {"inp": 12}
    assert verify(model, (torch.randn(2, 5, 4),)) < 1e-12


def test_limits_are_as_told() -> None:
    at_one_width = between(lambda h: h * 2 if h.shape[-1] == 5 else h)
    assert couple(at_one_width, (torch.randn(2, 4, 6),)).widths == {"a": 16}
    with_five = {"fraction": 11 / 16}
    assert verify(at_one_width, (torch.randn(2, 4, 6),), **with_five) > 1e-3

    insists = Net(lambda s, x: s.o(s.a(x).float()), a=nn.Linear(4, 8), o=nn.Linear(8, 3))
    assert couple(insists, (torch.randn(2, 4),)).widths == {"a": 8}
    with pytest.raises(RuntimeError, match="does not run in float64"):
        verify(insists, (torch.randn(2, 4),))

    casts = Net(lambda s, x: s.o(torch.tanh(s.b(s.a(x)).float()).to(x.dtype)), **_layers())
    assert 0 < verify(casts, (torch.randn(2, 4),)) < 1e-6

    unseen = Net(lambda s, x: s.o(s.a(x)), **_layers())
    frozen = {entry.name: entry.reason for entry in couple(unseen, (torch.randn(2, 4),)).frozen}
    assert "no layer uses its weights" in frozen["b"]


def _layers() -> dict[str, nn.Module]:
    return {"a": nn.Linear(4, 8), "b": nn.Linear(8, 8), "o": nn.Linear(8, 3)}
