"""The net, its loss, and the classical reference's peaks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmark.task import PROFILES
from tasks.onsets import detect, task
from tasks.onsets.features import MEL, RATE
from tasks.onsets.model import ANSWERS, CONTEXT
from tasks.onsets.rows import LAYOUT


def test_sizes_are_the_stated_ones() -> None:
    """The authors' net has 1,358,437: its outputs and its first dense layer are for 50 frames."""
    sizes = {profile: sum(p.numel() for p in task.model(profile).parameters()) for profile in PROFILES}
    assert sizes["quick"] == 1_287_261
    assert sizes["full"] == 1_395_397
    assert sizes["smoke"] < 50_000


def test_full_has_the_authors_widths() -> None:
    """But for the third convolution: theirs has one channel, of which nothing can be cut."""
    convs = [m for m in task.model("full").modules() if isinstance(m, torch.nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size) for c in convs[:3]] == [
        (1, 64, (5, 5)),
        (64, 64, (5, 5)),
        (64, 4, (5, 5)),
    ]
    assert [c.out_channels for c in convs[3:]] == [512, 512, 512, 512, 1]


@pytest.mark.parametrize("profile", PROFILES)
def test_models_share_an_architecture(profile: str) -> None:
    model = task.model(profile)
    assert [type(m).__name__ for m in model.modules()] == [type(m).__name__ for m in task.model("quick").modules()]
    assert model.eval()(task.example(profile)).shape == (1, ANSWERS)
    assert model(torch.zeros(3, 1, MEL.bands, LAYOUT.seen)).shape == (3, ANSWERS)
    assert task.seconds(profile) == pytest.approx(0.25) == ANSWERS * MEL.hop_seconds


def test_an_answer_does_not_depend_on_where_its_segment_begins() -> None:
    """Nor on frames beyond its context."""
    torch.manual_seed(0)
    model = task.model("smoke").eval()
    frames = torch.randn(1, 1, MEL.bands, LAYOUT.seen + 20)
    whole = model(frames)
    assert whole.shape == (1, ANSWERS + 20)
    for start in (0, 7, 20):
        part = model(frames[..., start : start + LAYOUT.seen])
        assert torch.allclose(part, whole[:, start : start + ANSWERS], atol=1e-5)
    # Answer 20 sees frames 20 to 46 and no other.
    far, near = (torch.full_like(frames, 9.0) for _ in range(2))
    seen = slice(20, 20 + 2 * CONTEXT + 1)
    far[..., seen] = frames[..., seen]
    near[..., seen] = frames[..., seen]
    near[..., 20] = 9.0
    assert torch.allclose(model(far)[:, 20], whole[:, 20], atol=1e-5)
    assert not torch.equal(model(near)[:, 20], model(far)[:, 20])


def test_what_is_protected_is_the_output() -> None:
    (name,) = task.protected
    layer = task.model("smoke").get_submodule(name)
    assert isinstance(layer, torch.nn.Conv2d) and layer.out_channels == 1


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


def test_every_parameter_learns() -> None:
    torch.manual_seed(0)
    model = task.model("smoke")
    task.loss(model(torch.randn(4, 1, MEL.bands, LAYOUT.seen)), torch.rand(4, ANSWERS).round()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name


def test_the_loss_is_least_at_the_true_rate() -> None:
    """So outputs are probabilities: of frames where 3 in 100 have an onset, 0.03 is the best answer."""
    targets = torch.zeros(2, 50)
    targets[0, :3] = 1
    rates = torch.linspace(0.005, 0.2, 40)
    losses = [task.loss(torch.logit(rate).expand(2, 50), targets).item() for rate in rates]
    assert rates[int(np.argmin(losses))].item() == pytest.approx(0.03, abs=0.005)
    expected = -(targets * np.log(0.03) + (1 - targets) * np.log(0.97)).mean()
    assert task.loss(torch.logit(torch.tensor(0.03)).expand(2, 50), targets) == pytest.approx(expected.item())


@pytest.fixture(scope="module")
def beeps() -> tuple[np.ndarray, np.ndarray]:
    """Notes that begin at once and decay."""
    times = np.array([0.5, 1.1, 1.4, 2.3])
    audio = 1e-4 * np.random.default_rng(0).normal(size=3 * RATE)
    since = np.arange(RATE) / RATE
    for key, time in enumerate(times):
        note = np.sin(2 * np.pi * 300 * 1.3**key * since) * np.exp(-since / 0.15)
        first = round(time * RATE)
        audio[first : first + RATE] += note[: len(audio) - first]
    return audio, times


def test_librosa_hears_what_is_there_and_its_setting_is_chosen(beeps: tuple[np.ndarray, np.ndarray]) -> None:
    audio, times = beeps
    strengths = [detect.strength(audio)]
    assert strengths[0].shape == (len(detect.KINDS), 301)
    setting = detect.choose(strengths, [[times]], 0.05)
    found = detect.onsets(strengths[0], setting)
    assert len(found) == 4 and np.abs(found - times).max() < 0.05
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detect, "THRESHOLDS", (50.0,))
        assert len(detect.onsets(strengths[0], detect.choose(strengths, [[times]], 0.05))) == 0
