"""Estimates of information on cases with a known answer: bias and spread."""

import math

import numpy as np
import pytest
import torch
from sklearn.feature_selection import mutual_info_classif

from benchmark.evidence.information import mutual_information, noisy_entropy

REPEATS = 100
ROWS = 1024


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def labels(classes, rows=ROWS):
    return torch.randint(classes, (rows,), generator=torch.Generator().manual_seed(9))


def of_shifted_normals(classes, apart):
    """Mutual information of a class with a normal number whose mean is `apart` times the class, by quadrature."""
    x = torch.linspace(-8, 8 + apart * classes, 20001, dtype=torch.float64)
    density = torch.exp(-0.5 * (x[:, None] - apart * torch.arange(classes)) ** 2) / math.sqrt(2 * math.pi)
    mixture = density.mean(1)
    return float(-torch.xlogy(mixture, mixture).sum() * (x[1] - x[0])) - 0.5 * math.log(2 * math.pi * math.e)


@pytest.mark.parametrize("classes", [2, 4, 25])
def test_independent_of_classes_gives_none(classes):
    found = mutual_information(normal(REPEATS, ROWS), labels(classes))
    assert abs(float(found.mean())) < 0.008
    assert float(found.std()) < 0.015


def test_independent_of_a_quantity_gives_none():
    found = mutual_information(normal(REPEATS, ROWS), normal(ROWS, seed=1))
    assert abs(float(found.mean())) < 0.008
    assert float(found.std()) < 0.012


@pytest.mark.parametrize(("classes", "apart"), [(2, 1.0), (4, 1.0), (25, 0.16)])
def test_classes_that_shift_the_mean(classes, apart):
    truth = of_shifted_normals(classes, apart)
    y = labels(classes)
    found = mutual_information(normal(REPEATS, ROWS) + apart * y, y)
    assert float(found.mean()) == pytest.approx(truth, abs=0.02)
    assert float(found.std()) < 0.025


@pytest.mark.parametrize("correlation", [0.3, 0.6, 0.9])
def test_correlated_normals_have_the_closed_form_less_what_the_bins_lose(correlation):
    truth = -0.5 * math.log(1 - correlation**2)
    y = normal(ROWS, seed=1)
    found = mutual_information(correlation * y + math.sqrt(1 - correlation**2) * normal(REPEATS, ROWS), y)
    assert 0.93 * truth - 0.01 < float(found.mean()) < truth + 0.01
    assert float(found.std()) < 0.03


def test_a_known_class_is_its_entropy_and_a_constant_is_exactly_nothing():
    y = torch.arange(ROWS) % 4
    found = mutual_information(torch.stack([y.double(), torch.full((ROWS,), 3.0, dtype=torch.float64)]), y)
    assert float(found[0]) == pytest.approx(math.log(4), abs=0.01)
    assert float(found[1]) == 0.0
    assert float(mutual_information(torch.zeros(1, ROWS), normal(ROWS))[0]) == 0.0


def test_a_unit_that_is_mostly_zero_is_no_trouble():
    y = labels(2)
    fires = (normal(1, ROWS) > 1) & (y == 1)
    found = float(mutual_information(torch.where(fires, normal(1, ROWS, seed=2).abs(), 0.0), y)[0])
    p = float(normal(1, 100_000, seed=3).gt(1).double().mean())
    h = lambda q: -q * math.log(q) - (1 - q) * math.log(1 - q)  # noqa: E731
    assert found == pytest.approx(h(p / 2) - h(p) / 2, abs=0.02)


def test_any_monotone_change_of_the_numbers_says_as_much():
    y = labels(4)
    z = normal(5, ROWS) + y
    torch.testing.assert_close(mutual_information(z, y), mutual_information((3 * z).exp(), y))


def test_it_does_not_saturate_with_many_rows_or_few():
    """The authors' estimate is at log2 of the rows for every unit."""
    for rows in (128, 512, 4096):
        y = labels(8, rows)
        weak, strong = mutual_information(torch.stack([normal(rows), normal(rows) + y]), y).tolist()
        assert weak < 0.15 < 0.6 < strong < 1.2


def test_it_ranks_as_the_neighbour_estimator_of_scikit_learn_does():
    y = labels(10)
    strength = torch.linspace(0, 0.5, 12)[:, None]
    z = normal(12, ROWS) + strength * y
    ours = mutual_information(z, y).numpy()
    theirs = mutual_info_classif(z.T.numpy(), y.numpy(), random_state=0)
    np.testing.assert_allclose(ours, theirs, atol=0.08)
    assert np.corrcoef(ours.argsort().argsort(), theirs.argsort().argsort())[0, 1] > 0.95


def test_shapes_are_kept():
    assert mutual_information(normal(3, 5, ROWS), labels(4)).shape == (3, 5)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 10.0])
def test_a_normal_number_with_noise_has_the_information_of_its_channel(ratio):
    truth = 0.5 * math.log(1 + ratio**2)
    generator = torch.Generator().manual_seed(3)
    found = noisy_entropy(ratio * normal(REPEATS, ROWS), generator, torch.tensor(1.0))
    assert float(found.mean()) == pytest.approx(truth, abs=0.02)
    assert float(found.std()) < 0.06


def test_a_constant_with_noise_says_nothing_and_a_wider_unit_says_more():
    generator = torch.Generator().manual_seed(3)
    values = torch.stack([torch.full((ROWS,), 7.0), normal(ROWS).float(), 3 * normal(ROWS).float()])
    constant, narrow, wide = noisy_entropy(values, generator, torch.tensor(0.1)).tolist()
    assert constant < 1e-9
    assert wide - narrow == pytest.approx(math.log(3), abs=0.1)


def test_without_noise_there_is_nothing_to_measure_against():
    found = noisy_entropy(torch.zeros(2, ROWS), torch.Generator().manual_seed(0), torch.tensor(0.0))
    assert found.tolist() == [0.0, 0.0]
