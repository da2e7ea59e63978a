"""The dense net beside what anybody can do. `python -m tasks.wavenet.compare` prints scores on test notes as JSON.

`nats`: a sample, teacher-forced, of the net and of three guesses without one, all after linear prediction. `scores`:
the common metrics of notes that the net generates from their mel frames, between silence, white noise, a semitone off,
half of the amplitude, a copy, and noise with the mean spectrum of training notes; `prediction` is noise through the
linear prediction that the net is told. `--data NAME --data-home DIR` as of `run`; `--examples DIR` writes notes.
"""

from __future__ import annotations

from pathlib import Path

from benchmark.audio import command
from benchmark.audio.anchors import anchors, mean_spectrum, scored
from benchmark.audio.examples import write_examples
from benchmark.classical import dense
from benchmark.task import Data, Task
from benchmark.training import test as measured

from .data import Notes
from .generate import chosen
from .guesses import guesses
from .task import HEARD, NATS, WavenetTask
from .vocoder import vocoded


def compare(task: Task, data: Data, seed: int, examples: Path | None) -> dict[str, object]:
    """Nats of net and guesses, common metrics by sound, and the median pitch error of the net's notes."""
    train, validation, test = data.train, data.validation, data.test
    assert isinstance(train, Notes) and isinstance(validation, Notes) and isinstance(test, Notes)
    result = measured(task, dense(Path(__file__).parent.name, task, data, "quick", seed), test)
    nats = {"net": result.scores[NATS.id], **guesses(train, validation, test)}
    rate, reference = test.shape.rate, test.audio[chosen(test)]
    found = anchors(reference, rate)
    found["mean spectrum"] = scored(mean_spectrum(train.audio, reference), reference, rate)
    found["prediction"] = scored(vocoded(train, test), reference, rate)
    found["net"] = {metric.id.split(".")[1]: result.scores[metric.id] for metric in HEARD}
    if examples is not None and result.examples is not None:
        write_examples(examples / "made", result.examples.made, rate)
        write_examples(examples / "wanted", result.examples.wanted, rate)
    return {
        "nats": {name: round(value, 4) for name, value in nats.items()},
        "notes": len(reference),
        "scores": {sound: {name: round(x, 4) for name, x in scores.items()} for sound, scores in found.items()},
        "median cents of the net": round(command.median_cents(result), 2),
    }


def main(arguments: list[str] | None = None) -> int:
    """Print scores of seeds at `quick`; returns the exit code."""
    return command.main(WavenetTask(), compare, "tasks.wavenet.compare", arguments)


if __name__ == "__main__":
    raise SystemExit(main())
