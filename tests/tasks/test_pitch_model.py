"""The network: sizes of the paper, widths from tensors, no weight that hears nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmark.task import PROFILES, Profile
from tasks.pitch import task
from tasks.pitch.model import SHAPES, SHORT, Crepe, Shape
from tasks.pitch.scale import OUTPUTS

ROOT = Path(__file__).parents[2]


def parameters(profile: Profile) -> int:
    return sum(p.numel() for p in task.model(profile).parameters())


def test_full_is_the_papers_net_with_one_more_output() -> None:
    assert parameters("full") == 22_239_976 + 2048 + 1


def test_quick_has_parameters_between_the_papers_tiny_and_small_nets() -> None:
    assert 486_488 < parameters("quick") < 1_628_104


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("rows", [1, 5])
def test_any_batch_gets_361_logits_a_row(profile: Profile, rows: int) -> None:
    net = task.model(profile).eval()
    with torch.no_grad():
        assert net(task.example(profile).repeat(rows, 1, 1)).shape == (rows, OUTPUTS)


def test_widths_are_read_from_tensors() -> None:
    """A net whose layers were replaced by narrower ones still runs: no width is written in its forward."""
    net, narrow = Crepe(SHAPES["smoke"]), Crepe(Shape((2, 3, 2, 1, 5, 2), SHORT, 16, 0.0))
    for name, module in narrow.named_children():
        setattr(net, name, module)
    assert net.eval()(torch.zeros(3, 1, 1024)).shape == (3, OUTPUTS)


def test_what_is_protected_answers_for_the_bins() -> None:
    (name,) = task.protected
    assert task.model("smoke").get_submodule(name).out_features == OUTPUTS


@pytest.mark.parametrize(("profile", "first"), [("full", 256), ("quick", 64), ("smoke", 64)])
def test_blocks_halve_the_samples_as_in_the_paper(profile: Profile, first: int) -> None:
    """After the stride of the first: padding is as TensorFlow's `same`, the odd zero on the right."""
    seen: list[int] = []
    net = task.model(profile).eval()
    for block in net.blocks:
        block[1].register_forward_hook(lambda module, inputs, output: seen.append(output.shape[-1]))
    with torch.no_grad():
        net(task.example(profile))
    assert seen == [first // 2**k for k in range(6)]
    for block, stride in zip(net.blocks, [1024 // first, 1, 1, 1, 1, 1], strict=True):
        kernel = block[1].kernel_size[0]
        assert block[0].padding == ((kernel - stride) // 2, (kernel - stride + 1) // 2)


def test_every_parameter_that_can_learn_does() -> None:
    net = task.model("smoke")
    task.loss(net(torch.randn(4, 1, 1024)), torch.tensor([100.0, 0.0, 440.0, 900.0])).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def alive(net: Crepe) -> list[int]:
    """Taps of every convolution that any sample reaches."""
    task.loss(net(torch.randn(8, 1, 1024)), torch.full((8,), 440.0)).backward()
    return [int((block[1].weight.grad.abs().sum((0, 1)) > 0).sum()) for block in net.blocks]


def test_only_the_papers_kernels_have_taps_that_meet_nothing_but_padding() -> None:
    full = SHAPES["full"]
    narrow = Crepe(Shape((8, 8, 8, 8, 8, 32), full.kernels, full.stride, 0.0))
    assert alive(narrow) == [512, 64, 64, 63, 31, 15]
    assert alive(task.model("smoke")) == list(SHORT)


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
