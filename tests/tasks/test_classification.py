"""Model, loss, augmentation and scores of classification."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from benchmark.errors import UsageError
from benchmark.task import PROFILES, Batch
from tasks.classification import augment
from tasks.classification import task as default
from tasks.classification.augment import MASKED_FRAMES, MASKED_MELS, MOVED
from tasks.classification.clips import Clips, side_of
from tasks.classification.features import FRAMES, MELS
from tasks.classification.sets import SETS

task = default.on("philharmonia")
MACRO_F1, ACCURACY = (metric.id for metric in task.metrics)
GOLDEN = json.loads(Path(__file__).with_name("golden_classification.json").read_text())


def clips(truth: np.ndarray, rows_each: int = 1) -> Clips:
    """Clips of those labels, of empty features, each a source of its own."""
    patches = [[0] * rows_each for _ in truth]
    return side_of(np.zeros((1, MELS, FRAMES), np.float16), patches, truth.tolist(), range(len(truth)))


def votes(guess: list[int], classes: int = 12) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(guess), classes).float()


@pytest.mark.parametrize("case", GOLDEN, ids=[case["name"] for case in GOLDEN])
def test_scores_are_the_golden_ones(case: dict) -> None:
    scores = task.evaluate(votes(case["guess"]), clips(np.array(case["truth"]))).scores
    assert scores[MACRO_F1] == pytest.approx(float(Fraction(case["macro_f1"])), abs=1e-12)
    assert scores[ACCURACY] == pytest.approx(float(Fraction(case["accuracy"])), abs=1e-12)


def test_what_is_not_a_number_is_refused() -> None:
    outputs = votes([0, 1])
    outputs[1, 3] = torch.nan
    with pytest.raises(ValueError, match="not numbers"):
        task.evaluate(outputs, clips(np.array([0, 1])))


def test_a_clip_is_judged_by_the_mean_of_its_patches() -> None:
    """Two weak votes for class 2 lose against one strong vote for class 5."""
    outputs = torch.zeros(6, 12)
    outputs[[0, 1], 2] = 1.0
    outputs[2, 5] = 3.0
    outputs[3:, 7] = 1.0
    evaluation = task.evaluate(outputs, clips(np.array([5, 7]), rows_each=3))
    assert evaluation.items[MACRO_F1]["guess"].tolist() == [5, 7]
    assert evaluation.scores[ACCURACY] == 1.0


@pytest.mark.parametrize("name", SETS)
def test_each_data_set_has_its_own_classes(name: str) -> None:
    on = default.on(name)
    assert on.classes == SETS[name].classes
    assert len(set(on.classes)) == len(on.classes)
    assert on.model("smoke").eval()(on.example("smoke")).shape == (1, len(on.classes))
    assert on.metrics == default.metrics


def test_without_a_data_set_it_is_on_the_default_one() -> None:
    assert default.classes == default.on(default.datasets[0].name).classes
    assert default.datasets[0].name == "instruments"
    assert [len(default.on(name).classes) for name in ("instruments", "singing", "philharmonia")] == [13, 10, 12]
    with pytest.raises(UsageError, match=r"no data set 'singin' .*did you mean 'singing'"):
        default.on("singin")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 97), st.integers(1, 12), st.integers(0, 2**31))
def test_scores_are_scikit_learns(count: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, logits = rng.integers(0, classes, count), rng.standard_normal((count, 12)).astype(np.float32)
    logits[:, classes:] -= rng.choice([0.0, 100.0])
    evaluation = task.evaluate(torch.from_numpy(logits), clips(truth))
    guess = logits.argmax(1)
    assert evaluation.scores[MACRO_F1] == pytest.approx(f1_score(truth, guess, average="macro"), abs=1e-12)
    assert evaluation.scores[ACCURACY] == pytest.approx(accuracy_score(truth, guess), abs=1e-12)
    assert all(len(array) == count for items in evaluation.items.values() for array in items.values())
    assert evaluation.items[MACRO_F1]["truth"].dtype == np.uint8


def test_a_perfect_model_scores_one() -> None:
    truth = np.random.default_rng(0).integers(0, 12, 101)
    scores = task.evaluate(torch.nn.functional.one_hot(torch.from_numpy(truth), 12).float(), clips(truth)).scores
    assert scores == {MACRO_F1: 1.0, ACCURACY: 1.0}


def test_macro_f1_weighs_classes_alike() -> None:
    """99 of one class right and the only other clip wrong: accuracy .99, the mean of F1s (99/199 * 2, 0)."""
    truth = np.array([0] * 99 + [1])
    scores = task.evaluate(torch.nn.functional.one_hot(torch.zeros(100, dtype=torch.int64), 12), clips(truth)).scores
    assert scores[ACCURACY] == 0.99
    assert scores[MACRO_F1] == pytest.approx(99 / 199)


def test_quick_has_the_stated_size() -> None:
    assert sum(p.numel() for p in task.model("quick").parameters()) == 1_368_116


@pytest.mark.parametrize("profile", PROFILES)
def test_models_share_an_architecture(profile: str) -> None:
    model = task.model(profile)
    assert [type(m).__name__ for m in model.modules()] == [type(m).__name__ for m in task.model("quick").modules()]
    assert model.eval()(task.example(profile)).shape == (1, 12)
    assert model(torch.zeros(7, 1, MELS, FRAMES)).shape == (7, 12)
    assert task.seconds(profile) == pytest.approx(1.0)


@pytest.mark.parametrize("profile", PROFILES)
def test_protected_modules_are_the_class_layer(profile: str) -> None:
    model = task.model(profile)
    (layer,) = (model.get_submodule(name) for name in task.protected)
    assert isinstance(layer, torch.nn.Linear)
    assert layer.out_features == 12


def test_reset_parameters_make_the_initialisation() -> None:
    """Nothing else draws numbers: resetting the layers in order from the same seed gives the same model."""
    torch.manual_seed(3)
    first = task.model("smoke")
    again = task.model("smoke")
    torch.manual_seed(3)
    for module in again.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_loss_is_smoothed_cross_entropy() -> None:
    logits, targets = torch.randn(5, 12, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 3, 3, 11, 7])
    smooth = torch.nn.functional.one_hot(targets, 12) * 0.95 + 0.05 / 12
    expected = -(smooth * logits.log_softmax(1)).sum(1).mean()
    assert task.loss(logits, targets).item() == pytest.approx(expected.item(), rel=1e-6)


def _augmented(seed: int, rows: int = 400, data: str = "instruments") -> torch.Tensor:
    """Rows that rise by 1 a band, from 100 on."""
    ramp = torch.arange(MELS, dtype=torch.float32)[:, None] + 100
    batch = Batch(ramp.expand(rows, 1, MELS, FRAMES).contiguous(), torch.arange(rows))
    before = batch.inputs.clone()
    result = task.on(data).augment(batch, torch.Generator().manual_seed(seed))
    assert torch.equal(result.targets, batch.targets)
    assert torch.equal(batch.inputs, before), "the batch itself was changed"
    return result.inputs[:, 0]


@pytest.mark.parametrize("data", ["instruments", "philharmonia"])
def test_augmentation_comes_from_the_generator_alone(data: str) -> None:
    torch.manual_seed(1)
    first = _augmented(7, data=data)
    torch.manual_seed(2)
    assert torch.equal(first, _augmented(7, data=data))
    assert not torch.equal(first, _augmented(8, data=data))


@pytest.mark.parametrize("data", ["instruments", "philharmonia"])
def test_augmentation_masks_one_stretch_of_each_axis(data: str) -> None:
    masked = _augmented(0, data=data) == 0
    for axis, longest in ((1, MASKED_FRAMES), (2, MASKED_MELS)):
        stretch = masked.all(axis)
        lengths = stretch.sum(1)
        assert set(lengths.tolist()) == set(range(longest + 1))
        edges = stretch.int().diff(dim=1, prepend=torch.zeros(400, 1), append=torch.zeros(400, 1)).abs().sum(1)
        assert torch.equal(edges, 2.0 * (lengths > 0))
        assert stretch[:, 0].any()
        assert stretch[:, -1].any()
        assert torch.equal(masked.sum((1, 2)) >= lengths, torch.ones(400, dtype=torch.bool))


def test_recordings_have_another_level_and_nothing_else() -> None:
    clips = _augmented(0, data="philharmonia")
    ramp = torch.arange(MELS)[:, None] + 100.0
    gains = torch.where(clips == 0, torch.nan, clips - ramp).flatten(1)
    middle = gains.nanmedian(1).values
    assert (gains - middle[:, None]).nan_to_num().abs().max() < 1e-4
    assert -augment.GAIN <= middle.min() < -0.9 * augment.GAIN < 0.9 * augment.GAIN < middle.max() <= augment.GAIN


def test_every_clip_is_moved_by_whole_bands_and_has_one_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    def bands(clips: torch.Tensor) -> torch.Tensor:
        """(clips, bands) without the masks: a clip is the same in all of its frames."""
        return clips.amax(2)

    monkeypatch.setattr(augment, "COLOUR", 0.0)
    middle = bands(_augmented(0))[:, MELS // 2]
    moves = middle[middle > 0] - (100 + MELS // 2)
    assert set(moves.tolist()) == set(range(-MOVED, MOVED + 1))
    monkeypatch.undo()
    monkeypatch.setattr(augment, "MOVED", 0)
    coloured = _augmented(0, rows=4000)
    ramp = torch.arange(MELS) + 100.0
    seen = coloured[:, :, 0] > 0
    response = torch.where(seen, coloured[:, :, 0] - ramp, torch.nan)
    ends = response[:, [0, -1]].flatten()
    assert ends[~ends.isnan()].std() == pytest.approx(augment.COLOUR, rel=0.05)
    assert torch.nanmean(response).abs() < 0.01
    bends = response.diff(n=2, dim=1).abs() > 1e-3
    assert 0 < bends.sum(1).max() <= 2 * (augment.KNOTS - 2), "straight lines between the knots"
    for frame in (10, 30, 49):
        both = seen & (coloured[:, :, frame] > 0)
        assert torch.equal(coloured[:, :, 0][both], coloured[:, :, frame][both])
