"""The network: sizes of the paper, widths from tensors, padding that training leaves out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmark.task import PROFILES, Profile
from tasks.pitch import task
from tasks.pitch.model import SHAPES, Crepe, PaddedConv1d, Shape
from tasks.pitch.scale import OUTPUTS

ROOT = Path(__file__).parents[2]


def parameters(profile: Profile) -> int:
    return sum(p.numel() for p in task.model(profile).parameters())


def test_full_is_the_papers_net_with_one_more_output() -> None:
    assert parameters("full") == 22_239_976 + 2048 + 1


def test_quick_has_the_parameters_of_the_papers_small_net() -> None:
    assert parameters("quick") == pytest.approx(1_628_104, rel=0.05)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("rows", [1, 5])
def test_any_batch_gets_361_logits_a_row(profile: Profile, rows: int) -> None:
    net = task.model(profile).eval()
    with torch.no_grad():
        assert net(task.example(profile).repeat(rows, 1, 1)).shape == (rows, OUTPUTS)


def test_widths_are_read_from_tensors() -> None:
    """A net whose layers were replaced by narrower ones still runs: no width is written in its forward."""
    net, narrow = Crepe(SHAPES["smoke"]), Crepe(Shape((2, 3, 2, 1, 5, 2), 0.0))
    for name, module in narrow.named_children():
        setattr(net, name, module)
    assert net.eval()(torch.zeros(3, 1, 1024)).shape == (3, OUTPUTS)


def test_what_is_protected_answers_for_the_bins() -> None:
    (name,) = task.protected
    assert task.model("smoke").get_submodule(name).out_features == OUTPUTS


@pytest.mark.parametrize("samples", [8, 16, 33, 64, 128])
def test_training_computes_what_evaluation_does(samples: int) -> None:
    """Taps that only meet padding are left out in training; neither output nor gradients may tell."""
    torch.manual_seed(0)
    layer, plain = PaddedConv1d(3, 4, 64).double(), nn.Conv1d(3, 4, 64).double()
    plain.load_state_dict(layer.state_dict())
    x = nn.functional.pad(torch.randn(2, 3, samples, dtype=torch.float64), (31, 32))
    expected = plain(x)
    assert expected.shape[-1] == samples
    with torch.no_grad():
        assert torch.equal(layer(x), expected)
    output = layer(x)
    assert torch.allclose(output, expected, atol=1e-12)
    weights = torch.randn_like(output)
    (output * weights).sum().backward()
    (expected * weights).sum().backward()
    for ours, theirs in zip(layer.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-12)


def test_a_stride_is_computed_as_phases_in_training() -> None:
    torch.manual_seed(0)
    layer, plain = PaddedConv1d(2, 3, 512, 4).double(), nn.Conv1d(2, 3, 512, 4).double()
    plain.load_state_dict(layer.state_dict())
    x = nn.functional.pad(torch.randn(2, 2, 1024, dtype=torch.float64), (254, 254))
    output, expected = layer(x), plain(x)
    assert expected.shape[-1] == 256
    assert torch.allclose(output, expected, atol=1e-12)
    weights = torch.randn_like(output)
    (output * weights).sum().backward()
    (expected * weights).sum().backward()
    for ours, theirs in zip(layer.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-11)


def test_blocks_halve_the_samples_as_in_the_paper() -> None:
    """256 after the first stride of 4, then pooling by two: padding is as TensorFlow's `same`."""
    seen: list[int] = []
    net = task.model("smoke").eval()
    for block in net.blocks:
        block[1].register_forward_hook(lambda module, inputs, output: seen.append(output.shape[-1]))
    net(task.example("smoke"))
    assert seen == [256, 128, 64, 32, 16, 8]
    assert net.blocks[0][0].padding == (254, 254)
    assert all(block[0].padding == (31, 32) for block in net.blocks[1:])


def test_every_parameter_that_can_learn_does() -> None:
    net = task.model("smoke")
    task.loss(net(torch.randn(4, 1, 1024)), torch.tensor([100.0, 0.0, 440.0, 900.0])).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_the_dead_taps_of_the_last_convolution_are_as_many_as_said() -> None:
    net = task.model("smoke")
    task.loss(net(torch.randn(8, 1, 1024)), torch.full((8,), 440.0)).backward()
    alive = [(block[1].weight.grad.abs().sum((0, 1)) > 0).sum().item() for block in net.blocks]
    assert alive == [512, 64, 64, 63, 31, 15]


def test_the_folder_is_a_task_under_any_name(tmp_path: Path) -> None:
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "benchmark", tmp_path / "benchmark", ignore=ignore)
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "__init__.py").touch()
    shutil.copytree(ROOT / "tasks" / "pitch", tmp_path / "tasks" / "melodies", ignore=ignore)
    code = (
        "import sys; from tasks.melodies import task; "
        "data = task.data('rendered', None, 'smoke', 3); "
        "assert not [m for m in sys.modules if m.startswith('tasks.pitch')]; "
        "assert 'mirdata' not in sys.modules and 'librosa' not in sys.modules; "
        "assert task.model('smoke')(data.train.batch(__import__('torch').arange(3)).inputs).shape == (3, 361)"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
