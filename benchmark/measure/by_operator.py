"""Multiply-accumulates of one forward as torch counts them, operator by operator: a second opinion."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmark.measure.evaluating import evaluating


def macs_by_operator(model: nn.Module, inputs: tuple[Any, ...]) -> int:
    """Half of the operations that `FlopCounterMode` counts in a forward in eval mode.

    It sees products wherever they are, also those that no layer stands for; of an operator that it does not know, it
    counts nothing.
    """
    # With mkldnn an LSTM is one fused operator, which the counter does not know; torch warns of its own switch.
    with warnings.catch_warnings(), evaluating(model), torch.no_grad():
        warnings.simplefilter("ignore")
        with torch.backends.mkldnn.flags(enabled=False), FlopCounterMode(display=False) as counter:
            model(*inputs)
    return int(counter.get_total_flops()) // 2
