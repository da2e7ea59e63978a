"""The bench can tell good from bad: units that an oracle would keep, units that it would cut, units at random.

All groups lose the same share, so that nets of a round have the same widths, and only which units they have differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from statistics import mean, stdev

import pytest
import torch
from scipy.stats import t as student
from torch import Tensor, nn

from benchmark import plugins, protocol
from benchmark.resets import rewind
from benchmark.schedules import Selection
from benchmark.selection import cut_alike
from benchmark.setting import Net, Setting, built
from benchmark.task import Data
from benchmark.training import predict
from benchmark.trimming import couple
from tests.toy_task import Chirps, Toy

SEEDS = range(5)
ROUNDS = 8
"""Later all nets of this task guess: one in four is right, whatever units they have."""


class LargeToy(Toy):
    """With so many test items that what differs is the nets."""

    def data(self, name, home, profile, seed):
        splits = [Chirps(n, 10 * seed + i) for i, n in enumerate((240, 600, 3000))]
        return Data(*splits, digest="", manifest={})


@dataclass(frozen=True)
class Oracle(Selection):
    """Scores that no criterion may have: how much higher the validation loss is without the unit, each cut by itself.

    `sign` -1 keeps the units that the loss does best without.
    """

    sign: float = 1.0

    def scores(self, setting: Setting, net: Net, k: int) -> Mapping[str, Tensor]:
        coupling = setting.coupling.trimmed(net.keep)
        every = {group.name: list(range(len(group))) for group in coupling.groups}
        rows = setting.data.validation.batch(torch.arange(len(setting.data.validation)))

        def loss(model: nn.Module) -> Tensor:
            with torch.no_grad():
                return setting.task.loss(model.eval()(rows.inputs), rows.targets).double()

        def without(name: str, unit: int) -> Tensor:
            keep = every | {name: [other for other in every[name] if other != unit]}
            return loss(built(setting, coupling.plan(keep).apply(net.state)))

        return {
            name: self.sign * torch.stack([without(name, unit) for unit in units])
            if len(units) > 1
            else torch.zeros(1, dtype=torch.float64)
            for name, units in every.items()
        }


def made(seed: int) -> Setting:
    task = LargeToy()
    data = task.data("made", None, "quick", seed)
    fit = protocol.train_dense(task, data, "quick", seed, lambda step, score: None)
    model = task.model("quick")
    model.load_state_dict(fit.state)
    coupling = couple(model, (task.example("quick"),), protect=task.protected)
    return Setting(task, data, "quick", seed, task.training("quick"), fit, coupling)


def accuracies(setting: Setting, selection: Selection) -> list[float]:
    points = protocol.sweep(setting, selection, rewind, lambda step, score: None)
    test = setting.data.test
    nets = (point.model for point in islice(points, ROUNDS))
    return [setting.task.evaluate(predict(net, test), test).scores["toy.accuracy.v1"] for net in nets]


def interval(differences: list[float]) -> tuple[float, float]:
    """95 % of the mean over seeds."""
    half = student.ppf(0.975, len(differences) - 1) * stdev(differences) / len(differences) ** 0.5
    return mean(differences) - half, mean(differences) + half


@pytest.mark.long
def test_an_oracle_is_not_below_random_and_its_reverse_is(capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(1)
    chance = plugins.criterion("random")
    differences: dict[str, list[float]] = {"oracle": [], "reversed": [], "random again": []}
    for seed in SEEDS:
        setting = made(seed)
        floor = accuracies(setting, Selection(chance, cut=cut_alike))
        # What the seed of a setting decides beside the data and the dense net, which are given: units, order, noise.
        again = Setting(**{**vars(setting), "seed": seed + 100})
        others = {
            "oracle": accuracies(setting, Oracle(chance, cut=cut_alike)),
            "reversed": accuracies(setting, Oracle(chance, cut=cut_alike, sign=-1.0)),
            "random again": accuracies(again, Selection(chance, cut=cut_alike)),
        }
        for name, scores in others.items():
            differences[name].append(mean(a - b for a, b in zip(scores, floor, strict=True)))
    found = {name: interval(some) for name, some in differences.items()}
    with capsys.disabled():
        for name, (low, high) in found.items():
            middle = mean(differences[name])
            print(f"\n{name} - random: {middle:+.3f} [{low:+.3f}, {high:+.3f}], n = {len(SEEDS)} seeds", end="")  # noqa: T201
    assert found["reversed"][1] < 0
    assert found["reversed"][1] < found["random again"][0]
    assert mean(differences["oracle"]) > -stdev(differences["random again"])
    assert found["oracle"][1] > 0
