"""Tracing, planning and cutting cost less than anything they are used with: seconds and bytes, on one thread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from benchmark import plugins
from benchmark.trimming import couple, load
from benchmark.trimming.trace import trace
from tests.trimming.published import PUBLISHED
from tests.trimming.zoo import ZOO, Case, WaveNet

ROUNDS = 12
MOST_SECONDS = 1.0
MOST_TIMES = 12
"""Peak of `couple`, in multiples of the weights and the peak of a plain forward together."""


def _reference(name: str) -> Case:
    task = plugins.task(name)
    return Case(lambda: task.model("quick"), lambda: (task.example("quick"),), tuple(task.protected))


CASES = ZOO | PUBLISHED | {f"{name}, reference": _reference(name) for name in plugins.tasks()}


@pytest.fixture(autouse=True, scope="module")
def _one_thread_warm() -> Iterator[None]:
    """The first dispatch mode of a process imports parts of torch for about a second."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    couple(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), (torch.randn(2, 3),))
    yield
    torch.set_num_threads(threads)


def twelve_rounds(case: Case) -> tuple[float, float]:
    """Seconds of `couple`, and of twelve rounds that each cut a fifth of what is left, with loading.

    Of the processor, which is time on the clock where nothing else runs: one thread does it all.
    """
    torch.manual_seed(0)
    model, inputs = case.build(), case.inputs()
    dense = sum(parameter.numel() for parameter in model.parameters())
    start = time.process_time()
    coupling = couple(model, inputs, case.protect)
    coupled = time.process_time()
    whole = None
    for _ in range(ROUNDS):
        keep = {group.name: range(max(1, int(0.8 * len(group)))) for group in coupling.groups}
        plan = coupling.plan(keep)
        load(model, plan.apply(model.state_dict()), coupling.stored)
        whole = plan if whole is None else whole.compose(plan)
        coupling = coupling.trimmed(keep)
    end = time.process_time()
    assert coupling.groups
    assert sum(parameter.numel() for parameter in model.parameters()) < 0.3 * dense
    return coupled - start, end - coupled


@pytest.mark.parametrize("name", CASES)
def test_coupling_and_twelve_cuts_take_less_than_a_second(name: str) -> None:
    """The median of three where the first is too slow."""
    took = [twelve_rounds(CASES[name])]
    if sum(took[0]) > MOST_SECONDS:
        took += [twelve_rounds(CASES[name]) for _ in range(2)]
    coupling, cutting = (statistics.median(each) for each in zip(*took, strict=True))
    print(f"{name}: couple {coupling:.2f} s, {ROUNDS} cuts {cutting:.2f} s")  # noqa: T201 - figures for the guide
    assert coupling + cutting < MOST_SECONDS


class Stack(nn.Module):
    """A WaveNet of real size: 30 gated layers of 128 channels with shortcuts and skips, 3.0 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.dilations = [2 ** (layer % 10) for layer in range(30)]
        self.front = nn.Conv1d(1, 128, 1)
        self.gated = nn.ModuleList([nn.Conv1d(128, 256, 2, dilation=dilation) for dilation in self.dilations])
        self.residuals, self.skips = (nn.ModuleList([nn.Conv1d(128, 128, 1) for _ in range(30)]) for _ in range(2))
        self.end = nn.Sequential(nn.ReLU(), nn.Conv1d(128, 128, 1), nn.ReLU(), nn.Conv1d(128, 256, 1))

    def forward(self, x: Tensor) -> Tensor:
        h, total = self.front(x), torch.zeros(())
        for dilation, gated, residual, skip in zip(self.dilations, self.gated, self.residuals, self.skips, strict=True):
            a, b = gated(F.pad(h, (dilation, 0))).chunk(2, 1)
            z = torch.tanh(a) * torch.sigmoid(b)
            total, h = total + skip(z), h + residual(z)
        return self.end(total)


@pytest.mark.parametrize("length", [64, 512])
def test_a_model_of_real_size_takes_seconds(length: int) -> None:
    took = twelve_rounds(Case(Stack, lambda: (torch.randn(1, 1, length),), ()))
    print(f"real size, {length} samples: couple {took[0]:.2f} s, {ROUNDS} cuts {took[1]:.2f} s")  # noqa: T201
    assert sum(took) < 10


def most_bytes(run: Callable[[], object]) -> int:
    """The most bytes of tensors that live at once, by the allocator's own record."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        run()
    events = [e for e in recorded.profiler.kineto_results.events() if e.name() == "[memory]"]  # type: ignore[union-attr]
    held = most = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most


def wave(length: int) -> tuple[Tensor, ...]:
    return torch.randn(2, 1, length), torch.randn(2, 6, length // 8)


MODELS = {f"wavenet, {length} samples": Case(WaveNet, lambda length=length: wave(length), ()) for length in (512, 8192)}
MODELS |= {name: CASES[name] for name in ("crepe", "open-unmix", "u-net", "classification, reference")}


@pytest.mark.parametrize("name", MODELS)
def test_memory_is_a_multiple_of_weights_and_activations(name: str) -> None:
    torch.manual_seed(0)
    model, inputs = MODELS[name].build().eval(), MODELS[name].inputs()
    with torch.no_grad():
        model(*inputs)
        plain = most_bytes(lambda: model(*inputs))
    weights = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    tracing = most_bytes(lambda: trace(model, inputs, (), {}))
    coupling = most_bytes(lambda: couple(model, inputs, MODELS[name].protect))
    figures = ", ".join(f"{what} {size / 2**20:.2f}" for what, size in (("weights", weights), ("forward", plain)))
    print(f"{name}: MiB: {figures}, trace {tracing / 2**20:.2f}, couple {coupling / 2**20:.2f}")  # noqa: T201
    assert plain > 0
    assert tracing <= coupling < MOST_TIMES * (weights + plain)
