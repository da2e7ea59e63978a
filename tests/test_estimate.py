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
    # Its rounds are jobs of their own, and nothing is left for the run to train.
    assert seconds("narrow+", pace) == 0
    for k in (4, 8, 12):
        job = Job(RunKey("toy", "made", "smoke", "narrow+", 0), None, round=k)
        assert estimate._seconds(job, pace) == pytest.approx(at[k] * (50 + 46 * k))


def test_more_processes_share_the_work(monkeypatch):
    monkeypatch.setattr(estimate, "_seconds_a_step", lambda model, rows: 0.01)
    jobs = [Job(RunKey("toy", "made", "smoke", m, 0), None) for m in ("narrow", "narrow-again")]
    assert estimate.estimate(jobs, 2) == estimate.estimate(jobs, 1) / 2 > 0
    assert estimate.estimate(jobs, 8) == estimate.estimate(jobs, 2)


def test_a_step_is_timed():
    job = Job(RunKey("toy", "made", "smoke", "magnitude", 0), None, dense=True)
    assert 0 < estimate.estimate([job], 1) < 60
