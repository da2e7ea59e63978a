import math

import numpy as np
import pytest
import torch

from benchmark.errors import BenchError
from benchmark.task import Batch, Evaluation, Training
from benchmark.training import _check_steps, _endless_batches, _schedule, evaluate, fit, predict
from tests.toy_task import Chirps, Net, Toy


@pytest.fixture(scope="module")
def task():
    return Toy()


@pytest.fixture(scope="module")
def data(task):
    return task.data("made", None, "smoke", 0)


def trained(task, data, seed=1, **options):
    torch.manual_seed(0)
    model = task.model("smoke")
    return model, fit(task, model, data, task.training("smoke"), seed=seed, **options)


def test_same_seed_same_weights_whatever_was_drawn_before(task, data):
    _, first = trained(task, data)
    torch.rand(1000)
    _, second = trained(task, data)
    assert all(torch.equal(first.state[name], second.state[name]) for name in first.state)
    _, third = trained(task, data, seed=2)
    assert not torch.equal(first.state["out.weight"], third.state["out.weight"])


def test_the_model_is_left_with_the_weights_of_the_best_check(task, data):
    model, result = trained(task, data)
    best = evaluate(task, model, data.validation).scores[task.metrics[0].id]
    assert best == result.validation
    assert all(torch.equal(model.state_dict()[name], value) for name, value in result.state.items())


def test_kept_state_is_the_state_before_that_step(task, data):
    torch.manual_seed(0)
    initial = {name: value.clone() for name, value in task.model("smoke").state_dict().items()}
    _, result = trained(task, data, keep=0)
    assert all(torch.equal(result.kept[name], value) for name, value in initial.items())
    _, later = trained(task, data, keep=4)
    assert not torch.equal(later.kept["out.weight"], initial["out.weight"])


def test_lower_is_better_chooses_the_lowest_check(data):
    class Losses(Toy):
        metrics = (Toy.metrics[0].__class__("toy.error.v1", "ratio", higher_is_better=False),)

        def evaluate(self, outputs, split):
            return Evaluation({"toy.error.v1": next(scores)})

    scores = iter([3.0, 1.0, 2.0])
    _, result = trained(Losses(), data)
    assert result.validation == 1.0


def test_schedule_warms_up_and_ends_near_zero():
    values = [_schedule(step, 0, 100, 0.1) for step in range(100)]
    assert values[0] == pytest.approx(0.1, abs=1e-3)
    assert max(values) == values[9]
    assert values[-1] < 1e-3
    late = [_schedule(step, 50, 100, 0.1) for step in range(50, 100)]
    assert late[0] == pytest.approx(0.5 * 0.5, rel=1e-6)
    assert late[5] == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.55)), rel=1e-9)


@pytest.mark.parametrize(("start", "total", "checks"), [(0, 50, 3), (4, 50, 10), (0, 3, 10)])
def test_the_last_step_is_always_checked(start, total, checks):
    steps = _check_steps(start, total, checks)
    assert total in steps
    assert all(start < step <= total for step in steps)


def test_a_pass_shows_every_row_once_but_for_a_ragged_rest(task):
    split = Chirps(70, 0)
    batches = _endless_batches(task, split, 32, torch.Generator().manual_seed(0))
    first_pass = torch.cat([next(batches), next(batches)])
    assert len(set(first_pass.tolist())) == 64
    assert next(batches).shape == (32,)


def test_rows_without_a_target_are_never_drawn(data):
    class Half(Toy):
        def rows(self, split):
            return range(0, len(split), 2)

    batches = _endless_batches(Half(), data.train, 32, torch.Generator().manual_seed(0))
    assert all(int(row) % 2 == 0 for _ in range(20) for row in next(batches))


def test_too_few_rows_for_one_batch_is_an_error(task):
    with pytest.raises(BenchError, match="20 training rows are fewer than one batch of 32"):
        next(_endless_batches(task, Chirps(20, 0), 32, torch.Generator()))


def test_a_diverging_loss_is_an_error(task, data):
    class Bad(Toy):
        def loss(self, output, targets):
            return output.sum() * float("nan")

    with pytest.raises(BenchError, match="training diverged: the loss is nan at step 17"):
        trained(Bad(), data)


def test_predict_answers_every_row_in_order_with_a_ragged_last_batch(task, data):
    model = Net(8)
    outputs = predict(model, data.test, rows_at_once=50)
    assert len(data.test) % 50 != 0
    model.eval()
    with torch.no_grad():
        expected = model(data.test.inputs)
    torch.testing.assert_close(outputs, expected, rtol=1e-5, atol=1e-6)


def test_a_perfect_model_scores_exactly_one_with_a_ragged_last_batch(task, data):
    class Perfect(torch.nn.Module):
        def forward(self, x):
            return torch.stack([truth[tuple(row.flatten().tolist())] for row in x])

    hot = torch.eye(4)[data.test.targets]
    truth = {tuple(row.flatten().tolist()): hot[i] for i, row in enumerate(data.test.inputs)}
    assert set(evaluate(task, Perfect(), data.test).scores.values()) == {1.0}


def test_augmentation_sees_every_training_batch_and_only_those(data):
    seen = []

    class Counting(Toy):
        def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
            seen.append(len(batch.inputs))
            return batch

        def training(self, profile):
            return Training(steps=7, batch=16, learning_rate=1e-3, checks=2)

    trained(Counting(), data)
    assert seen == [16] * 7


def test_norms_and_biases_are_not_decayed(task, data):
    class Still(Toy):
        def loss(self, output, targets):
            return output.sum() * 0.0

        def augment(self, batch, generator):
            return batch

    torch.manual_seed(0)
    before = {n: p.detach().clone() for n, p in task.model("smoke").named_parameters()}
    model, _ = trained(Still(), data)
    for name, value in model.named_parameters():
        changed = not np.allclose(value.detach(), before[name], atol=0, rtol=0)
        assert changed == (value.dim() > 1), name
