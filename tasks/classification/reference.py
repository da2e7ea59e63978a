"""A classical method beside the net on the same splits: `python -m tasks.classification.reference --data NAME`.

Every band's mean, standard deviation and mean step over time, and a multinomial logistic regression whose penalty is
chosen on validation. Prints JSON: for each seed the test scores of the dense net (from the cache, or trained now), of
the regression, their standard errors by the sources tested, and what was chosen; over the seeds both means and the
net's lead, each with its interval. Where no source is tested twice, also the scores of all test sets taken as one. Nets
of `instruments` are scored on the second sound font too, where it is installed: on sounds that no net has heard.
Needs scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmark import classical
from benchmark.classical import Both, compared, said, scores
from benchmark.data.second_font import has_second_font
from benchmark.task import Data, Evaluation, Metric, Profile, Split
from benchmark.training import evaluate

from . import instruments
from .task import Classification, task

PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Values of scikit-learn's `C`; smaller is stronger."""


def statistics(split: Split) -> np.ndarray:
    """(rows, 192): mean, standard deviation and mean absolute step over time of each of the 64 bands."""
    patches = split.batch(torch.arange(len(split))).inputs[:, 0].numpy()
    return np.concatenate([patches.mean(2), patches.std(2), np.abs(np.diff(patches, axis=2)).mean(2)], 1)


def regression(of: Classification, data: Data) -> tuple[Evaluation, float]:
    """The regression on test, and the penalty that validation chose."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    targets = data.train.batch(torch.arange(len(data.train))).targets.numpy()
    inputs = statistics(data.train)

    def score(model: object, split: Split) -> Evaluation:
        known = model.decision_function(statistics(split))  # type: ignore[attr-defined]
        outputs = torch.full((len(split), len(of.classes)), -torch.inf, dtype=torch.float64)
        outputs[:, np.unique(targets)] = torch.from_numpy(known).double()
        return of.evaluate(outputs, split)

    models = {
        penalty: make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=5000)).fit(inputs, targets)
        for penalty in PENALTIES
    }
    best = max(models, key=lambda penalty: score(models[penalty], data.validation).scores[of.metrics[0].id])
    return score(models[best], data.test), best


def compare(name: str, home: Path | None, profile: Profile, seeds: Sequence[int], nets: bool) -> dict[str, object]:
    """Scores by seed, and over the seeds; without `nets` of the regression only."""
    of = task.on(name)
    metric = of.metrics[0]
    found: dict[str, list[Evaluation]] = {"regression": []}
    every: list[np.ndarray] = []
    models: list[nn.Module] = []
    table: dict[str, object] = {}
    for seed in seeds:
        data = of.data(name, home, profile, seed)
        fitted, penalty = regression(of, data)
        found["regression"].append(fitted)
        if nets:
            models.append(classical.dense(Path(__file__).parent.name, of, data, profile, seed))
            found.setdefault("dense", []).append(evaluate(of, models[-1], data.test))
        every.append(data.test.sources)
        of_seed = {method: evaluations[-1] for method, evaluations in found.items()}
        table[str(seed)] = {method: classical.rounded(one) for method, one in of_seed.items()} | {
            "standard error": {
                m: said(scores(metric, [one], every[-1:]))["standard error"] for m, one in of_seed.items()
            },
            "C": penalty,
            "test sources": len(np.unique(every[-1])),
        }
    result: dict[str, object] = {"metric": metric.id, "seeds": table}
    if nets:
        both = [Both(*pair) for pair in zip(found["dense"], found["regression"], every, strict=True)]
        result["mean"] = compared(metric, "regression", both)
    else:
        result["mean"] = {"regression": said(scores(metric, found["regression"], every))}
    if disjoint(every):
        result["together"] = {method: together(metric, evaluations, every) for method, evaluations in found.items()}
    if nets and name == "instruments" and has_second_font():
        result["second font"] = elsewhere(of, models)
    return result


def together(metric: Metric, found: Sequence[Evaluation], sources: Sequence[np.ndarray]) -> dict[str, float]:
    """The score of all test sets taken as one, with what its sources say of it; JSON-ready."""
    arrays = found[0].items[metric.id]
    items = {name: np.concatenate([np.asarray(one.items[metric.id][name]) for one in found]) for name in arrays}
    return said(scores(metric, [Evaluation({}, {metric.id: items})], [np.concatenate(sources)]))


def elsewhere(of: Classification, models: Sequence[nn.Module]) -> dict[str, object]:
    """Scores of nets on the second font, one a model and their mean; JSON-ready."""
    other = instruments.other_font()
    found = [evaluate(of, model, other) for model in models]
    mean = said(scores(of.metrics[0], found, [other.sources] * len(found)))
    return {"sources": len(np.unique(other.sources)), "seeds": [classical.rounded(one) for one in found], "mean": mean}


def disjoint(sources: Sequence[np.ndarray]) -> bool:
    """Whether no source is tested by two seeds."""
    distinct = [np.unique(of_seed) for of_seed in sources]
    return len(np.unique(np.concatenate(distinct))) == sum(map(len, distinct))


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    parser = classical.parser("tasks.classification.reference", __doc__, task)
    parser.add_argument("--without-net", action="store_true", help="the regression only")
    options = parser.parse_args(arguments)
    return classical.printed(
        lambda: compare(options.data, options.data_home, options.profile, options.seeds, not options.without_net)
    )


if __name__ == "__main__":
    raise SystemExit(main())
