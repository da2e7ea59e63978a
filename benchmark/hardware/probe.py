"""Runs a graph in onnxruntime and says what it gives, how long it takes and what it holds; a program of its own.

    python probe.py MODEL.onnx ROWS.npz RESULTS.npz SECONDS

ROWS has `<row>.<input>` for every row and input. It imports nothing but numpy and onnxruntime, so that it also runs on
a Raspberry Pi, or on an emulated one. Around the calls on the first row it asks twice for its parent's process id: a
call of the system that a counter of instructions sees.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time

COUNTED_CALLS = 10


def main(model: str, rows_path: str, results_path: str, seconds: float) -> None:
    """Run, write the outputs as `<row>.<output>`, print the figures as JSON."""
    import numpy as np

    before = held()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    with np.load(rows_path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    names = [put.name for put in session.get_inputs()]
    count = len(arrays) // len(names)
    rows = [{name: arrays[f"{row}.{place}"] for place, name in enumerate(names)} for row in range(count)]
    results = {}
    for number, row in enumerate(rows):
        for place, value in enumerate(session.run(None, row)):
            results[f"{number}.{place}"] = np.asarray(value)
    np.savez(results_path, **results)  # type: ignore[arg-type] # the names are no options of it
    os.getppid()
    for _ in range(COUNTED_CALLS):
        session.run(None, rows[0])
    os.getppid()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        begun = time.perf_counter()
        session.run(None, rows[len(times) % count])
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
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
