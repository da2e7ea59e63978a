"""How much one number says of another, in nats, for many units at once.

Each unit is taken by itself, one number against one target. Estimators that take a whole map or layer against a target
run into their ceiling, the logarithm of the number of rows, and then rank nothing. Bias and spread of what is here, and
of the neighbour estimators of scikit-learn, are measured in docs/criteria.md.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

MOST_BINS = 16
CELL = 5
"""Rows that a cell of the table of bins and classes should have; with fewer the correction of the bias fails."""


def mutual_information(values: Tensor, targets: Tensor) -> Tensor:
    """Mutual information of each row of numbers with the targets, from a table of equally filled bins.

    The plug-in estimate less its bias to first order (G. Miller, Note on the bias of information estimates, 1955;
    counted over cells that are not empty, R. Moddemeijer, Signal Processing 16, 1989). A constant has exactly none; an
    independent number has none but for noise, so that small negative estimates occur and are left as they are.

    Parameters
    ----------
    values
        (..., n).
    targets
        (n,): integers are classes; floats a quantity, which is put into bins like the values.

    Returns
    -------
    Tensor
        (...) float64, in nats.
    """
    n = values.shape[-1]
    if targets.is_floating_point():
        bins = _bins(math.sqrt(n / CELL))
        classes = _binned(targets[None], bins)[0]
    else:
        classes = torch.unique(targets, return_inverse=True)[1]
        bins = _bins(n / CELL / (int(classes.max()) + 1))
    many = int(classes.max()) + 1
    cells = _binned(values.reshape(-1, n), bins) * many + classes
    table = torch.zeros(len(cells), bins * many)
    table = table.scatter_add_(1, cells, torch.ones(1).expand(cells.shape)).view(-1, bins, many)
    parts = (table.sum(2), table.sum(1), table.flatten(1))
    of_values, of_targets, of_both = (_entropy(part) for part in parts)
    seen_values, seen_targets, seen_both = ((part > 0).sum(1) for part in parts)
    bias = (seen_both - seen_values - seen_targets + 1) / (2 * n)
    return (of_values + of_targets - of_both - bias).view(values.shape[:-1])


def noisy_entropy(values: Tensor, generator: torch.Generator, noise: Tensor) -> Tensor:
    """Mutual information of each row of numbers with what determines it, when noise is added to the numbers.

    A unit is a function of the input x of its layer, so I(z + e; x) = h(z + e) - h(e) with Gaussian e: no estimate in
    the space of x is needed, where all fail. h is estimated by spacings of sorted values (O. Vasicek, J. Royal
    Statistical Society B 38, 1976), and the estimate for as many draws of e alone is subtracted, with the same bias.

    Parameters
    ----------
    values
        (..., n).
    generator
        Of the noise.
    noise
        Standard deviation of the noise, broadcast to (...).

    Returns
    -------
    Tensor
        (...) float64, in nats, at least 0.
    """
    values = values.to(torch.float64)
    drawn = torch.randn(values.shape, generator=generator, dtype=torch.float64) * noise[..., None]
    return (_spacings(values + drawn) - _spacings(drawn)).clamp_min(0)


def _bins(wanted: float) -> int:
    return max(2, min(MOST_BINS, int(wanted)))


def _binned(values: Tensor, bins: int) -> Tensor:
    """The bin of each number in its row, (rows, n) int64; equal numbers share a bin."""
    n = values.shape[1]
    edges = values.sort(1).values[:, [n * i // bins for i in range(1, bins)]]
    return torch.searchsorted(edges.contiguous(), values.contiguous(), right=True)


def _entropy(counts: Tensor) -> Tensor:
    """Of each row of counts, in nats."""
    shares = counts.to(torch.float64) / counts.sum(1, keepdim=True)
    return -torch.xlogy(shares, shares).sum(1)


def _spacings(values: Tensor) -> Tensor:
    n = values.shape[-1]
    reach = max(1, round(math.sqrt(n) / 2))
    at = torch.arange(n)
    ranked = values.sort(-1).values
    wide = ranked[..., (at + reach).clamp_max(n - 1)] - ranked[..., (at - reach).clamp_min(0)]
    return (wide.clamp_min(torch.finfo(torch.float64).tiny) * (n / (2 * reach))).log().mean(-1)
