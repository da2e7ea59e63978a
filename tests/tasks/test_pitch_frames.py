"""Frames cut out of clips, and how training varies them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmark.task import Batch, Data
from tasks.pitch import task
from tasks.pitch.frames import MARGIN, WIDE, Frames, WideBatch, detuned, normalised
from tasks.pitch.model import FRAME, RATE
from tasks.pitch.recordings import HOP, Clips


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIMBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "shared-cache"))
        return task.data("rendered", None, "smoke", 0)


def clip(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise, and a pitch of its own for every frame."""
    rng = np.random.default_rng(frames)
    audio = rng.integers(-9000, 9000, frames * HOP).astype(np.int16)
    return audio, rng.uniform(100, 900, frames).astype(np.float32)


def end_to_end(clips: list[tuple[np.ndarray, np.ndarray]]) -> Clips:
    audio, hertz = (np.concatenate(part) for part in zip(*clips, strict=True))
    return Clips(audio, hertz, np.array([len(h) for _, h in clips]), np.arange(len(clips)))


@pytest.mark.parametrize("stride", [1, 4])
def test_a_row_is_centred_on_its_frame(stride: int) -> None:
    """Also across clips of different lengths, with silence beyond their ends."""
    clips = [clip(13), clip(9), clip(20)]
    split = Frames([end_to_end(clips[:2]), end_to_end(clips[2:])], stride)
    cut, pitches = [], []
    for audio, hertz in clips:
        padded = np.pad(audio, FRAME // 2)
        for frame in range(stride // 2, len(hertz), stride):
            cut.append(padded[frame * HOP : frame * HOP + FRAME])
            pitches.append(hertz[frame])
    batch = split.batch(torch.arange(len(split)))
    assert len(split) == len(cut)
    assert torch.equal(batch.inputs, normalised(torch.from_numpy(np.stack(cut).astype(np.float32) / 32768)))
    assert batch.targets.tolist() == pitches
    assert np.bincount(split.items).tolist() == [len(range(stride // 2, n, stride)) for n in (13, 9, 20)]


def test_frames_are_normalised_and_silence_stays_silence(data: Data) -> None:
    inputs = data.train.batch(torch.arange(100)).inputs
    assert inputs.shape == (100, 1, FRAME)
    assert inputs.mean(2).abs().max() < 1e-5
    assert inputs.std(2).sub(1).abs().max() < 1e-5
    assert normalised(torch.zeros(2, 8)).abs().max() == 0
    assert normalised(torch.full((2, 8), 0.5)).abs().max() == 0


@pytest.mark.parametrize("shift", [-50.0, -13.0, 0.0, 50.0])
def test_a_detuned_sine_is_the_sine_of_the_detuned_pitch(shift: float) -> None:
    time = (torch.arange(WIDE, dtype=torch.float64) - WIDE // 2) / RATE

    def sine(hertz: float) -> torch.Tensor:
        return torch.sin(2 * torch.pi * hertz * time)

    moved = detuned(sine(300.0)[None], torch.tensor([[shift]], dtype=torch.float64))
    expected = sine(300.0 * 2 ** (shift / 1200))[MARGIN:-MARGIN]
    assert (moved[0] - expected).abs().max() < 2e-3


def test_variation_moves_targets_with_the_audio_and_leaves_no_pitch_alone() -> None:
    time = (torch.arange(WIDE) - WIDE // 2) / RATE
    wide = torch.sin(2 * torch.pi * 250 * time).repeat(64, 1)
    hertz = torch.full((64,), 250.0)
    hertz[::2] = 0
    batch = WideBatch(normalised(wide[:, MARGIN:-MARGIN]), hertz, wide)
    varied = task.augment(batch, torch.Generator().manual_seed(0))
    assert (varied.targets[::2] == 0).all()
    shift = 1200 * torch.log2(varied.targets[1::2] / 250)
    assert -50 <= shift.min() < -30 and 30 < shift.max() <= 50
    for row, target in zip(varied.inputs[1::2, 0], varied.targets[1::2], strict=True):
        expected = normalised(torch.sin(2 * torch.pi * target * time[MARGIN:-MARGIN])[None])[0, 0]
        assert (row - expected).abs().max() < 0.02


def test_variation_comes_from_its_generator_and_keeps_the_shape(data: Data) -> None:
    batch = data.train.batch(torch.arange(40))
    one, same, other = (task.augment(batch, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one.inputs, same.inputs)
    assert torch.equal(one.targets, same.targets)
    assert not torch.equal(one.inputs, other.inputs)
    assert one.inputs.shape == batch.inputs.shape
    plain = task.augment(Batch(batch.inputs, batch.targets), torch.Generator().manual_seed(1))
    assert torch.equal(plain.targets, batch.targets)
    assert plain.inputs.shape == batch.inputs.shape
