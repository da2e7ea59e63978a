"""Training rows varied: by how much, and alike in all frames."""

from __future__ import annotations

from dataclasses import replace

import torch

from benchmark.audio.variation import Variation
from benchmark.task import Batch

MELS = 64
NOTHING = Variation(level=0.0, tilt=0.0, bands=0, noise=0.0)
SOME = Variation(level=0.4, tilt=0.5, bands=3, noise=0.2)


def varied(variation: Variation, inputs: torch.Tensor, seed: int = 0) -> torch.Tensor:
    return variation.of(Batch(inputs, torch.zeros(len(inputs))), torch.Generator().manual_seed(seed)).inputs


def test_it_comes_from_its_generator_and_leaves_the_split_alone() -> None:
    inputs, targets = torch.randn(6, 1, MELS, 15), torch.rand(6, 25)
    before = inputs.clone()
    found = SOME.of(Batch(inputs, targets), torch.Generator().manual_seed(1))
    assert found.inputs.shape == inputs.shape and torch.equal(found.targets, targets)
    assert torch.equal(inputs, before)
    assert torch.equal(found.inputs, varied(SOME, inputs, 1))
    assert not torch.equal(found.inputs, varied(SOME, inputs, 2))


def test_without_an_extent_nothing_changes() -> None:
    inputs = torch.randn(6, 1, MELS, 15)
    assert torch.equal(varied(NOTHING, inputs), inputs)


def test_bands_move_up_and_down_alike_in_all_frames() -> None:
    ramp = torch.arange(MELS, dtype=torch.float32).view(1, 1, MELS, 1).expand(200, 1, MELS, 15)
    moved = varied(replace(NOTHING, bands=2), ramp)
    assert set((moved[:, 0, 30, 0] - 30).tolist()) == {-2.0, -1.0, 0.0, 1.0, 2.0}
    assert torch.equal(moved, moved[..., :1].expand_as(moved))
    assert moved.min() == 0 and moved.max() == MELS - 1, "beyond the ends the outermost bands are heard again"


def test_level_and_tilt_reach_their_bounds_and_no_further() -> None:
    quiet = torch.zeros(300, 1, MELS, 15)
    level = varied(replace(NOTHING, level=0.4), quiet)
    assert torch.equal(level, level[:, :, :1, :1].expand_as(level))
    assert 0.36 < level.max() <= 0.4 and -0.4 <= level.min() < -0.36
    tilt = varied(replace(NOTHING, tilt=0.5), quiet)
    assert torch.allclose(tilt[:, :, 0], -tilt[:, :, -1]) and 0.45 < tilt.max() <= 0.5
    assert tilt.diff(dim=2).diff(dim=2).abs().max() < 1e-6, "evenly from band to band"


def test_noise_has_its_deviation() -> None:
    noise = varied(replace(NOTHING, noise=0.2), torch.zeros(300, 1, MELS, 15))
    assert abs(noise.std() - 0.2) < 0.002 and abs(noise.mean()) < 0.002
