"""Which bins a voice is followed through."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tasks.pitch import follow
from tasks.pitch.follow import followed
from tasks.pitch.scale import BINS, UNVOICED


def heard(*peaks: dict[int, float]) -> torch.Tensor:
    """Logits of frames with the given peaks, -4 elsewhere; no pitch is ruled out unless it is a peak."""
    logits = torch.full((len(peaks), BINS + 1), -4.0)
    logits[:, UNVOICED] = -20.0
    for row, peak in zip(logits, peaks, strict=True):
        row[list(peak)] = torch.tensor(list(peak.values()))
    return logits


def test_a_frame_alone_has_the_bin_of_its_peak() -> None:
    assert followed(heard({7: 3.0, 100: 2.0}), np.array([5])).tolist() == [7]


def test_an_octave_error_of_one_frame_is_mended_and_another_note_is_not() -> None:
    steady, doubtful = {100: 5.0}, {100: 4.0, 160: 5.0}
    assert followed(heard(steady, doubtful, steady), np.zeros(3, int)).tolist() == [100, 100, 100]
    assert followed(heard(steady, {160: 9.0}, {160: 9.0}), np.zeros(3, int)).tolist() == [100, 160, 160]


def test_a_frame_without_pitch_takes_the_bin_of_its_neighbours() -> None:
    silent = {UNVOICED: 9.0, 300: 2.0}
    assert followed(heard({100: 8.0}, silent, {102: 8.0}), np.zeros(3, int))[1] in (100, 101, 102)


def test_clips_are_followed_one_by_one_whatever_their_lengths() -> None:
    outputs = 3 * torch.randn((12, BINS + 1), generator=torch.Generator().manual_seed(0))
    items = np.repeat([0, 2, 3], [5, 1, 6])
    alone = [followed(outputs[items == item], items[items == item]) for item in (0, 2, 3)]
    assert torch.equal(followed(outputs, items), torch.cat(alone))


def test_the_posterior_is_the_sum_over_all_paths() -> None:
    """Of three frames, written out over four bins."""
    generator = torch.Generator().manual_seed(1)
    says, moves = (torch.rand(shape, generator=generator, dtype=torch.float64) for shape in ((2, 3, 4), (4, 4)))
    paths = torch.einsum("na,ab,nb,bc,nc->nabc", says[:, 0], moves, says[:, 1], moves, says[:, 2])
    paths /= paths.sum((1, 2, 3), keepdim=True)
    expected = torch.stack([paths.sum((2, 3)), paths.sum((1, 3)), paths.sum((1, 2))], 1)
    assert torch.allclose(follow._posterior(says, moves), expected, atol=1e-12)


def test_transitions_are_probabilities_that_fall_with_distance_and_leave_every_leap_possible() -> None:
    moves = follow._transitions()
    assert torch.allclose(moves.sum(1), torch.ones(BINS))
    assert (moves[100, 100:-1] >= moves[100, 101:]).all()
    assert moves.min() >= follow.JUMP / BINS
    bins = round(follow.NEAR / 20)
    floor = follow.JUMP / BINS
    assert (moves[180, 180 + bins] - floor) / (moves[180, 180] - floor) == pytest.approx(np.exp(-1), rel=1e-3)
