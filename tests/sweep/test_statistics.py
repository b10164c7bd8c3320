"""Statistics are held to known distributions: intervals have to cover as often as they say, with fixed seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from scipy import stats

from sim.sweep import statistics as st


def covered(intervals: Iterable[st.Interval], truth: float) -> tuple[int, int]:
    """How many of these hold the truth, and of how many."""
    all_of_them = list(intervals)
    return sum(truth in interval for interval in all_of_them), len(all_of_them)


def assert_level(hits: int, n: int, level: float, least_only: bool = False) -> None:
    """So many hits are possible at this level: within 4 standard deviations, one-sided where an interval is conservative."""
    deviation = math.sqrt(level * (1 - level) / n)
    assert hits / n >= level - 4 * deviation
    if not least_only:
        assert hits / n <= level + 4 * deviation


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [2, 5, 30])
def test_students_interval_covers_the_mean(n: int, level: float) -> None:
    rng = np.random.default_rng(1)
    hits, of = covered((st.mean_interval(rng.normal(3, 2, n).tolist(), level) for _ in range(2_000)), 3)
    assert_level(hits, of, level)


def test_students_interval_is_scipys() -> None:
    values = [1.0, 2.5, 2.0, 7.5]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    found = st.mean_interval(values)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.relative == pytest.approx((high - low) / 2 / np.mean(values))


@pytest.mark.parametrize(("p", "n"), [(0.01, 50), (0.1, 30), (0.5, 20), (0.97, 100)])
def test_clopper_and_pearson_cover_at_least_as_often_as_they_say(p: float, n: int) -> None:
    """Exactly: the probability of all outcomes whose interval holds p."""
    outcomes = [st.proportion_interval(k, n) for k in range(n + 1)]
    coverage = sum(stats.binom.pmf(k, n, p) for k, interval in enumerate(outcomes) if p in interval)
    assert coverage >= 0.95


def test_a_published_interval_of_a_proportion() -> None:
    """Clopper and Pearson's 95 % interval of 81 in 263 (Newcombe 1998, table I, method 5)."""
    found = st.proportion_interval(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2527, 0.3676)


def test_no_failure_is_the_rule_of_three() -> None:
    for n in (10, 100, 10_000):
        bound = st.zero_failures(n).high
        assert (1 - bound) ** n == pytest.approx(0.05)
        assert bound == pytest.approx(3 / n, rel=0.15)
    assert st.zero_failures(0).high == 1


@pytest.mark.parametrize(("q", "n"), [(0.5, 20), (0.9, 60), (0.99, 500)])
def test_order_statistics_cover_the_quantile(q: float, n: int) -> None:
    rng = np.random.default_rng(2)
    truth = float(stats.expon.ppf(q))
    hits, of = covered((st.quantile_interval(rng.exponential(size=n).tolist(), q) for _ in range(100)), truth)
    assert_level(hits, of, 0.95, least_only=True)


def test_a_quantile_that_so_few_values_do_not_bound() -> None:
    assert st.quantile_interval(list(range(367)), 0.99).high == math.inf
    assert st.quantile_interval(list(range(368)), 0.99).high < math.inf


@pytest.mark.slow
@pytest.mark.parametrize(("statistic", "truth"), [(np.mean, 1.0), (np.median, math.log(2)), (np.std, 1.0)])
def test_the_bootstrap_covers(statistic: Callable[..., object], truth: float) -> None:
    """BCa is not exact: with 100 values of an exponential law it is short of 95 % by a few points for the deviation."""
    rng = np.random.default_rng(3)
    hits, of = covered((st.bootstrap_interval(rng.exponential(size=100).tolist(), statistic) for _ in range(150)), truth)
    assert 0.86 <= hits / of <= 0.99


def test_the_bootstrap_of_the_mean_is_about_students_and_always_the_same() -> None:
    values = np.random.default_rng(4).normal(10, 1, 200).tolist()
    first, second, student = st.bootstrap_interval(values), st.bootstrap_interval(values), st.mean_interval(values)
    assert first == second
    assert (first.low, first.high) == pytest.approx((student.low, student.high), abs=0.03)


def test_pairs_are_narrower_where_luck_is_shared() -> None:
    rng = np.random.default_rng(5)
    luck = rng.normal(0, 10, 40)
    before = {seed: luck[seed] + rng.normal() for seed in range(40)}
    after = {seed: luck[seed] + 1 + rng.normal() for seed in range(5, 45) if seed < 40}
    paired = st.paired_difference(before, after)
    assert paired.n == 35
    assert 1 in paired
    assert paired.half_width < 0.2 * st.mean_interval(list(before.values())).half_width


def lindley(rng: np.random.Generator, n: int, load: float, first: float = 0.0) -> list[float]:
    """Waits in an M/M/1 queue with mean service time 1."""
    waits, wait = [], first
    for service, gap in zip(rng.exponential(1, n), rng.exponential(1 / load, n), strict=True):
        waits.append(wait)
        wait = max(0.0, wait + service - gap)
    return waits


def test_the_warm_up_is_cut_off() -> None:
    """A queue that begins with 200 waiting needs about 200 / (1 - load) customers to forget it."""
    cuts = [st.warm_up(lindley(np.random.default_rng(seed), 6_000, 0.8, first=200.0)) for seed in range(20)]
    assert 400 <= np.median(cuts) <= 2_000
    settled = [st.warm_up(lindley(np.random.default_rng(seed), 6_000, 0.5)) for seed in range(20)]
    assert np.median(settled) <= 300
    assert st.warm_up([]) == st.warm_up([1.0] * 9) == 0


def test_mser_finds_the_cut_of_the_definition() -> None:
    """By brute force over all cuts of a short series."""
    values = lindley(np.random.default_rng(9), 200, 0.7, first=50.0)
    means = np.asarray(values).reshape(40, 5).mean(axis=1)
    errors = [float(np.sum((means[d:] - means[d:].mean()) ** 2)) / (40 - d) ** 2 for d in range(21)]
    assert st.warm_up(values) == 5 * int(np.argmin(errors))


def test_batch_means_cover_where_plain_intervals_do_not() -> None:
    """Waits in an M/M/1 queue at load 0.6: the mean wait is 1.5."""
    series = [lindley(np.random.default_rng(seed), 20_000, 0.6)[1_000:] for seed in range(40)]
    hits, of = covered((st.batch_means(values) for values in series), 1.5)
    assert_level(hits, of, 0.95)
    naive, _ = covered((st.mean_interval(values) for values in series), 1.5)
    assert naive < 0.6 * of
    assert np.mean([st.batches_independent(values) for values in series]) > 0.85
    assert not st.batches_independent(lindley(np.random.default_rng(1), 200, 0.95))
    assert st.batch_means([1.0] * 39).half_width == math.inf


def test_enough_is_the_first_prefix_that_is() -> None:
    values = np.random.default_rng(6).normal(10, 3, 500).tolist()
    n = st.enough(values, 0.05)
    assert n is not None
    assert st.mean_interval(values[:n]).relative <= 0.05
    assert all(st.mean_interval(values[:k]).relative > 0.05 for k in range(st.FEWEST, n))
    assert st.enough(values[: n - 1], 0.05) is None
    assert st.enough(values[: n + 7], 0.05) == n
    assert st.enough([0.0] * 10, 0.05) == st.FEWEST


def test_sequential_stopping_covers_nearly_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(200):
        values = rng.exponential(1, 2_000).tolist()
        n = st.enough(values, 0.1, fewest=30)
        assert n is not None
        hits += 1 in st.mean_interval(values[:n])
    assert hits / 200 >= 0.89


@pytest.mark.parametrize(("p", "answer"), [(0.002, True), (0.008, True), (0.012, False), (0.03, False)])
def test_the_sequential_test_errs_as_seldom_as_it_says(p: float, answer: bool) -> None:
    test = st.Sprt(0.01, margin=0.2)
    rng = np.random.default_rng(8)
    wrong = 0
    for _ in range(100):
        failures = trials = 0
        while (decision := test.decide(failures, trials)) is None:
            failures += int(rng.binomial(200, p))
            trials += 200
        wrong += decision is not answer
    assert wrong / 100 <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 100)


def test_far_from_the_target_the_sequential_test_ends_early() -> None:
    test = st.Sprt(0.01)
    assert test.decide(0, 100) is None
    assert test.decide(0, 800) is True
    assert test.decide(8, 10) is False


def test_what_cannot_be_said_is_not_said() -> None:
    assert str(st.mean_interval([])) == "–"
    assert st.mean_interval([2.0]).half_width == math.inf
    assert str(st.mean_interval([2.0])) == "2 (n = 1)"
    assert str(st.Interval(2.0, 1.0, math.inf, 9)) == "2 [1, ?]"
    assert str(st.Interval(2.0, 1.0, math.inf, 9)) == "2 [1, ?]"
    assert str(st.mean_interval([1.0, 1.0, 1.0])) == "1 ± 0"
    assert str(st.mean_interval([1.0, 2.0, 3.0])) == "2 ± 2.5"
    assert str(st.proportion_interval(1, 100)) == "0.01 [0.0002531, 0.05446]"
    assert math.isnan(st.quantile_interval([], 0.5).estimate)
    with pytest.raises(ValueError, match="expected at least 0 and at most the trials"):
        st.proportion_interval(3, 2)
    with pytest.raises(ValueError, match="expected both between 0 and 1"):
        st.Sprt(0.9)
