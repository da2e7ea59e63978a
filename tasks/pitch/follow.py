"""Which peak of the net's output a voice follows from frame to frame: a hidden Markov model over the bins.

CREPE's code (github.com/marl/crepe, MIT licence) decodes by Viterbi with transitions that fall with the distance of two
bins; pYIN, which the net is held against, has such a model too. Here every frame gets its most probable bin given all
frames of its clip (forward-backward), which is what a score by frames asks for. A frame whose net hears no pitch says
that much less about its bin.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .scale import BINS, CENTS_PER_BIN, UNVOICED

NEAR = 100.0
"""Cents from frame to frame in which the probability falls by e; chosen on validation for frames 80 ms apart."""
JUMP = 0.05
"""Probability that the next frame has any pitch at all: another note."""


def followed(outputs: Tensor, items: np.ndarray) -> Tensor:
    """Logits (rows, 361) of clips `items` (rows,), clip after clip -> the bin (rows,) of every frame."""
    shares = torch.softmax(outputs.detach().cpu().float(), 1)
    says = shares[:, :UNVOICED] + shares[:, UNVOICED:] / BINS
    lengths = np.unique(items, return_counts=True)[1]
    # Beyond its end a clip says nothing about any bin.
    padded = torch.nn.utils.rnn.pad_sequence(says.split(lengths.tolist()), batch_first=True, padding_value=1 / BINS)
    bins = _posterior(padded, _transitions()).argmax(2)
    return torch.cat([clip[:length] for clip, length in zip(bins, lengths.tolist(), strict=True)])


def _transitions() -> Tensor:
    """(bins, bins): probability of the bin of the next frame, a row for each of this one's."""
    away = torch.arange(BINS)
    near = torch.exp(-(away[:, None] - away).abs() * (CENTS_PER_BIN / NEAR))
    return (1 - JUMP) * near / near.sum(1, keepdim=True) + JUMP / BINS


def _posterior(says: Tensor, transitions: Tensor) -> Tensor:
    """Likelihoods (clips, frames, bins) -> what each bin has of the probability of its frame, the same shape."""
    forward = [_normalised(says[:, 0])]
    for here in says.unbind(1)[1:]:
        forward.append(_normalised(forward[-1] @ transitions * here))
    after = torch.ones_like(says[:, 0])
    posterior = [forward.pop()]
    for there in says.flip(1).unbind(1)[:-1]:
        after = _normalised((after * there) @ transitions.T)
        posterior.append(_normalised(forward.pop() * after))
    return torch.stack(posterior[::-1], 1)


def _normalised(weights: Tensor) -> Tensor:
    return weights / weights.sum(1, keepdim=True)
