from pathlib import Path

import pytest
import torch

from benchmark import run
from benchmark.errors import DataError
from benchmark.jobs import Job, do
from benchmark.records import RunKey

KEY = RunKey("toy", "made", "smoke", "magnitude", 0)


@pytest.mark.parametrize(
    ("job", "called"),
    [
        (Job(KEY, None, dense=True), "setting"),
        (Job(KEY, None, round=4), "train_ahead"),
        (Job(KEY, None), "perform"),
    ],
)
def test_every_job_computes_on_one_thread(monkeypatch, job, called):
    threads = []
    monkeypatch.setattr(run, called, lambda *arguments: threads.append(torch.get_num_threads()))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert do(job, Path("results"), lambda *event: None) == ""
    finally:
        torch.set_num_threads(before)
    assert threads == [1]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DataError("no recordings in x"), "no recordings in x"),
        (MemoryError(), "out of memory; use fewer --jobs"),
        (ZeroDivisionError("by nought"), r"ZeroDivisionError: by nought ("),
    ],
)
def test_what_goes_wrong_is_one_line(monkeypatch, error, reason):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(run, "perform", fail)
    said = do(Job(KEY, None), Path("results"), lambda *event: None)
    assert said.startswith(reason)
    assert "\n" not in said
