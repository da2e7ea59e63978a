"""A trimmed model is an ordinary model: it exports to ONNX and gives there what it gives in torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmark import plugins
from benchmark.trimming import couple, load
from tests.trimming.published import PUBLISHED
from tests.trimming.zoo import scattered

Build = Callable[[], nn.Module]
Inputs = tuple[Tensor, ...]

# The hook form of weight norm is a deprecated way to write the same network; the parametrization is what torch keeps.
EXPORTED = [
    "crepe",
    "open-unmix",
    "wavenet, weight norm by a parametrization",
    "micro-tcn",
    "transformer, fused attention",
    "u-net",
]


@pytest.fixture(autouse=True)
def _one_thread_and_seed() -> Iterator[None]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield


def halved(model: nn.Module, inputs: Inputs, protect: tuple[str, ...] = ()) -> nn.Module:
    """The model without every second unit of every group."""
    before = sum(parameter.numel() for parameter in model.parameters())
    coupling = couple(model, inputs, protect)
    plan = coupling.plan({group.name: range(0, len(group), 2) for group in coupling.groups})
    load(model, plan.apply(model.state_dict()), coupling.stored)
    assert sum(parameter.numel() for parameter in model.parameters()) < 0.6 * before
    return model.eval()


def agrees(model: nn.Module, inputs: Inputs, path: Path) -> None:
    """What the exported file gives is what the model gives."""
    onnxruntime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed, which torch exports with")
    program = torch.onnx.export(model, inputs, dynamo=True, verbose=False)
    assert program is not None
    program.save(path)
    run = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    # An input that the graph does not use would be dropped from it, and the names would not pair up.
    assert len(run.get_inputs()) == len(inputs)
    given = {put.name: x.numpy() for put, x in zip(run.get_inputs(), inputs, strict=True)}
    (answer,) = run.run(None, given)
    with torch.no_grad():
        expected = model(*inputs)
    scale = float(expected.abs().max())
    assert scale > 0
    torch.testing.assert_close(torch.from_numpy(answer), expected, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("name", EXPORTED)
def test_a_trimmed_published_model_runs_in_onnxruntime(name: str, tmp_path: Path) -> None:
    case = PUBLISHED[name]
    inputs = case.inputs()
    agrees(halved(scattered(case.build()), inputs, case.protect), inputs, tmp_path / "model.onnx")


@pytest.mark.parametrize("name", sorted(plugins.tasks()))
def test_a_trimmed_reference_model_runs_in_onnxruntime(name: str, tmp_path: Path) -> None:
    task = plugins.task(name)
    inputs = (task.example("smoke"),)
    agrees(halved(scattered(task.model("smoke")), inputs, task.protected), inputs, tmp_path / "model.onnx")
