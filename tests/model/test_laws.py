"""Laws agree with the textbook, and durations read back as written."""

from __future__ import annotations

import decimal
import random
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtri

from sim.model import fixed_point
from sim.model.draws import Draws
from sim.model.durations import format_duration, parse_duration
from sim.model.laws import Constant, Empirical, Exponential, Law, LogNormal, Scaled, Shifted, Uniform

MAX = 2**64 - 1
S = 1_000_000

FAMILY: list[Law] = [
    Constant(0),
    Constant(20 * S),
    Uniform(0, 0),
    Uniform(1, 6),
    Uniform(S, 3 * S),
    Exponential(1),
    Exponential(20 * S),
    LogNormal(S, 0),
    LogNormal(S, 500),
    LogNormal(S, 10_000),
    Empirical((5,)),
    Empirical((4 * S, S, 2 * S)),
    Empirical((4 * S, S, 2 * S), interpolate=True),
    Empirical((7,), interpolate=True),
    Shifted(S, Exponential(20 * S)),
    Shifted(-S, Uniform(S, 3 * S)),
    Scaled(Exponential(20 * S), 3, 2),
    Scaled(Shifted(5, Uniform(1, 6)), 1, 3),
]

GOLDEN_DRAWS = [
    0,
    1,
    4294967296,
    8832910810430234540,
    7263368354812962828,
    11341562306914573407,
    9512353597766221990,
    5940146469935612802,
    18446744069414584320,
    18446744073709551615,
]
GOLDEN_SAMPLES: list[tuple[Law, list[int]]] = [
    (Uniform(S, 3 * S), [1000000, 1000000, 1000000, 1957666, 1787496, 2229655, 2031331, 1644032, 3000000, 3000000]),
    (Exponential(20 * S), [0, 0, 0, 13033697, 10009190, 19081271, 14499599, 7772631, 443614196, 901091335]),
    (
        Exponential(10**18),
        [
            3,
            3,
            232830646,
            651684855738661903,
            500459517136009921,
            954063537780967751,
            724979953236902053,
            388631568575315566,
            22180709778034665231,
            45054566736396445132,
        ],
    ),
    (LogNormal(S, 500), [10279, 10911, 44373, 973808, 873907, 1157152, 1019833, 793712, 22536361, 97285202]),
    (
        LogNormal(10**18, 2_345),
        [
            474308151,
            627529961,
            451829914384,
            882957106949483317,
            531460320645825300,
            1982898940690282682,
            1096482653957747283,
            338391632751656179,
            2213222206521357073152869,
            2108333995470176851387892525,
        ],
    ),
    (Empirical((4 * S, S, 2 * S)), [1000000, 1000000, 1000000, 2000000, 2000000, 2000000, 2000000, 1000000, 4000000, 4000000]),
    (
        Empirical((4 * S, S, 2 * S), interpolate=True),
        [1000000, 1000000, 1000000, 1957666, 1787496, 2459309, 2062663, 1644032, 4000000, 4000000],
    ),
    (
        Shifted(S, Scaled(Exponential(20 * S), 3, 7)),
        [1000000, 1000000, 1000000, 6585870, 5289653, 9177688, 7214114, 4331128, 191120370, 387182001],
    ),
]


def _grid() -> list[int]:
    """Draws whose probabilities go evenly, in the logarithm, from 1e-9 to 1/2, and their mirror images."""
    low = [int(2**64 * 10.0**x) for x in np.linspace(-9, np.log10(0.5), 2000)]
    return low + [MAX - u for u in low]


def _draws(count: int) -> list[int]:
    """Draws of a fixed stream."""
    stream = Draws(20_240_601).stream("law", "test")
    return [stream.next() for _ in range(count)]


# --- Laws ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("law", "values"), GOLDEN_SAMPLES, ids=lambda x: x.describe() if isinstance(x, Law) else "")
def test_golden_samples(law: Law, values: list[int]) -> None:
    assert [law.sample(u) for u in GOLDEN_DRAWS] == values


def test_exponential_quantiles() -> None:
    mean = 10**18
    law = Exponential(mean)
    for u in _grid():
        # Each side by the formula that loses no digits there.
        p, q = (2 * u + 1) / 2**65, (2**65 - 2 * u - 1) / 2**65
        exact = float(stats.expon.ppf(p) if p < 0.5 else stats.expon.isf(q)) * mean
        assert law.sample(u) == pytest.approx(exact, rel=1e-8, abs=1)


@pytest.mark.parametrize("sigma_milli", [1, 500, 1000, 10_000])
def test_lognormal_quantiles(sigma_milli: int) -> None:
    median, sigma = 10**60, sigma_milli / 1000
    law = LogNormal(median, sigma_milli)
    for u in _grid():
        p, q = (2 * u + 1) / 2**65, (2**65 - 2 * u - 1) / 2**65
        exact = float(stats.lognorm.ppf(p, sigma) if p < 0.5 else stats.lognorm.isf(q, sigma)) * median
        # Most of the difference is the double-precision reference's own error.
        assert law.sample(u) == pytest.approx(exact, rel=1e-12 * max(1.0, sigma))


def test_normal_quantile_up_to_the_ends() -> None:
    for exponent in range(64):
        u = (1 << exponent) - 1
        z = fixed_point.normal_quantile(u)
        assert z == -fixed_point.normal_quantile(MAX - u)
        if u < 2**63:
            assert z / 2**60 == pytest.approx(float(ndtri((2 * u + 1) / 2**65)), rel=1e-12)


def test_fixed_point_functions_against_decimal() -> None:
    rng = random.Random(1)
    with decimal.localcontext(decimal.Context(prec=50)):
        for _ in range(2000):
            w = max(1, rng.getrandbits(65) >> rng.randrange(65))
            for near in (w, 2**65 - w):
                exact = -(Decimal(near) / 2**65).ln()
                assert abs(Decimal(fixed_point.minus_log(near)) / 2**60 - exact) < Decimal(2) ** -55
            y = rng.randrange(-90 * 2**60, 90 * 2**60)
            ratio = Decimal(fixed_point.scaled_exp(10**60, y)) / (10**60 * (Decimal(y) / 2**60).exp())
            assert abs(ratio - 1) < Decimal("1e-13")


@pytest.mark.parametrize(
    ("law", "reference"),
    [
        (Uniform(0, 10**12), stats.uniform(0, 1e12)),
        (Exponential(10**12), stats.expon(scale=1e12)),
        (LogNormal(10**12, 800), stats.lognorm(0.8, scale=1e12)),
        (Empirical((0, 10**12), interpolate=True), stats.uniform(0, 1e12)),
        (Shifted(10**11, Exponential(10**12)), stats.expon(1e11, 1e12)),
        (Scaled(Exponential(10**12), 5, 2), stats.expon(scale=2.5e12)),
    ],
    ids=lambda x: x.describe() if isinstance(x, Law) else "",
)
def test_kolmogorov_smirnov(law: Law, reference: Any) -> None:
    sample = np.array([law.sample(u) for u in _draws(20_000)], dtype=np.float64)
    assert stats.kstest(sample, reference.cdf).pvalue > 0.001


@pytest.mark.parametrize("law", [Uniform(1, 6), Empirical((6, 5, 4, 3, 2, 1))])
def test_discrete_laws_are_even(law: Law) -> None:
    counts = np.bincount([law.sample(u) for u in _draws(20_000)], minlength=7)[1:]
    assert stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("law", FAMILY, ids=lambda law: law.describe())
def test_samples_rise_within_bounds(law: Law) -> None:
    lo, hi = law.bounds()
    assert hi is not None
    values = [law.sample(u) for u in sorted([0, 1, 2, MAX - 1, MAX, *_grid(), *_draws(2000)])]
    assert values == sorted(values)
    assert 0 <= lo <= values[0]
    assert values[-1] == hi
    assert all(type(value) is int for value in values)
    assert isinstance(law, Law)


@pytest.mark.parametrize("law", [law for law in FAMILY if law != LogNormal(S, 10_000)], ids=lambda law: law.describe())
def test_mean_is_near_the_sample_mean(law: Law) -> None:
    # The widest log-normal law is left out: its mean lies far beyond anything that a sample shows.
    sample = np.array([law.sample(u) for u in _draws(20_000)], dtype=np.float64)
    tolerance = 5 * float(sample.std()) / np.sqrt(len(sample)) + 0.5
    assert abs(float(sample.mean()) - law.mean()) <= tolerance


def test_lognormal_mean_and_p95() -> None:
    assert LogNormal(S, 500).mean() == pytest.approx(S * np.exp(0.125), rel=1e-12)
    for median, p95 in [(S, S), (S, 3 * S), (250, 10**9), (10**25, 3 * 10**25)]:
        law = LogNormal.from_p95(median, p95)
        assert law.median == median
        assert law.sample(int(0.95 * 2**64)) == pytest.approx(p95, rel=1e-3)
    with pytest.raises(ValueError, match=r"p95 is 5; expected at least 6"):
        LogNormal.from_p95(6, 5)
    with pytest.raises(ValueError, match="at most 10000"):
        LogNormal.from_p95(1, 10**30)


def test_descriptions() -> None:
    assert [law.describe() for law in FAMILY] == [
        "constant 0s",
        "constant 20s",
        "uniform, 0s to 0s",
        "uniform, 1us to 6us",
        "uniform, 1s to 3s",
        "exponential, mean 1us",
        "exponential, mean 20s",
        "log-normal, median 1s, sigma 0",
        "log-normal, median 1s, sigma 0.5",
        "log-normal, median 1s, sigma 10",
        "empirical, 1 value, 5us",
        "empirical, 3 values from 1s to 4s",
        "empirical, 3 values from 1s to 4s, interpolated",
        "empirical, 1 value, 7us",
        "exponential, mean 20s, plus 1s",
        "uniform, 1s to 3s, minus 1s",
        "exponential, mean 20s, times 3/2",
        "uniform, 1us to 6us, plus 5us, times 1/3",
    ]


def test_laws_are_values() -> None:
    assert Empirical((3, 1)) == Empirical((1, 3))
    assert len({Exponential(5), Exponential(5), Constant(5)}) == 2
    with pytest.raises(AttributeError):
        Constant(1).us = 2  # type: ignore[misc]


def test_parameters_out_of_range() -> None:
    cases = [
        (Constant, (-1,)),
        (Uniform, (-1, 5)),
        (Uniform, (5, 4)),
        (Exponential, (0,)),
        (LogNormal, (0, 500)),
        (LogNormal, (S, -1)),
        (LogNormal, (S, 10_001)),
        (Empirical, ((),)),
        (Empirical, ((1, -1),)),
        (Shifted, (-1, Exponential(5))),
        (Scaled, (Constant(1), -1, 1)),
        (Scaled, (Constant(1), 1, 0)),
    ]
    for make, arguments in cases:
        with pytest.raises(ValueError, match="expected at"):
            make(*arguments)


@pytest.mark.parametrize("value", [1.5, "1s", None, True])
def test_parameters_of_another_type(value: object) -> None:
    with pytest.raises(TypeError, match="expected an integer"):
        Constant(value)  # type: ignore[arg-type]


# --- Durations -------------------------------------------------------------------------------------------------------


@given(st.one_of(st.integers(0, 10**7), st.integers(0, 10**17), st.integers(0, 10**9).map(lambda n: n * 1000)))
def test_duration_round_trip(us: int) -> None:
    assert parse_duration(format_duration(us)) == us


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("1h30m", 5_400 * S),
        ("20s", 20 * S),
        ("400ms", 400_000),
        ("250us", 250),
        ("1.5s", 1_500_000),
        ("0s", 0),
        ("1m1.5s", 61_500_000),
        ("1.5ms", 1_500),
        ("1h400ms", 3_600 * S + 400_000),
        ("1h0.000001s", 3_600 * S + 1),
        ("0.1s", 100_000),
        ("90m", 5_400 * S),
        ("1.000000s", S),
        ("0.5h", 1_800 * S),
    ],
)
def test_duration_examples(text: str, us: int) -> None:
    assert parse_duration(text) == us


@pytest.mark.parametrize(
    ("us", "text"),
    [(0, "0s"), (1, "1us"), (1_500, "1.5ms"), (S, "1s"), (61_500_000, "1m1.5s"), (5_400 * S, "1h30m"), (3_600 * S + 1, "1h1us")],
)
def test_format_examples(us: int, text: str) -> None:
    assert format_duration(us) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "5",
        "-5s",
        "-",
        "s",
        "1 s",
        " 1s",
        "1s\n",
        "1.s",
        ".5s",
        "1e3s",
        "1d",
        "5ns",
        "1s1h",
        "1s1s",
        "1,5s",
        "+1s",
        "1S",
        "\u0663s",
        "9" * 30 + "s",
    ],
)
def test_malformed_durations(text: str) -> None:
    with pytest.raises(ValueError, match="such as '1h30m'") as caught:
        parse_duration(text)
    assert repr(text) in str(caught.value)


def test_duration_limits() -> None:
    with pytest.raises(ValueError, match=r"'0\.5us' is finer than one microsecond"):
        parse_duration("0.5us")
    with pytest.raises(ValueError, match="-1 us is negative"):
        format_duration(-1)
