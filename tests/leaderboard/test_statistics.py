from __future__ import annotations

import math

import numpy as np
import pytest

from benchmark.errors import RecordError
from benchmark.leaderboard import statistics
from benchmark.leaderboard.statistics import Comparison, Interval, Lossless, Scores, bootstrap, by_source, interval
from benchmark.metrics import REDUCTIONS

RATIO = REDUCTIONS["ratio"]


def sums(values: np.ndarray) -> np.ndarray:
    """One item a source."""
    return np.stack([values, np.ones_like(values)], 1)


def constant(value: float, seeds: int = 3) -> Scores:
    return Scores(np.full(seeds, value), np.full(statistics.DRAWS, value))


def spread(value: float, sd: float) -> Scores:
    draws = value + sd * np.linspace(-3, 3, statistics.DRAWS)
    return Scores(np.array([value - sd, value, value + sd]), draws)


class TestBySource:
    @pytest.mark.parametrize("name", ["ratio", "macro_f1"])
    def test_sums_of_sources_give_the_score_of_the_items(self, name: str) -> None:
        random = np.random.default_rng(0)
        reduction = REDUCTIONS[name]
        if name == "ratio":
            items = {"part": random.random(50), "whole": random.random(50) + 1}
        else:
            items = {"truth": random.integers(0, 5, 50), "guess": random.integers(0, 5, 50)}
        summed = by_source(reduction, items, random.permutation(np.arange(50) % 7))
        assert summed.shape[0] == 7
        assert float(reduction.score(summed.sum(0))) == pytest.approx(reduction(items), abs=1e-12)

    def test_order_of_items_does_not_matter(self) -> None:
        part, sources = np.arange(12.0), np.arange(12) // 3
        order = np.random.default_rng(1).permutation(12)
        one = by_source(RATIO, {"part": part, "whole": np.ones(12)}, sources)
        other = by_source(RATIO, {"part": part[order], "whole": np.ones(12)}, sources[order])
        np.testing.assert_array_equal(one, other)
        assert one[2].tolist() == [6 + 7 + 8, 3]

    def test_one_source_cannot_be_resampled(self) -> None:
        with pytest.raises(RecordError, match="has 1 sources"):
            by_source(RATIO, {"part": np.ones(4), "whole": np.ones(4)}, np.zeros(4))

    def test_endless_sources_are_refused(self) -> None:
        n = statistics.MAX_SOURCES + 1
        with pytest.raises(RecordError, match=f"has {n} sources"):
            by_source(RATIO, {"part": np.ones(n), "whole": np.ones(n)}, np.arange(n))


class TestBootstrap:
    def test_draws_are_those_of_a_plain_loop(self) -> None:
        """Against the definition: take seeds, then sources of each, then the mean of their scores."""
        random = np.random.default_rng(2)
        seeds = [sums(random.random(size)) for size in (5, 9)]
        picks, weights = statistics._plan((5, 9), (None, None))
        taken = [iter(w) for w in weights]
        # Weights are handed out in the order in which a seed is taken.
        expected = []
        for draw in picks:
            scores = []
            for seed in draw:
                w = next(taken[seed])
                assert w.sum() == len(seeds[seed])
                s = (w[:, None] * seeds[seed]).sum(0)
                scores.append(s[0] / s[1])
            expected.append(np.mean(scores))
        np.testing.assert_allclose(bootstrap(RATIO, seeds).draws, expected, rtol=0, atol=1e-12)

    def test_spread_is_that_of_theory(self) -> None:
        """One seed: the standard error of a mean. Two stages: between seeds plus within."""
        values = np.random.default_rng(3).normal(0, 1, 200)
        one = bootstrap(RATIO, [sums(values)])
        assert one.draws.std() == pytest.approx(values.std() / math.sqrt(200), rel=0.05)
        centres = np.array([0.0, 1.0, 2.0, 5.0])
        four = bootstrap(RATIO, [sums(values - values.mean() + c) for c in centres])
        assert four.draws.var() == pytest.approx((centres.var() + values.var() / 200) / 4, rel=0.1)
        assert four.seeds == pytest.approx(centres, abs=1e-12)

    def test_same_bytes_every_time(self) -> None:
        data = [sums(np.random.default_rng(4).random(30)) for _ in range(3)]
        first = bootstrap(RATIO, data).draws.tobytes()
        statistics._plan.cache_clear()
        assert bootstrap(RATIO, data).draws.tobytes() == first

    def test_stream_is_pinned(self) -> None:
        """The page must not change with the version of NumPy: first picks and weights as they were when written."""
        picks, weights = statistics._plan((4, 3, 5), (None,) * 3)
        assert picks[:4].tolist() == PINNED_PICKS
        assert weights[0][:2].tolist() == PINNED_WEIGHTS

    def test_draw_with_nothing_to_score_is_refused(self) -> None:
        sparse = np.array([[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]])
        with pytest.raises(RecordError, match="bootstrap draws have nothing to score: too few sources"):
            bootstrap(RATIO, [sparse])

    @pytest.mark.parametrize("seeds", [1, 3])
    def test_intervals_cover(self, seeds: int) -> None:
        """95 % intervals contain the truth in 90 to 99.5 % of 400 made-up benches without luck between seeds."""
        random = np.random.default_rng(5)
        hits = 0
        for _ in range(400):
            found = interval(bootstrap(RATIO, [sums(random.normal(0.7, 0.1, 40)) for _ in range(seeds)]))
            hits += found.low <= 0.7 <= found.high
        assert 0.90 <= hits / 400 <= 0.995

    def test_paired_interval_is_narrower_where_methods_are_correlated(self) -> None:
        random = np.random.default_rng(6)
        shared = [random.normal(0.8, 0.1, 60) for _ in range(3)]
        a = bootstrap(RATIO, [sums(s + random.normal(0, 0.01, 60)) for s in shared])
        b = bootstrap(RATIO, [sums(s + random.normal(0, 0.01, 60)) for s in shared])
        paired = interval(a - b)
        unpaired = math.hypot(interval(a).high - interval(a).low, interval(b).high - interval(b).low)
        assert paired.high - paired.low < 0.2 * unpaired
        independent = bootstrap(RATIO, [sums(random.normal(0.8, 0.1, 60)) for _ in range(3)])
        wide = interval(a - independent)
        assert wide.high - wide.low > 0.5 * unpaired


class TestIntervals:
    def test_mean_of_rounds_is_taken_draw_by_draw(self) -> None:
        a = Scores(np.array([1.0, 3.0]), np.arange(2000.0))
        b = Scores(np.array([3.0, 5.0]), np.arange(2000.0)[::-1])
        both = statistics.mean([a, b])
        assert both.seeds.tolist() == [2.0, 4.0]
        assert np.ptp(both.draws) == 0

    def test_level_and_sides(self) -> None:
        scores = Scores(np.array([0.5]), np.linspace(0, 1, 2001))
        assert (interval(scores).low, interval(scores).high) == pytest.approx((0.025, 0.975))
        assert statistics.lower_bound(scores) == pytest.approx(0.05)
        assert interval(scores).n == 1

    def test_many_comparisons_widen_the_joint_interval(self) -> None:
        scores = Scores(np.array([0.5, 0.5]), np.linspace(0, 1, 2001))
        one, ten = (statistics.difference("a", "b", scores, family=m) for m in (1, 10))
        assert one.joint == one.interval == ten.interval
        assert (ten.joint.low, ten.joint.high) == pytest.approx((0.0025, 0.9975))

    def test_t_interval_is_the_textbooks(self) -> None:
        low, high = statistics.t_interval([1.0, 2.0, 3.0])
        assert (low, high) == pytest.approx((2 - 4.302653 / math.sqrt(3), 2 + 4.302653 / math.sqrt(3)), abs=1e-5)

    @pytest.mark.parametrize(
        ("seeds", "low", "high", "sign"),
        [
            ((0.10, 0.11, 0.12), 0.10, 0.12, 1),
            ((-0.10, -0.11, -0.12), -0.12, -0.10, -1),
            ((0.01, 0.11, 0.30), 0.01, 0.30, 0),  # the seeds disagree: luck of training
            ((0.10, 0.11, 0.12), -0.01, 0.12, 0),  # the sources do
            ((0.10,), 0.09, 0.11, 0),  # one seed shows nothing
        ],
    )
    def test_a_claim_needs_both_sources_and_seeds(
        self, seeds: tuple[float, ...], low: float, high: float, sign: int
    ) -> None:
        found = Interval(float(np.mean(seeds)), low, high, seeds)
        assert Comparison("a", "b", found, found).sign == sign

    def test_equal_methods_are_seldom_called_different(self) -> None:
        """No difference, luck of training per seed: at most 8 % of 200 comparisons make a claim."""
        random = np.random.default_rng(7)
        claims = 0
        for _ in range(200):
            rows = [sums(random.normal(random.normal(0, 0.02), 0.05, 40)) for _ in range(3)]
            claims += statistics.difference("a", "b", bootstrap(RATIO, rows)).sign != 0
        assert claims <= 16


class TestLossless:
    def test_last_round_that_holds(self) -> None:
        rounds = {0: constant(0.9), 1: constant(0.91), 2: constant(0.885), 3: constant(0.87)}
        assert statistics.lossless(rounds, 0.02, True) == Lossless(2, open=False)

    def test_no_lucky_dip(self) -> None:
        rounds = {0: constant(0.9), 1: constant(0.9), 2: constant(0.8), 3: constant(0.95)}
        assert statistics.lossless(rounds, 0.02, True) == Lossless(1, open=False)

    def test_gap_ends_it(self) -> None:
        rounds = {0: constant(0.9), 1: constant(0.9), 3: constant(0.9)}
        assert statistics.lossless(rounds, 0.02, True) == Lossless(1, open=True)

    def test_exactly_the_tolerance_still_holds(self) -> None:
        rounds = {0: constant(0.97), 1: constant(0.95)}
        assert 0.95 - 0.97 < -0.02
        assert statistics.lossless(rounds, 0.02, True).round == 1

    def test_mean_within_tolerance_but_bound_outside_fails(self) -> None:
        rounds = {0: constant(0.9), 1: spread(0.89, 0.01)}
        assert statistics.lossless(rounds, 0.02, True).round == 0
        assert statistics.lossless(rounds, 0.04, True).round == 1

    def test_where_lower_is_better_a_rise_is_the_loss(self) -> None:
        rounds = {0: constant(0.1), 1: constant(0.05), 2: constant(0.2)}
        assert statistics.lossless(rounds, 0.02, False) == Lossless(1, open=False)


class TestRatio:
    def test_of_means_and_draw_by_draw(self) -> None:
        scores = Scores(np.array([0.3, 0.9]), np.linspace(0.4, 0.8, statistics.DRAWS))
        base = Scores(np.array([0.2, 0.4]), np.linspace(0.2, 0.4, statistics.DRAWS))
        found = statistics.ratio(scores, base)
        assert found is not None
        # Draw by draw it is always 2; the means are 0.6 and 0.3, while the mean of 1.5 and 2.25 is another number.
        assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))
        assert found.seeds == pytest.approx((1.5, 2.25))

    @pytest.mark.parametrize("base", [constant(0.0), constant(-1.0), spread(0.1, 0.05)])
    def test_nothing_is_a_multiple_of_what_may_be_zero(self, base: Scores) -> None:
        assert statistics.ratio(constant(0.5), base) is None


def test_training_noise_of_pairs() -> None:
    random = np.random.default_rng(8)
    pairs = [(a, b) for a, b in random.normal(0.8, 0.016, (4000, 2))]
    noise = statistics.training_noise(pairs)
    assert noise is not None
    assert noise.sd == pytest.approx(0.016, rel=0.05)
    assert noise.n == 4000
    assert statistics.training_noise([(1.0, 2.0)]) == statistics.Noise(math.sqrt(0.5), 1)
    assert statistics.training_noise([]) is None


PINNED_PICKS = [[1, 0, 0], [1, 2, 1], [2, 2, 0], [2, 2, 2]]
PINNED_WEIGHTS = [[1.0, 2.0, 0.0, 1.0], [1.0, 1.0, 2.0, 0.0]]


class TestStrata:
    """Sources of one class each are drawn class by class."""

    def test_class_of_every_source(self) -> None:
        sources = np.array([7, 3, 7, 5])
        assert statistics.strata({"truth": np.array([2, 0, 2, 2])}, sources) is not None
        np.testing.assert_array_equal(statistics.strata({"truth": np.array([2, 0, 2, 1])}, sources), [0, 1, 2])

    def test_source_of_two_classes_and_items_without_class_have_none(self) -> None:
        assert statistics.strata({"truth": np.array([2, 0, 1])}, np.array([1, 2, 1])) is None
        assert statistics.strata({"part": np.ones(2), "whole": np.ones(2)}, np.arange(2)) is None

    def test_every_draw_holds_every_class_with_its_weight(self) -> None:
        classes = (0, 1, 1, 2, 2, 2, 1)
        picks, (first, second) = statistics._plan((7, 3), (classes, None))
        assert len(first) == (picks == 0).sum()
        for number, size in ((0, 1), (1, 3), (2, 3)):
            here = first[:, np.array(classes) == number]
            np.testing.assert_allclose(here.sum(1), size, rtol=1e-12)
        assert (first[:, 0] == 1).all()
        assert set(np.unique(first[:, 1:])) <= {0.0, 1.5, 3.0}
        assert set(second.sum(1)) == {3.0}

    def test_variance_is_that_of_stratified_sampling(self) -> None:
        """Of two sources a class: the mean has sum over classes of (1/H)^2 s_h^2 / n_h, s_h^2 with n_h - 1."""
        values = np.array([0.1, 0.5, 0.2, 0.9, 0.4, 0.4, 0.3, 0.7])
        classes = np.repeat(np.arange(4), 2)
        wanted = sum(values[classes == c].var(ddof=1) / 2 for c in range(4)) / 16
        found = bootstrap(RATIO, [sums(values)], [classes])
        assert found.draws.var() == pytest.approx(wanted, rel=0.08)
        assert found.draws.mean() == pytest.approx(values.mean(), abs=0.005)

    def test_rare_class_no_longer_pulls_the_interval_off_the_mean(self) -> None:
        """Six classes of one source, guessed also where they are not: plain draws miss classes, and score too low."""
        truth = np.concatenate([np.repeat(np.arange(6), 6), np.full(30, 6)])
        sources = np.concatenate([np.repeat(np.arange(6), 6), 6 + np.arange(30) // 3])
        guess = truth.copy()
        guess[36:42] = np.arange(6)
        reduction = REDUCTIONS["macro_f1"]
        items = {"truth": truth, "guess": guess}
        summed = by_source(reduction, items, sources)
        plain = bootstrap(reduction, [summed])
        drawn = bootstrap(reduction, [summed], [statistics.strata(items, sources)])
        score = reduction(items)
        assert plain.draws.mean() < score - 0.1
        assert drawn.draws.mean() == pytest.approx(score, abs=0.01)
        assert interval(drawn).low < score < interval(drawn).high
