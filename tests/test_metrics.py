from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score

from benchmark.errors import UsageError
from benchmark.metrics import REDUCTIONS, reduction

counts = st.integers(1, 30)
durations = st.floats(0, 1e4, allow_subnormal=False)


@st.composite
def items(draw: st.DrawFn, name: str) -> dict[str, np.ndarray]:
    n = draw(counts)
    if name == "ratio":
        whole = draw(arrays(float, n, elements=durations))
        return {"part": whole * draw(arrays(float, n, elements=st.floats(0, 1))), "whole": whole}
    classes = st.integers(0, 5)
    if name == "pooled_f1":
        few = arrays(int, n, elements=st.integers(0, 9))
        hits, missed, false = draw(few), draw(few), draw(few)
        label = draw(arrays(int, n, elements=classes))
        return {"label": label, "hits": hits, "truths": hits + missed, "guesses": hits + false}
    return {"truth": draw(arrays(int, n, elements=classes)), "guess": draw(arrays(int, n, elements=classes))}


def test_ratio_by_hand() -> None:
    ratio = reduction("ratio")
    assert ratio({"part": np.array([1, 0, 1]), "whole": np.array([1, 1, 1])}) == pytest.approx(2 / 3)
    # Weighted by duration: not the mean of 0.5 and 1.
    assert ratio({"part": np.array([5.0, 1.0]), "whole": np.array([10.0, 1.0])}) == pytest.approx(6 / 11)
    assert ratio({"part": np.array([True, False]), "whole": np.array([1, 1])}) == 0.5


def test_macro_f1_by_hand() -> None:
    # Class 0: 1 hit, 1 missed, 0 false: 2/3. Class 1: 1 hit, 0 missed, 1 false: 2/3. Class 2: 0. Class 3: never seen.
    found = reduction("macro_f1")({"truth": np.array([0, 0, 1, 2]), "guess": np.array([0, 1, 1, 4])})
    assert found == pytest.approx((2 / 3 + 2 / 3 + 0 + 0) / 4)


@given(items("macro_f1"))
def test_macro_f1_is_scikit_learns(found: dict[str, np.ndarray]) -> None:
    theirs = f1_score(found["truth"], found["guess"], average="macro", zero_division=0)
    assert reduction("macro_f1")(found) == pytest.approx(theirs, abs=1e-12)


def test_macro_f1_perfect_and_hopeless() -> None:
    labels = np.array([3, 1, 4, 1, 5])
    assert reduction("macro_f1")({"truth": labels, "guess": labels}) == 1
    assert reduction("macro_f1")({"truth": labels, "guess": labels + 10}) == 0


def test_pooled_f1_by_hand() -> None:
    # Two clips, two labels; label 0: 3 hits of 5 truths and 4 guesses: 2/3. Label 1: 1 of 2 and 2: 1/2.
    found = {
        "label": np.array([0, 1, 0, 1, 2]),
        "hits": np.array([3, 0, 0, 1, 0]),
        "truths": np.array([3, 1, 2, 1, 0]),
        "guesses": np.array([3, 0, 1, 2, 0]),
    }
    assert reduction("pooled_f1")(found) == pytest.approx((2 / 3 + 1 / 2) / 2)
    alone = found | {"label": np.zeros(5)}
    assert reduction("pooled_f1")(alone) == pytest.approx(2 * 4 / (7 + 6))


def test_pooled_f1_is_macro_f1_where_every_event_is_one_of_a_class() -> None:
    truth, guess = np.array([0, 0, 1, 2, 3]), np.array([0, 1, 1, 4, 3])
    labels = np.arange(5)
    events = {
        "label": labels,
        "hits": np.array([((truth == label) & (guess == label)).sum() for label in labels]),
        "truths": np.array([(truth == label).sum() for label in labels]),
        "guesses": np.array([(guess == label).sum() for label in labels]),
    }
    assert reduction("pooled_f1")(events) == reduction("macro_f1")({"truth": truth, "guess": guess})


@pytest.mark.parametrize("name", sorted(REDUCTIONS))
@given(data=st.data())
def test_weight_is_repetition(name: str, data: st.DataObject) -> None:
    """A bootstrap draw is a vector of counts: one product gives what repeating the items gives, for many draws."""
    found, reduce = data.draw(items(name)), reduction(name)
    n = len(found[reduce.arrays[0]])
    weights = data.draw(arrays(int, (3, n), elements=st.integers(0, 4)))
    by_product = reduce.score(weights @ reduce.columns(found))
    assert by_product.shape == (3,)
    for draw, score in zip(weights, by_product, strict=True):
        repeated = {key: np.repeat(values, draw) for key, values in found.items()}
        assert score == pytest.approx(reduce(repeated), rel=1e-9, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", sorted(REDUCTIONS))
@given(data=st.data())
def test_order_does_not_matter_and_scores_lie_in_the_unit_interval(name: str, data: st.DataObject) -> None:
    found, reduce = data.draw(items(name)), reduction(name)
    turned = {key: values[::-1] for key, values in found.items()}
    score = reduce(found)
    assert math.isnan(score) or 0 <= score <= 1 + 1e-12
    assert reduce(turned) == pytest.approx(score, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", sorted(REDUCTIONS))
def test_nothing_to_score_is_nan(name: str) -> None:
    reduce = reduction(name)
    assert math.isnan(reduce({key: np.array([]) for key in reduce.arrays}))
    one = {key: np.array([1]) for key in reduce.arrays}
    assert math.isnan(reduce.score(np.zeros(1) @ reduce.columns(one)))


def test_ratio_of_zero_whole_is_nan() -> None:
    assert math.isnan(reduction("ratio")({"part": np.zeros(2), "whole": np.zeros(2)}))


def test_arrays_are_what_columns_reads() -> None:
    for reduce in REDUCTIONS.values():
        with pytest.raises(KeyError, match=reduce.arrays[0]):
            reduce({})


def test_unknown_reduction_suggests() -> None:
    with pytest.raises(UsageError, match="no reduction 'makro_f1': did you mean 'macro_f1'"):
        reduction("makro_f1")
    with pytest.raises(UsageError, match="known: macro_f1, pooled_f1, ratio"):
        reduction("zzz")
