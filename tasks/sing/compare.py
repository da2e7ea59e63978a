"""The dense net beside what anybody can do. `python -m tasks.sing.compare` prints scores on test notes as JSON.

Silence, white noise, a semitone off, half of the amplitude, a copy, and noise with the mean spectrum of training notes:
between them the net's numbers are to be read. `--data NAME --data-home DIR` as of `run`; `--examples DIR` writes notes.
`fresh` is the net before any training: what it owes to what its layers begin as.
"""

from __future__ import annotations

from pathlib import Path

from benchmark import plugins
from benchmark.audio import command
from benchmark.audio.anchors import anchors, mean_spectrum, scored
from benchmark.audio.examples import write_examples
from benchmark.dense import trained_dense
from benchmark.setting import reference, stream
from benchmark.task import Data, Evaluation, Task
from benchmark.training import test

from .layers import RATE
from .notes import Notes
from .task import SingTask

Scores = dict[str, float]


def compare(task: Task, data: Data, seed: int, examples: Path | None) -> dict[str, object]:
    """Scores by sound and metric; of the net also the median pitch error, and by how much it is nearer."""
    assert isinstance(data.train, Notes) and isinstance(data.test, Notes)
    sounds = anchors(data.test.audio, RATE)
    sounds["mean spectrum"] = scored(mean_spectrum(data.train.audio, data.test.audio), data.test.audio, RATE)
    plugin = plugins.tasks()[Path(__file__).parent.name]
    model = reference(task, "quick", stream(seed, "init"))
    fresh = test(task, model, data.test)
    fit, _ = trained_dense(plugin, task, data, "quick", seed, lambda step, score: None)
    model.load_state_dict(fit.state)
    net = test(task, model, data.test)
    if examples is not None and net.examples is not None:
        write_examples(examples / "wanted", net.examples.wanted, RATE)
        write_examples(examples / "made", net.examples.made, RATE)
    sounds |= {name: short(found) for name, found in (("fresh", fresh), ("net", net))}
    rivals = ("silence", "noise", "mean spectrum", "fresh")
    return {
        "notes": len(data.test),
        "scores": {sound: {name: round(x, 4) for name, x in scores.items()} for sound, scores in sounds.items()},
        "median cents of the net": round(command.median_cents(net), 3),
        "mss of the net to theirs": {name: round(sounds["net"]["mss"] / sounds[name]["mss"], 4) for name in rivals},
    }


def short(found: Evaluation) -> Scores:
    """Scores by the metrics' names alone."""
    return {name.split(".")[1]: score for name, score in found.scores.items()}


def main(arguments: list[str] | None = None) -> int:
    """Print scores of seeds at `quick`; returns the exit code."""
    return command.main(SingTask(), compare, "tasks.sing.compare", arguments)


if __name__ == "__main__":
    raise SystemExit(main())
