from pathlib import Path

from benchmark.records import RunKey
from benchmark.sweep import plan


def keys(*methods: str) -> list[RunKey]:
    return [RunKey("chords", "rendered", "smoke", method, 0) for method in methods]


def test_one_dense_training_serves_every_method_of_a_seed(tmp_path: Path):
    todo = plan(keys("magnitude", "random", "narrow"), tmp_path, None, "missing")
    assert [job.dense for job in todo.jobs] == [True, False, False, False]
    assert all(job.needs == (todo.jobs[0],) for job in todo.jobs[1:])


def test_what_takes_another_run_s_widths_waits_for_it_however_they_are_named(tmp_path: Path):
    for order in (("magnitude-reinit", "magnitude"), ("magnitude", "magnitude-reinit")):
        dense, first, then = plan(keys(*order), tmp_path, None, "missing").jobs
        assert (first.key.method, then.key.method) == ("magnitude", "magnitude-reinit")
        assert then.needs == (dense, first)


def test_seeds_do_not_share_a_dense_net(tmp_path: Path):
    both = [RunKey("chords", "rendered", "smoke", "narrow", seed) for seed in (0, 1)]
    todo = plan(both, tmp_path, None, "missing")
    assert sum(job.dense for job in todo.jobs) == 2


def test_the_long_rounds_of_narrow_plus_are_jobs_that_the_run_waits_for(tmp_path: Path):
    dense, *rounds, run = plan(keys("narrow+"), tmp_path, None, "missing").jobs
    assert [job.round for job in rounds] == [4, 8, 12]
    assert all(job.needs == (dense,) and not job.is_run for job in rounds)
    assert run.is_run and run.needs == (dense, *rounds)
    assert len({job.name for job in (dense, *rounds, run)}) == 5
