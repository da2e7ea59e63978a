"""The dense net beside what anybody can do. `python -m tasks.ddsp.compare` prints scores on test notes as JSON.

Silence, white noise, a semitone off, half of the amplitude, a copy, and noise with the mean spectrum of training notes:
between them the net's numbers are to be read. `--data NAME --data-home DIR` as of `run`; `--examples DIR` writes notes.
"""

from __future__ import annotations

from pathlib import Path

from benchmark import plugins
from benchmark.audio import command
from benchmark.audio.anchors import anchors, mean_spectrum, scored
from benchmark.audio.examples import write_examples
from benchmark.dense import trained_dense
from benchmark.task import Data, Task
from benchmark.training import predict

from .synth import RATE
from .task import DdspTask, Notes

Scores = dict[str, float]


def compare(task: Task, data: Data, seed: int, examples: Path | None) -> dict[str, object]:
    """Scores by sound and metric; of the net also the median pitch error, and by how much it is nearer."""
    assert isinstance(data.train, Notes) and isinstance(data.test, Notes)
    reference = data.test.audio
    found = anchors(reference, RATE)
    found["mean spectrum"] = scored(mean_spectrum(data.train.audio, reference), reference, RATE)
    plugin = plugins.tasks()[Path(__file__).parent.name]
    fit, _ = trained_dense(plugin, task, data, "quick", seed, lambda step, score: None)
    model = task.model("quick")
    model.load_state_dict(fit.state)
    outputs = predict(model, data.test)
    result = task.evaluate(outputs, data.test)
    found["net"] = {name.split(".")[1]: score for name, score in result.scores.items()}
    if examples is not None and result.examples is not None:
        write_examples(examples / "made", result.examples.made, RATE)
        write_examples(examples / "wanted", result.examples.wanted, RATE)
    rivals = ("silence", "noise", "mean spectrum")
    return {
        "notes": len(data.test),
        "scores": {sound: {name: round(x, 4) for name, x in scores.items()} for sound, scores in found.items()},
        "median cents of the net": round(command.median_cents(result), 3),
        "mss of the net to theirs": {name: round(found["net"]["mss"] / found[name]["mss"], 4) for name in rivals},
    }


def main(arguments: list[str] | None = None) -> int:
    """Print scores of seeds at `quick`; returns the exit code."""
    return command.main(DdspTask(), compare, "tasks.ddsp.compare", arguments)


if __name__ == "__main__":
    raise SystemExit(main())
