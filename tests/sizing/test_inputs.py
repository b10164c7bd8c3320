"""What is written on the command line: rates, laws, ranges, targets."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.model.laws import Constant, Empirical, Exponential, LogNormal, Uniform
from sim.sizing.journeys import Journey
from sim.sizing.load import squared_variation
from sim.sizing.targets import Kind, read_target
from sim.sizing.words import read_law, read_range, read_rate


def test_rates() -> None:
    assert read_rate("2/s") == 500_000
    assert read_rate("30/m") == read_rate(" 0.5 / s ") == 2_000_000
    assert read_rate("1/day") == 24 * 3600 * 1_000_000


@pytest.mark.parametrize("text", ["", "2", "0/s", "-1/s", "2/fortnight", "s/2", "99999999/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"2/s, 30/m|at most a million"):
        read_rate(text)


def test_laws(tmp_path: Path) -> None:
    (tmp_path / "holds.csv").write_text("hold_s\n60\n90\n30\n")
    assert read_law("10m") == read_law("constant:10m") == Constant(600_000_000)
    assert read_law("exponential:10m") == Exponential(600_000_000)
    assert read_law("lognormal:10m:0.5") == LogNormal(600_000_000, 500)
    assert read_law("uniform:1m:5m") == Uniform(60_000_000, 300_000_000)
    assert read_law("holds.csv", tmp_path) == Empirical((30_000_000, 60_000_000, 90_000_000))
    assert squared_variation(LogNormal(1_000_000, 500)) == pytest.approx(0.284, rel=0.01)
    assert squared_variation(Exponential(5)) == 1.0


@pytest.mark.parametrize(
    "text", ["", "normal:1m:1s", "lognormal:10m", "lognormal:10m:x", "0s", "exponential:0s", "uniform:5m:1m", "nofile.csv"]
)
def test_what_is_no_law_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected \"10m\""):
        read_law(text)


def test_ranges() -> None:
    assert read_range("3..50", "--workers") == range(3, 51)
    assert read_range("5", "--workers") == range(5, 6)
    for text in ("", "0..3", "5..3", "a..b", "3..", "-1..4"):
        with pytest.raises(ValueError, match="--workers"):
            read_range(text, "--workers")


def test_targets_count_bad_sessions() -> None:
    quick = Journey(0, asked=0, created=2_000_000)
    slow = Journey(0, asked=0, created=90_000_000)
    none = Journey(0, asked=0, timed_out=True)
    lost = Journey(0, asked=0, created=1, failed=True)
    p99 = read_target("p99(creation wait) < 1m")
    assert (p99.kind, p99.limit, p99.time) == (Kind.QUANTILE, 0.01, 60_000_000)
    assert [p99.bad(j) for j in (quick, slow, none)] == [False, True, True]
    late = read_target("P(creation wait > 30s) < 1%")
    assert [late.bad(j) for j in (quick, slow, none)] == [False, True, True]
    assert late.value([quick, slow, none, quick]) == 0.5
    timeouts = read_target("P(creation timeout) < 0.1%")
    assert timeouts.limit == pytest.approx(0.001)
    assert [timeouts.bad(j) for j in (quick, slow, none)] == [False, False, True]
    assert read_target("P(session failure) < 5%").bad(lost)
    assert read_target("mean(creation wait) < 10s").value([quick, slow, none]) == 46.0


@pytest.mark.parametrize(
    "text",
    ["", "p99(creation wait)", "p100(creation wait) < 1m", "p99(creation wait) < 0s", "P(creation timeout) < 0", "P(luck) < 1%",
     "P(creation timeout) < 100%", "p99(creation wait) < soon", "P(creation wait > x) < 1%"],
)  # fmt: skip
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected one of"):
        read_target(text)
