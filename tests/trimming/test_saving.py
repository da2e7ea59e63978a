"""A trimmed model goes to disk and back without pickled code, and what is read is not trusted."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmark.trimming import couple, load, restore, save
from tests.trimming.published import PUBLISHED


class Reshapes(nn.Module):
    """A model that stores a width."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head, self.width = nn.Linear(4, 12), nn.Linear(12, 3), 12

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x).reshape(-1, self.width))


def trimmed(path: Path) -> nn.Module:
    model = Reshapes()
    coupling = couple(model, (torch.randn(2, 4),))
    load(model, coupling.plan({"body": [0, 3, 4, 7, 11]}).apply(model.state_dict()), coupling.stored)
    save(path, model, coupling.stored)
    return model


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_model_comes_back(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    case = PUBLISHED[name]
    model, inputs = case.build(), case.inputs()
    coupling = couple(model, inputs, case.protect)
    keep = {group.name: range(0, len(group), 2) for group in coupling.groups}
    model = load(model, coupling.plan(keep).apply(model.state_dict()), coupling.stored).eval()
    save(tmp_path / "model", model, coupling.stored)
    again = restore(tmp_path / "model", case.build()).eval()
    with torch.no_grad():
        torch.manual_seed(1)
        expected = model(*inputs)
        torch.manual_seed(1)
        torch.testing.assert_close(again(*inputs), expected, rtol=0, atol=0)


def test_both_files_are_named_and_nothing_else_is_left(tmp_path: Path) -> None:
    trimmed(tmp_path / "my.model")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my.model.json", "my.model.pt"]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda data: "[", "is not what was saved"),
        (lambda data: "[" * 100_000, "is not what was saved"),
        (lambda data: [], "is not what was saved"),
        (lambda data: data | {"version": 2}, "wanted version 1"),
        (lambda data: data | {"run": "rm"}, "wanted version 1"),
        (lambda data: data | {"stored": [{}]}, "wanted module, attribute"),
        (lambda data: with_entry(data, attribute="forward"), "nothing can follow here: forward"),
        (lambda data: with_entry(data, attribute="training"), "nothing can follow here: training"),
        (lambda data: with_entry(data, attribute="_parameters"), "nothing can follow here"),
        (lambda data: with_entry(data, module="tail"), "nothing can follow here: tail.width"),
        (lambda data: with_entry(data, tensor="tail"), "nothing can follow here"),
        (lambda data: with_entry(data, dim=7), "nothing can follow here"),
        (lambda data: with_entry(data, dim=-1), "integers from 0 on"),
        (lambda data: with_entry(data, dim=True), "integers from 0 on"),
        (lambda data: with_entry(data, index=3), "nothing can follow here"),
        (lambda data: with_entry(data, module=3), "names must be strings"),
    ],
)
def test_hostile_files_are_refused_and_nothing_changes(change: object, wrong: str, tmp_path: Path) -> None:
    trimmed(tmp_path / "m")
    data = json.loads((tmp_path / "m.json").read_text())
    new = change(data)  # type: ignore[operator]
    (tmp_path / "m.json").write_text(new if isinstance(new, str) else json.dumps(new))
    model = Reshapes()
    before = copy.deepcopy(model)
    with pytest.raises(ValueError, match=wrong):
        restore(tmp_path / "m", model)
    assert model.width == 12
    torch.testing.assert_close(dict(model.state_dict()), dict(before.state_dict()), rtol=0, atol=0)


def with_entry(data: dict[str, object], **values: object) -> dict[str, object]:
    (entry,) = data["stored"]  # type: ignore[misc]
    return data | {"stored": [entry | values]}


def test_weights_that_are_not_weights_are_refused(tmp_path: Path) -> None:
    trimmed(tmp_path / "m")
    (tmp_path / "m.pt").write_bytes(b"no weights")
    with pytest.raises(ValueError, match=r"m\.pt is not a file of weights"):
        restore(tmp_path / "m", Reshapes())
    torch.save({"body.weight": 3}, tmp_path / "m.pt")
    with pytest.raises(ValueError, match=r"m\.pt is not a file of weights"):
        restore(tmp_path / "m", Reshapes())
    torch.save(Reshapes(), tmp_path / "m.pt")
    with pytest.raises(ValueError, match=r"m\.pt is not a file of weights"):
        restore(tmp_path / "m", Reshapes())
