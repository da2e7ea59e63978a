import pytest

from benchmark import estimate, plugins
from benchmark.jobs import Job
from benchmark.records import RunKey
from tests.toy_task import Toy


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setattr(plugins, "task", lambda name: Toy())


def seconds(method: str, pace: estimate._Pace, dense: bool = False) -> float:
    return estimate._seconds(Job(RunKey("toy", "made", "smoke", method, 0), None, dense), pace)


def test_seconds_follow_the_steps_that_the_protocol_takes():
    pace = estimate._Pace(Toy().training("smoke"), dense=1.0, smallest=0.5)  # 50 steps, rewound to step 4
    assert seconds("magnitude", pace, dense=True) == 50
    assert seconds("dense+", pace) == 100
    at = {k: 0.5 + 0.5 * 0.7**k for k in range(16)}
    assert seconds("magnitude", pace) == pytest.approx(46 * sum(at[k] for k in range(1, 16)))
    assert seconds("magnitude-masked", pace) == seconds("masking", pace) == 15 * 46
    assert seconds("narrow", pace) == pytest.approx(46 * (at[4] + at[8] + at[12]))
    assert seconds("narrow+", pace) == pytest.approx(sum(at[k] * (50 + 46 * k) for k in (4, 8, 12)))


def test_more_processes_share_the_work():
    jobs = [Job(RunKey("toy", "made", "smoke", m, 0), None) for m in ("narrow", "narrow-again")]
    one = min(estimate.estimate(jobs, 1) for _ in range(3))
    two = min(estimate.estimate(jobs, 2) for _ in range(3))
    assert 0 < two < 0.8 * one
