"""What the harness asks of any task, asked of every task that is found."""

import copy

import pytest
import torch
from ptflops import get_model_complexity_info
from torch.utils.flop_counter import FlopCounterMode

from benchmark import plugins
from benchmark.budgets import BUDGETS
from benchmark.errors import BenchError
from benchmark.measure import macs, parameters
from benchmark.metrics import REDUCTIONS
from benchmark.protocol import reinitialise, rewind_step
from benchmark.selection import floor
from benchmark.task import PROFILES
from benchmark.trimming import couple, verify

TASKS = sorted(plugins.tasks())
EVERY = [(name, profile) for name in TASKS for profile in PROFILES]


@pytest.mark.parametrize("name", TASKS)
def test_it_says_what_it_is(name):
    task = plugins.task(name)
    assert task.card.title and task.card.source and task.card.licence
    assert all(data.title and data.licence for data in task.datasets)
    assert all(metric.reduction in REDUCTIONS for metric in task.metrics)
    assert all(metric.id.startswith(f"{name}.") and metric.id[-2] == "v" for metric in task.metrics)
    assert task.tolerance == 0.02


@pytest.mark.parametrize("name", TASKS)
def test_recordings_say_what_to_put_where(name):
    recorded = [data for data in plugins.task(name).datasets if data.needs_home]
    assert all("DIR" in data.layout or (data.mirdata and not data.layout) for data in recorded)
    for data in recorded:
        with pytest.raises(BenchError, match="DIR"):
            plugins.task(name).on(data.name).data(data.name, None, "smoke", 0)


@pytest.mark.parametrize(("name", "profile"), EVERY)
def test_the_trimming_of_its_model_is_exact_and_freezes_only_what_is_protected(name, profile):
    task = plugins.task(name)
    torch.manual_seed(0)
    model = task.model(profile)
    coupling = couple(model, (task.example(profile),), protect=task.protected)
    assert {frozen.name for frozen in coupling.frozen} == set(task.protected)
    assert coupling.parameters() == parameters(model)
    assert verify(model, (task.example(profile),), coupling) <= 1e-12


@pytest.mark.parametrize("name", TASKS)
def test_quick_and_full_can_be_cut_to_the_last_budget(name):
    task = plugins.task(name)
    for profile in ("quick", "full"):
        coupling = couple(task.model(profile), (task.example(profile),), protect=task.protected)
        assert floor(coupling) <= BUDGETS[-1] * coupling.parameters()


def plain(model: torch.nn.Module) -> torch.nn.Module:
    """A copy without subclasses of torch's layers: ptflops knows a layer by its exact type, others cost it nothing."""
    copied = copy.deepcopy(model)
    for module in copied.modules():
        ours, base = not type(module).__module__.startswith("torch."), type(module).__base__
        if ours and base is not None and base is not torch.nn.Module:
            module.__class__ = base
    return copied


@pytest.mark.parametrize(("name", "profile"), EVERY)
def test_its_macs_are_what_torch_counts(name, profile):
    task = plugins.task(name)
    model, example = task.model(profile).eval(), task.example(profile)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(example)
    assert 2 * macs(model, example) == counter.get_total_flops()


@pytest.mark.parametrize(("name", "profile"), [(n, p) for n, p in EVERY if p != "smoke"])
def test_its_macs_agree_with_ptflops(name, profile):
    task = plugins.task(name)
    model, example = task.model(profile), task.example(profile)
    theirs, _ = get_model_complexity_info(
        plain(model), tuple(example.shape[1:]), as_strings=False, print_per_layer_stat=False
    )
    # Theirs adds biases, norms and activations, which weigh little beside the products of a net of full size.
    assert macs(model, example) == pytest.approx(theirs, rel=0.04)
    assert macs(model, example) <= theirs


@pytest.mark.parametrize("name", TASKS)
def test_a_fresh_model_is_what_reset_parameters_gives(name):
    task = plugins.task(name)
    torch.manual_seed(0)
    model = task.model("smoke")
    spread = {n: p.detach().std().item() for n, p in model.named_parameters() if p.dim() > 1}
    again = reinitialise(copy.deepcopy(model), 1)
    for n, p in again.named_parameters():
        if p.dim() > 1:
            assert p.detach().std().item() == pytest.approx(spread[n], rel=0.35), n


@pytest.mark.parametrize(("name", "profile"), EVERY)
def test_its_training_leaves_steps_for_a_round(name, profile):
    recipe = plugins.task(name).training(profile)
    assert 0 < rewind_step(recipe) < recipe.steps
    assert plugins.task(name).seconds(profile) > 0
