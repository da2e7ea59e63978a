"""Processes that wait for jobs end when nobody has any."""

from benchmark.workers import Workers


def test_idle_workers_end_by_themselves_and_are_waited_for(tmp_path):
    with Workers(2, tmp_path, lambda job, event, facts: None) as workers:
        processes = [process for _, process in workers._idle]
        assert workers.free == 2 and all(process.is_alive() for process in processes)
    # One that is killed ends with minus the signal's number.
    assert [process.exitcode for process in processes] == [0, 0]
