"""What a net's notes are given, of sounds whose worth anybody knows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmark.audio.judging import EXAMPLES, judge
from tasks.ddsp import task

RATE = 16_000


@pytest.fixture(scope="module")
def notes():
    time = torch.arange(RATE // 2) / RATE
    return torch.stack([0.5 * torch.sin(2 * torch.pi * hertz * time) for hertz in np.linspace(200, 400, 20)])


def squared(made, wanted):
    return (made - wanted).square().mean(1)


def test_copies_are_perfect_and_silence_has_no_pitch(notes):
    copies = judge(task, notes, notes, RATE, squared).scores
    assert [copies[f"ddsp.{name}.v1"] for name in ("mss", "lsd", "cents", "rpa50", "voicing", "loudness", "loss")] == (
        pytest.approx([0, 0, 0, 1, 1, 0, 0], abs=1e-6)
    )
    silence = judge(task, torch.zeros_like(notes), notes, RATE, squared).scores
    assert silence["ddsp.mss.v1"] == pytest.approx(1, abs=1e-3)
    assert silence["ddsp.rpa50.v1"] == 0 and silence["ddsp.cents.v1"] == 1200
    assert silence["ddsp.loss.v1"] == pytest.approx(0.125, abs=1e-3)


def test_an_item_is_a_note_and_examples_are_spread_over_the_split(notes):
    found = judge(task, notes * 0.5, notes, RATE, squared)
    assert {len(values) for items in found.items.values() for values in items.values()} == {len(notes)}
    assert list(found.examples.made) == list(found.examples.wanted) == [f"{row:04d}" for row in range(0, 18, 3)]
    assert len(found.examples.made) == EXAMPLES and found.examples.rate == RATE
    assert torch.equal(found.examples.made["0003"], notes[3] * 0.5)
    assert torch.equal(found.examples.wanted["0003"], notes[3])
