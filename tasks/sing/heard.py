"""The auto-encoder: a net hears the note that it is to give."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmark.data.tones import Tones
from benchmark.task import Batch, Profile, Training

from .model import SHAPES, AutoEncoder
from .notes import Notes, excerpt, level
from .way import REWIND, Way

RECIPES: dict[Profile, Training] = {
    "smoke": Training(steps=30, batch=8, learning_rate=4e-3, checks=2),
    "quick": Training(steps=2000, batch=16, learning_rate=1.6e-3, rewind=REWIND, checks=5),
    "full": Training(steps=50_000, batch=16, learning_rate=3e-4, rewind=REWIND, checks=20),
}
"""`full` has not been tuned; its rate is that of Défossez et al."""


class Heard(Way):
    """Sound in, the same sound out."""

    def split(self, held: Tones, training: Notes | None) -> Notes:
        """Sound needs no scale."""
        return Notes(held)

    def model(self, profile: Profile) -> nn.Module:
        """Both papers' layers."""
        return AutoEncoder(SHAPES[profile])

    def training(self, profile: Profile) -> Training:
        """At `quick` the pitch has converged; twice the steps are still nearer by 0.05 of `mss`."""
        return RECIPES[profile]

    def varied(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Also upside down; the level is that of the excerpt, so that the end of a note is heard as well."""
        audio = excerpt(batch.targets, generator).audio
        gain = level(audio.abs().amax(1, keepdim=True), generator)
        sign = torch.randint(2, gain.shape, generator=generator) * 2 - 1
        audio = audio * (gain * sign)
        return Batch(audio, audio)

    def example(self, samples: int) -> Tensor:
        """Noise, (1, samples)."""
        return torch.randn((1, samples), generator=torch.Generator().manual_seed(0)) * 0.1
