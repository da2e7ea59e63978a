"""The network, and the folder as a plugin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmark.task import PROFILES, Profile
from tasks.chords import task
from tasks.chords.model import SHAPES, ChordNet, Shape

ROOT = Path(__file__).resolve().parents[2]


def parameters(profile: Profile) -> int:
    return sum(p.numel() for p in task.model(profile).parameters())


def test_the_full_net_is_the_authors() -> None:
    """416,207 parameters and 1392 features were counted on the authors' unmodified class."""
    assert parameters("full") == 416_207
    assert task.model("full").dense.in_features == 1392


def test_quick_keeps_the_authors_size() -> None:
    assert 400_000 <= parameters("quick") <= 450_000


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("rows", [1, 7])
def test_any_batch_gets_25_logits_a_row(profile: Profile, rows: int) -> None:
    net = task.model(profile).eval()
    assert net(task.example(profile).repeat(rows, 1, 1, 1)).shape == (rows, 25)


def test_rows_do_not_see_each_other_in_eval_mode() -> None:
    net = task.model("smoke").eval()
    x = torch.randn(5, 1, 105, 15)
    assert torch.allclose(net(x)[2:3], net(x[2:3]), atol=1e-5)


def test_widths_are_read_from_tensors() -> None:
    """A net whose layers were replaced by narrower ones still runs: no width is written in its forward."""
    net = ChordNet(SHAPES["smoke"])
    narrow = ChordNet(Shape((2, 3, 1), 5, 0.0, 0.0))
    for name, module in narrow.named_children():
        setattr(net, name, module)
    assert net.eval()(torch.zeros(3, 1, 105, 15)).shape == (3, 25)


def test_what_is_protected_answers_for_the_classes() -> None:
    net = task.model("smoke")
    (name,) = task.protected
    assert net.get_submodule(name).out_features == 25


def test_every_trainable_parameter_learns() -> None:
    net = task.model("smoke")
    targets = torch.tensor([0, 13, 24, -1])
    task.loss(net(torch.randn(4, 1, 105, 15)), targets).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters() if p.requires_grad)


def test_the_input_norm_is_left_to_the_layers_after_it() -> None:
    assert [name for name, p in task.model("quick").named_parameters() if not p.requires_grad] == [
        "norm.weight",
        "norm.bias",
    ]


def test_rows_out_of_the_classes_have_no_part_in_the_loss() -> None:
    logits = torch.randn(4, 25)
    some = task.loss(logits, torch.tensor([3, -1, 24, -1]))
    assert torch.equal(some, task.loss(logits[[0, 2]], torch.tensor([3, 24])))


def test_the_folder_is_a_task_under_any_name(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "benchmark", tmp_path / "benchmark", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "__init__.py").touch()
    copy = tmp_path / "tasks" / "harmonies"
    shutil.copytree(ROOT / "tasks" / "chords", copy, ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "import sys; from tasks.harmonies import task; "
        "data = task.data('rendered', None, 'smoke', 3); "
        "assert not [m for m in sys.modules if m.startswith('tasks.chords')]; "
        "assert task.model('smoke')(data.train.batch(__import__('torch').arange(3)).inputs).shape == (3, 25)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
