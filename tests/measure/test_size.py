from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from benchmark.measure import artefact_bytes, nonzero, parameters
from benchmark.states import save_state


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.out = nn.Linear(4, 10)
        self.out.weight = self.embed.weight


def test_parameters_by_hand() -> None:
    assert parameters(nn.Linear(3, 5)) == 20
    assert parameters(nn.GRU(3, 4, bidirectional=True)) == 2 * (12 * 3 + 12 * 4 + 24)
    assert parameters(nn.Sequential(nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4))) == 28 + 8
    assert parameters(nn.ReLU()) == 0


def test_tied_once_frozen_too() -> None:
    model = Tied()
    assert parameters(model) == 40 + 10
    model.requires_grad_(False)
    assert parameters(model) == 50
    assert nonzero(model) == 50 - int((model.embed.weight == 0).sum())


def test_nonzero_counts_parameters_only() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    nn.init.ones_(model[0].weight)
    nn.init.ones_(model[0].bias)
    with torch.no_grad():
        model[0].weight[1] = 0
        model[0].weight[0, 0] = -0.0
        model[0].weight[0, 1] = 1e-30
    # The norm: ones for the weight, zeros for the bias; its running mean and variance are no parameters.
    assert nonzero(model) == 16 - 5 + 4 + 4


def test_artefact_is_the_file_that_ships(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4))
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert len(state) == 6
    save_state(tmp_path / "weights.safetensors", state)
    assert artefact_bytes(model) == (tmp_path / "weights.safetensors").stat().st_size
    payload = 4 * (28 + 8 + 8)
    assert payload < artefact_bytes(model) < payload + 8 + 100 * len(state)


def test_artefact_stores_a_tie_once_and_follows_the_dtype() -> None:
    tied, payload = Tied(), 4 * 50
    assert payload < artefact_bytes(tied) < payload + 250
    assert artefact_bytes(nn.Linear(64, 64)) - artefact_bytes(nn.Linear(64, 64).half()) == 2 * 65 * 64


def test_artefact_of_views_and_strides() -> None:
    model = nn.Linear(8, 8)
    plain = artefact_bytes(model)
    shared = torch.randn(8, 9)
    model.weight, model.bias = nn.Parameter(shared[:, :8].t()), nn.Parameter(shared[:, 8])
    assert artefact_bytes(model) == plain
