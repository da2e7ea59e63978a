"""The auto-encoder: convolutions from sound to a latent of each frame, and from there to sound.

Défossez et al., NeurIPS 2018, section 3.1, as Esling et al., DAFx 2020 used it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.hardware.streaming import Stream
from benchmark.task import Profile

from .layers import HOP, OVERLAP, Analysis, Mix, OverlapAdd
from .stream import Past, stream

CONTEXT = 5
"""Latents that the decoder looks at for one frame. The first paper has 9, with which a net is neither nearer nor as
soon heard; the second paper's code 6, and only an odd number is a stream."""


@dataclass(frozen=True)
class Shape:
    """Widths of the convolutions."""

    channels: int
    latent: int = 128
    context: int = CONTEXT

    @property
    def pad(self) -> int:
        """Samples of silence on each side of sound, so that what comes back is as long."""
        return OVERLAP + (self.context - 1) * HOP // 2


SHAPES: dict[Profile, Shape] = {"smoke": Shape(48, 24), "quick": Shape(240), "full": Shape(2048)}
"""The first paper has 4,096 channels. `full` has the 2,048 of the second paper's code, which also narrows the latent to
16 and the context to 6: 21,213,200 weights and biases. Here a cut may narrow the latent."""


class Encoder(nn.Module):
    """(rows, 1, samples) -> (rows, latent, frames)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.channels
        self.analysis = Analysis(width)
        self.first, self.second = Mix(width, width, 1), Mix(width, width, 1)
        self.latent = Mix(width, shape.latent, 1)

    def forward(self, sound: Tensor) -> Tensor:
        """Latents of frames."""
        x = torch.relu(self.analysis(sound))
        x = torch.relu(self.first(x))
        latents: Tensor = self.latent(torch.relu(self.second(x)))
        return latents


class Decoder(nn.Module):
    """(rows, latent, frames) -> (rows, 1, samples); the first frame of sound needs `context` latents."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.channels
        self.context = Mix(shape.latent, width, shape.context)
        self.first, self.second = Mix(width, width, 1), Mix(width, width, 1)
        self.sound = OverlapAdd(width)

    def forward(self, latents: Tensor) -> Tensor:
        """Sound of latents."""
        sound: Tensor = self.sound(self.frames(latents))
        return sound

    def frames(self, latents: Tensor) -> Tensor:
        """What sound is made of, (rows, channels, frames - context + 1)."""
        x = torch.relu(self.context(latents))
        x = torch.relu(self.first(x))
        return torch.relu(self.second(x))


class AutoEncoder(nn.Module):
    """(rows, samples) -> (rows, samples) at 16 kHz; samples are a multiple of HOP."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder, self.decoder = Encoder(shape), Decoder(shape)

    def forward(self, x: Tensor) -> Tensor:
        """The whole clip, silence around it."""
        silent = functional.pad(x.unsqueeze(1), (self.shape.pad, self.shape.pad))
        sound: Tensor = self.decoder(self.encoder(silent)).squeeze(1)
        return sound

    def play(self, x: Tensor, past: Past | None = None) -> tuple[Tensor, Past]:
        """A block of any number of hops, after the blocks that `past` comes from; what comes out is `pad` late.

        Parameters
        ----------
        x
            (rows, samples).
        past
            What the call before gave; None: silence.

        Returns
        -------
        tuple
            (rows, samples) sound, and what the next call takes. An odd context makes it the sound of `forward`.
        """
        past = past or self.silence(x)
        samples = torch.cat([past.samples, x.unsqueeze(1)], -1)
        latents = torch.cat([past.latents, self.encoder(samples)], -1)
        sound = self.decoder.sound.ringing(self.decoder.frames(latents))
        sound = sound + functional.pad(past.tail, (0, sound.shape[-1] - OVERLAP))
        now, tail = sound.split([x.shape[1], OVERLAP], -1)
        kept = latents[..., latents.shape[-1] - self.shape.context + 1 :]
        return now.squeeze(1), Past(samples[..., -OVERLAP:], kept, tail)

    def stream(self, example: Tensor) -> Stream:
        """How boards play it: hop by hop."""
        return stream(self, example)

    def silence(self, x: Tensor) -> Past:
        """What there is before the first block, of clips x (rows, ...)."""
        frames = self.shape.context - 1
        still = x.new_zeros(len(x), 1, OVERLAP)
        return Past(still, self.encoder(x.new_zeros(len(x), 1, OVERLAP + frames * HOP)), still)
