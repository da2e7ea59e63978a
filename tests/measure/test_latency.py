from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from time import perf_counter, sleep

import pytest
import torch
from torch import nn

from benchmark.errors import UsageError
from benchmark.measure import latency


@pytest.fixture(autouse=True)
def _two_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


class Clock:
    """A clock that only goes on by `sleep`, so that a busy machine changes nothing."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(sys.modules["benchmark.measure.latency"], "perf_counter", clock)
    monkeypatch.setitem(globals(), "sleep", clock.sleep)
    return clock


class Sleeper(nn.Module):
    """Takes a known time; notes under what conditions it was called."""

    def __init__(self, seconds: float, log: list[str] | None = None, name: str = "") -> None:
        super().__init__()
        self.seconds, self.log, self.name = seconds, log, name
        self.conditions: set[tuple[object, ...]] = set()

    def forward(self, x):
        if self.log is not None:
            self.log.append(self.name)
        self.conditions.add((torch.get_num_threads(), torch.is_inference_mode_enabled(), self.training, gc.isenabled()))
        sleep(self.seconds)
        return x


def test_larger_net_takes_longer() -> None:
    small = nn.Sequential(nn.Conv1d(16, 16, 3), nn.ReLU(), nn.Conv1d(16, 16, 3))
    large = nn.Sequential(nn.Conv1d(16, 1280, 3), nn.ReLU(), nn.Conv1d(1280, 16, 3))
    found = latency({"small": small, "large": large}, torch.randn(1, 16, 512), seconds=0.4)
    assert list(found) == ["small", "large"]
    assert found["large"].lower > found["small"].upper
    assert found["large"].ratio_lower > 2
    for one in found.values():
        assert 0 < one.lower <= one.median <= one.upper
        assert 0 < one.ratio_lower <= one.ratio <= one.ratio_upper
    assert (found["small"].ratio_lower, found["small"].ratio, found["small"].ratio_upper) == (1, 1, 1)
    json.dumps({name: asdict(one) for name, one in found.items()})


@pytest.mark.usefixtures("clock")
def test_known_time_and_ratio() -> None:
    found = latency({"a": Sleeper(0.004), "b": Sleeper(0.012)}, torch.zeros(1), rounds=9, seconds=5)
    assert found["a"].calls == found["b"].calls == 9
    for name, seconds in (("a", 0.004), ("b", 0.012)):
        one = found[name]
        assert (one.lower, one.median, one.upper) == pytest.approx((seconds,) * 3, rel=1e-9)
    assert found["b"].ratio == pytest.approx(3, rel=1e-9)


@pytest.mark.usefixtures("clock")
def test_drift_leaves_the_ratio() -> None:
    """A machine that becomes ten times slower while it measures: times spread, ratios do not."""

    class Throttled(nn.Module):
        calls = 0

        def forward(self, x):
            Throttled.calls += 1
            sleep(0.002 * (1 + Throttled.calls / 10))
            return x

    found = latency({"a": Throttled(), "b": Throttled()}, torch.zeros(1), rounds=30, seconds=5)
    assert found["a"].upper > 1.5 * found["a"].lower
    assert found["b"].ratio == pytest.approx(1, abs=0.1)


def test_conditions_and_order() -> None:
    log: list[str] = []
    models = {"a": Sleeper(0.003, log, "a"), "b": Sleeper(0.003, log, "b")}
    latency(models, torch.zeros(1), rounds=4, seconds=5)
    assert "".join(log[-8:]) == "abbaabba"
    for model in models.values():
        assert model.conditions == {(1, True, False, False)}


def test_fast_models_are_called_often_enough() -> None:
    found = latency({"a": nn.Identity()}, torch.zeros(1), rounds=5, seconds=5)
    assert found["a"].calls * found["a"].median > 5 * 0.5e-3
    assert found["a"].calls >= 5 * 100


def test_time_is_bounded() -> None:
    models = {"a": nn.Linear(64, 64), "b": nn.Linear(64, 64)}
    start = perf_counter()
    latency(models, torch.randn(1, 64), rounds=10**6, seconds=0.3)
    assert perf_counter() - start < 1
    slow = Sleeper(0.1)
    start = perf_counter()
    assert latency({"slow": slow}, torch.zeros(1), seconds=0.01)["slow"].calls == 3
    assert perf_counter() - start < 2


@pytest.mark.parametrize("fails", [False, True])
def test_threads_mode_and_model_are_left_as_they_were(fails: bool) -> None:
    model = nn.Sequential(nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 8))
    model[1].eval()
    random = torch.get_rng_state()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    if fails:
        with pytest.raises(RuntimeError):
            latency({"a": model}, torch.zeros(4, 9))
    else:
        latency({"a": model}, torch.zeros(4, 8), rounds=3)
    assert torch.get_num_threads() == 2
    assert gc.isenabled()
    assert not torch.is_inference_mode_enabled()
    assert [m.training for m in model.modules()] == [True, True, False, True]
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(value.is_inference() for value in model.state_dict().values())


def test_other_device_is_refused() -> None:
    with pytest.raises(UsageError, match=r"measured on the CPU, but 'a' or its input is on meta"):
        latency({"a": nn.Linear(2, 2, device="meta")}, torch.zeros(1, 2))


def test_no_models_no_latencies() -> None:
    assert latency({}, torch.zeros(1)) == {}
