"""The generator: a net is told a note by symbols, frame by frame, and has not heard it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmark.audio.spectra import magnitudes
from benchmark.data.tones import Tones
from benchmark.task import Batch, Profile, Training

from .layers import FRAME, HOP, OVERLAP, RATE
from .model import CONTEXT
from .notes import Notes, excerpt, level
from .sequence import BANDS, INPUTS, SIZES, TIMBRE, Generator
from .way import REWIND, Way

HERTZ, VELOCITY, SECONDS = range(3)
"""Places in what a frame is told."""
FRAMES = CONTEXT + 2
"""As many more frames than hops of sound."""
BEFORE = OVERLAP + (CONTEXT - 1) * HOP // 2 - FRAME // 2
"""Samples before a note at which the middle of its first frame is."""
SOFTEST = 1e-6
"""Of the power of a note."""
RECIPES: dict[Profile, Training] = {
    "smoke": Training(steps=30, batch=8, learning_rate=4e-3, checks=2),
    "quick": Training(steps=2400, batch=8, learning_rate=1e-3, rewind=REWIND, checks=5),
    "full": Training(steps=50_000, batch=16, learning_rate=3e-4, rewind=REWIND, checks=20),
}
"""`full` has not been tuned."""


class ToldNotes(Notes):
    """Notes and their symbols.

    Attributes
    ----------
    scale : tuple of Tensor
        Mean and deviation (TIMBRE,) of the timbres of training notes.
    symbols : Tensor
        (notes, 2 + TIMBRE): pitch in Hz, velocity in dB, timbre.
    """

    def __init__(self, held: Tones, training: ToldNotes | None) -> None:
        super().__init__(held)
        levels = timbre(self.audio)
        own = levels.mean(0), levels.std(0).clamp_min(1e-3)
        self.scale: tuple[Tensor, Tensor] = own if training is None else training.scale
        peak = 20 * self.audio.abs().amax(1, keepdim=True).clamp_min(1e-4).log10()
        hertz = torch.from_numpy(held.hertz).float().unsqueeze(1)
        self.symbols = torch.cat([hertz, peak, (levels - self.scale[0]) / self.scale[1]], 1)

    def batch(self, rows: Tensor) -> Batch:
        """(rows, frames, INPUTS) and (rows, samples)."""
        symbols = self.symbols[rows].unsqueeze(1)
        frames = self.audio.shape[1] // HOP + FRAMES
        hertz, velocity, colour = symbols.expand(-1, frames, -1).split([1, 1, TIMBRE], -1)
        seconds = times(frames).expand(len(rows), -1).unsqueeze(-1)
        return Batch(torch.cat([hertz, velocity, seconds, colour], -1), self.audio[rows])


class Told(Way):
    """Pitch, velocity, time and timbre in, sound out."""

    def split(self, held: Tones, training: Notes | None) -> Notes:
        """Timbres are scaled to those of training."""
        assert training is None or isinstance(training, ToldNotes)
        return ToldNotes(held, training)

    def model(self, profile: Profile) -> nn.Module:
        """The first paper's layers."""
        return Generator(SIZES[profile])

    def training(self, profile: Profile) -> Training:
        """At `quick` the pitch is right by then; half of the steps are further by 0.045 of `mss`."""
        return RECIPES[profile]

    def varied(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Pitch, time and velocity follow."""
        heard = excerpt(batch.targets, generator)
        velocity = batch.inputs[:, :1, VELOCITY]
        gain = level(10 ** (velocity / 20), generator)
        symbols = batch.inputs[:, : heard.audio.shape[1] // HOP + FRAMES].clone()
        symbols[..., HERTZ] *= heard.speed
        symbols[..., SECONDS] += heard.first / heard.speed / RATE
        symbols[..., VELOCITY] += 20 * gain.log10()
        return Batch(symbols, heard.audio * gain)

    def example(self, samples: int) -> Tensor:
        """A note of 220 Hz, (1, frames, INPUTS)."""
        frames = samples // HOP + FRAMES
        x = torch.zeros(1, frames, INPUTS)
        x[..., HERTZ], x[..., VELOCITY], x[..., SECONDS] = 220.0, -10.0, times(frames)
        return x


def times(frames: int) -> Tensor:
    """(frames,) seconds from the beginning of a note to the middle of its frames."""
    return (torch.arange(frames) * HOP - BEFORE) / RATE


def timbre(audio: Tensor) -> Tensor:
    """(notes, samples) -> (notes, TIMBRE): dB in mel bands, in each half of a note, below all of its first half.

    At least -60 dB, so that it is the same at any velocity.
    """
    import librosa

    bands = torch.from_numpy(librosa.filters.mel(sr=RATE, n_fft=FRAME, n_mels=BANDS, fmin=40, fmax=RATE / 2)).float()
    power = torch.cat([bands @ magnitudes(part, FRAME, HOP).square() for part in audio.split(64)])
    halves = torch.stack([half.mean(-1) for half in power.tensor_split(2, -1)], 1)
    share = halves / halves[:, :1].sum(-1, keepdim=True).clamp_min(1e-12)
    return 10 * share.clamp_min(SOFTEST).log10().flatten(1)
