"""Nets that are trained before the run that measures them."""

import pytest
import torch

from benchmark import ahead, protocol
from benchmark.data.cache import cache_folder
from benchmark.records import RunKey
from tests.test_protocol import nothing, setting  # noqa: F401 - a fixture

KEY = RunKey("chords", "made", "quick", "narrow+", 0)
"""Of a task that has a folder, whose code is part of the address; the net is the toy's."""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path))
    return cache_folder() / "ahead"


def unheard(step, score):
    raise AssertionError(f"trained again, to step {step}")


def test_what_was_trained_ahead_is_what_the_protocol_trains(setting, cache):  # noqa: F811
    first = ahead.narrow_plus(KEY, setting, 4, nothing)
    again = ahead.narrow_plus(KEY, setting, 4, unheard)
    (wanted,) = protocol.narrow_plus(setting, [4], nothing)
    for point in (first, again):
        assert (point.round, point.keep) == (4, wanted.keep)
        assert (point.fit.steps, point.fit.best_step) == (wanted.fit.steps, wanted.fit.best_step)
        assert point.fit.kept is None
        for name, tensor in wanted.model.state_dict().items():
            torch.testing.assert_close(point.model.state_dict()[name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize("other", ["seed", "round", "code"])
def test_another_round_seed_or_code_is_another_net(setting, cache, monkeypatch, other):  # noqa: F811
    ahead.narrow_plus(KEY, setting, 12, nothing)
    key, k = KEY, 12
    if other == "seed":
        key = RunKey("chords", "made", "quick", "narrow+", 1)
    elif other == "round":
        k = 8
    else:
        monkeypatch.setattr(ahead, "code_digests", lambda method, task: {"training": "changed"})
    ahead.narrow_plus(key, setting, k, nothing)
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_net_is_trained_again(setting, cache):  # noqa: F811
    before = ahead.narrow_plus(KEY, setting, 12, nothing).fit.state
    for file in cache.rglob("trained.safetensors"):
        file.write_bytes(file.read_bytes()[:40])
    after = ahead.narrow_plus(KEY, setting, 12, nothing).fit.state
    assert all(torch.equal(before[name], after[name]) for name in before)
