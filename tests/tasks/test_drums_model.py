"""The net, its loss, and the classical reference's bands."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmark.data.clips import Clip
from benchmark.task import PROFILES
from tasks.drums import bands, task
from tasks.drums.features import MEL, PATCH, RATE
from tasks.drums.model import PROTECTED


def test_sizes_are_the_stated_ones() -> None:
    """The authors' net has 1,988,397: its outputs and its first dense layer are for 50 frames at once."""
    sizes = {profile: sum(p.numel() for p in task.model(profile).parameters()) for profile in PROFILES}
    assert sizes["quick"] == 1_569_485
    assert sizes["full"] == 1_674_821
    assert sizes["smoke"] < 70_000


def test_full_has_the_authors_widths() -> None:
    """But for the third convolution: theirs has one channel, of which nothing can be cut."""
    model = task.model("full")
    convs = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size) for c in convs] == [
        (1, 64, (5, 5)),
        (64, 64, (5, 5)),
        (64, 2, (5, 5)),
    ]
    dense = [m.out_features for m in model.dense if isinstance(m, torch.nn.Linear)]
    assert dense == [512, 512, 512]
    assert [head[0].out_features for head in model.heads] == [512, 512, 512]


@pytest.mark.parametrize("profile", PROFILES)
def test_models_share_an_architecture(profile: str) -> None:
    model = task.model(profile)
    assert [type(m).__name__ for m in model.modules()] == [type(m).__name__ for m in task.model("quick").modules()]
    assert model.eval()(task.example(profile)).shape == (1, 3)
    assert model(torch.zeros(7, 1, MEL.bands, PATCH)).shape == (7, 3)
    assert task.seconds(profile) == MEL.hop_seconds


def test_protected_modules_are_the_outputs() -> None:
    model = task.model("smoke")
    for name in PROTECTED:
        layer = model.get_submodule(name)
        assert isinstance(layer, torch.nn.Linear) and layer.out_features == 1


def test_reset_parameters_make_the_initialisation() -> None:
    torch.manual_seed(3)
    first = task.model("smoke")
    again = task.model("smoke")
    torch.manual_seed(3)
    for module in again.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_loss_is_plain_cross_entropy_of_every_answer() -> None:
    outputs, targets = torch.tensor([[2.0, -1.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    chances = torch.sigmoid(outputs)
    expected = -(targets * chances.log() + (1 - targets) * (1 - chances).log()).mean()
    assert task.loss(outputs, targets).item() == pytest.approx(expected.item())


def test_the_loss_is_least_at_the_true_rate() -> None:
    """So outputs are probabilities: of frames where 3 in 100 have a stroke, 0.03 is the best answer."""
    targets = torch.zeros(100, 3)
    targets[:3] = 1
    rates = torch.linspace(0.005, 0.2, 40)
    losses = [task.loss(torch.logit(rate).expand(100, 3), targets).item() for rate in rates]
    assert rates[int(np.argmin(losses))].item() == pytest.approx(0.03, abs=0.005)


def _bursts(frequency: tuple[float, float], times: list[float]) -> np.ndarray:
    """Short noises in a band."""
    rng = np.random.default_rng(0)
    audio = 1e-6 * rng.normal(size=3 * RATE)
    spectrum = np.fft.rfft(rng.normal(size=RATE // 10))
    hertz = np.fft.rfftfreq(RATE // 10, 1 / RATE)
    spectrum[(hertz < frequency[0]) | (hertz > frequency[1])] = 0
    burst = np.fft.irfft(spectrum) * np.exp(-np.arange(RATE // 10) / RATE / 0.02)
    for time in times:
        audio[round(time * RATE) :][: len(burst)] += 0.5 * burst / np.abs(burst).max()
    return audio


@pytest.mark.parametrize("drum", range(3))
def test_bands_hear_their_own_drum(drum: int) -> None:
    times = [0.5, 1.1, 1.4, 2.3]
    edges = ((50.0, 100.0), (500.0, 3000.0), (9000.0, 14_000.0))[drum]
    strengths = bands.envelopes(Clip(MEL.frames(_bursts(edges, times)), (), 0))
    assert strengths.shape[0] == 3
    found = [bands.onsets(strengths[drum], threshold) for threshold in bands.THRESHOLDS]
    assert any(len(onsets) == 4 and np.abs(onsets - times).max() < 0.03 for onsets in found)
