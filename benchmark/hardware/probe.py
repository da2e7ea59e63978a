"""Runs a graph in onnxruntime and says what it gives, how long it takes and what it holds; a program of its own.

    python probe.py MODEL.onnx CALLS.npz RESULTS.npz SECONDS HOPS

CALLS has `<call>.<input>` for every call and input, and `start.<state>` for every state: what the last outputs of a
call give the last inputs of the next one, and every HOPS calls begins with again. It imports nothing but numpy and
onnxruntime, so that it also runs on a Raspberry Pi, or on an emulated one. Around repeats of the first call it asks
twice for its parent's process id: a call of the system that a counter of instructions sees.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time

COUNTED_CALLS = 10


def main(model: str, calls_path: str, results_path: str, seconds: float, hops: int) -> None:
    """Run, write the outputs but for states as `<call>.<output>`, print the figures as JSON."""
    import numpy as np

    before = held()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    with np.load(calls_path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    start = [arrays.pop(f"start.{n}") for n in range(sum(name.startswith("start.") for name in arrays))]
    names = [put.name for put in session.get_inputs()]
    given = len(names) - len(start)
    calls = [[arrays[f"{call}.{place}"] for place in range(given)] for call in range(len(arrays) // given)]
    states, results = start, {}
    for number, call in enumerate(calls):
        states = states if number % hops else start
        answers = session.run(None, dict(zip(names, [*call, *states], strict=True)))
        states = [answers.pop() for _ in start][::-1]
        for place, value in enumerate(answers):
            results[f"{number}.{place}"] = np.asarray(value)
    np.savez(results_path, **results)  # type: ignore[arg-type] # the names are no options of it
    feeds = [dict(zip(names, [*call, *start], strict=True)) for call in calls]
    os.getppid()
    for _ in range(COUNTED_CALLS):
        session.run(None, feeds[0])
    os.getppid()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        begun = time.perf_counter()
        session.run(None, feeds[len(times) % len(feeds)])
        times.append(time.perf_counter() - begun)
    facts = {
        "onnxruntime": onnxruntime.__version__,
        "machine": platform.machine(),
        "seconds": np.percentile(times, (25, 50, 75)).tolist(),
        "calls": len(times),
        "resident_bytes": held(),
        "resident_bytes_before": before,
    }
    sys.stdout.write(json.dumps(facts) + "\n")


def held() -> int:
    """Bytes of memory that this process holds, where the system says so."""
    try:
        with open("/proc/self/status") as file:  # noqa: PTH123 - a Pi needs no pathlib for one line
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))
    except OSError:
        return 0


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), int(sys.argv[5]))
