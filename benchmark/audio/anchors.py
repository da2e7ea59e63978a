"""What the common metrics give sounds whose worth anybody knows: a copy, silence, noise, the wrong pitch.

A number of a generator is to be read between them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from benchmark.audio.scores import compare
from benchmark.audio.spectra import magnitudes
from benchmark.metrics import reduction

SEMITONE = 2 ** (1 / 12)
WINDOW, HOP = 1024, 256
"""Of the mean spectrum."""


def anchors(reference: Tensor, rate: int, seed: int = 0) -> dict[str, dict[str, float]]:
    """Scores by sound and metric.

    `copy`: the notes themselves. `silence`. `noise`: white, as loud (RMS of the whole note) as the note. `shifted`:
    the note a semitone higher, by playing it faster; its end is silent. `softer`: the note at half of its amplitude.

    Parameters
    ----------
    reference
        (rows, samples) float32 in -1 to 1.
    rate
        Samples a second.
    seed
        Of the noise.
    """
    return {name: scored(sound, reference, rate) for name, sound in sounds(reference, rate, seed).items()}


def scored(guess: Tensor, reference: Tensor, rate: int) -> dict[str, float]:
    """The common metrics, reduced over all notes; (rows, samples) each."""
    return {metric: reduction("ratio")(items) for metric, items in compare(guess, reference, rate).items()}


def sounds(reference: Tensor, rate: int, seed: int = 0) -> dict[str, Tensor]:
    """The sounds themselves, (rows, samples) each."""
    noise = torch.randn(reference.shape, generator=torch.Generator().manual_seed(seed))
    return {
        "copy": reference,
        "silence": torch.zeros_like(reference),
        "noise": noise * reference.square().mean(1, keepdim=True).sqrt(),
        "shifted": torch.stack([_faster(row, rate) for row in reference]),
        "softer": reference / 2,
    }


def mean_spectrum(training: Tensor, reference: Tensor, seed: int = 0) -> Tensor:
    """What can be known of a note without hearing it: noise with the mean spectrogram of training notes.

    Every training note is brought to an RMS of 1 before the mean of magnitudes at each time and frequency is taken
    (windows of 1,024, hops of 256), and every note of the result to the RMS of its reference.

    Parameters
    ----------
    training
        (notes, samples), as long as the reference or longer.
    reference
        (rows, samples).
    seed
        Of the noise.

    Returns
    -------
    Tensor
        (rows, samples).
    """
    samples = reference.shape[1]
    scaled = training[:, :samples] / _rms(training[:, :samples])
    # In parts: the spectrograms of all training notes at once would be the largest thing in memory.
    total = torch.stack([magnitudes(part, WINDOW, HOP).sum(0) for part in scaled.split(64)]).sum(0)
    noise = torch.randn(reference.shape, generator=torch.Generator().manual_seed(seed))
    window = torch.hann_window(WINDOW)
    spectra = torch.stft(noise, WINDOW, HOP, window=window, pad_mode="constant", return_complex=True)
    coloured = torch.istft(spectra * (total / len(training)), WINDOW, HOP, window=window, length=samples)
    return coloured * (_rms(reference) / _rms(coloured))


def _rms(audio: Tensor) -> Tensor:
    return audio.square().mean(1, keepdim=True).sqrt().clamp_min(1e-9)


def _faster(row: Tensor, rate: int) -> Tensor:
    import soxr

    changed = soxr.resample(row.numpy().astype(np.float64), rate * SEMITONE, rate, quality="VHQ")[: len(row)]
    return torch.from_numpy(np.pad(changed, (0, len(row) - len(changed)))).float()
