"""Theory against published values, against textbook identities, and against a brute-force simulation of the same queue."""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np
import pytest
from scipy import integrate, stats

from sim.sizing import recursion
from sim.sizing.theory import Spread, Waiting, allen_cunneen, enough_servers, erlang_b, erlang_c, relaxation


@pytest.mark.parametrize(
    ("servers", "load", "published"),
    [
        # Two entries of a printed table of Erlang's C formula: with so many channels and this traffic 5 % and 1 % wait.
        (8, 3.87, 0.05),
        (10, 4.08, 0.01),
        # Two servers: 2 rho^2 / (1 + rho); one: rho.
        (2, 1.6, 0.7111),
        (1, 0.3, 0.3),
    ],
)
def test_published_values_of_erlang_c(servers: int, load: float, published: float) -> None:
    assert erlang_c(servers, load) == pytest.approx(published, rel=0.02, abs=5e-5)


@pytest.mark.parametrize(("servers", "load", "published"), [(10, 4.461, 0.01), (5, 2.219, 0.05), (100, 84.064, 0.01), (20, 12.031, 0.01)])
def test_published_values_of_erlang_b(servers: int, load: float, published: float) -> None:
    """The usual traffic tables of Erlang's B formula, to their last digit."""
    assert erlang_b(servers, load) == pytest.approx(published, rel=1e-3)


def test_thousands_of_servers_neither_overflow_nor_vanish() -> None:
    # Square-root staffing (Halfin and Whitt, Operations Research 29 (1981) 567-588): with c = a + b sqrt(a) the share who wait tends to
    # 1 / (1 + b Phi(b) / phi(b)).
    load, b = 1e6, 0.5
    limit = 1 / (1 + b * stats.norm.cdf(b) / stats.norm.pdf(b))
    assert erlang_c(round(load + b * math.sqrt(load)), load) == pytest.approx(limit, rel=1e-3)
    assert erlang_c(10_000, 1.0) < 1e-300
    assert Waiting(2_000, 1.0, 1.0, patience=1.0).lost == 0.0


@pytest.mark.parametrize("servers", [1, 2, 10, 100])
@pytest.mark.parametrize("load", [0.5, 0.8, 0.95])
def test_patience_that_never_ends_is_none(servers: int, load: float) -> None:
    patient, bounded = Waiting(servers, load * servers, 1.0), Waiting(servers, load * servers, 1.0, patience=1000.0)
    assert bounded.busy == pytest.approx(patient.busy)
    assert bounded.mean_served == pytest.approx(patient.mean_wait)
    assert bounded.quantile(0.999) == pytest.approx(patient.quantile(0.999))
    assert patient.busy == pytest.approx(erlang_c(servers, load * servers))


@pytest.mark.parametrize(("servers", "load", "patience"), [(1, 0.8, 2.0), (2, 0.5, 0.3), (10, 0.95, 0.2), (100, 0.95, 0.1)])
def test_loss_is_that_of_boots_and_tijms(servers: int, load: float, patience: float) -> None:
    """Their formula for a load below 1: (1 - rho) W / (1 - rho W), where W is the tail of the queue without impatience."""
    w = Waiting(servers, load * servers, 1.0).tail(patience)
    assert Waiting(servers, load * servers, 1.0, patience).lost == pytest.approx((1 - load) * w / (1 - load * w))


@pytest.mark.parametrize(
    ("servers", "load", "patience"), [(1, 1.0, 2.0), (3, 1.0000001, 2.0), (2, 1.2, 1.5), (10, 1.2, 0.5), (100, 1.2, 0.3)]
)
def test_what_comes_in_goes_out(servers: int, load: float, patience: float) -> None:
    """Flow balance, and the density integrated by a library."""
    queue = Waiting(servers, load * servers, 1.0, patience)
    states = [1.0]
    for n in range(1, servers):
        states.append(states[-1] * queue.load / n)
    some_free = (1 - queue.busy) / sum(states)
    # Servers that are busy = accepted load, counted state by state.
    used = some_free * sum(n * state for n, state in enumerate(states)) + servers * queue.busy
    assert used == pytest.approx(queue.used, rel=1e-9)
    tail, _ = integrate.quad(queue.tail, 0, patience)
    # The mean of min(V, patience) is the integral of the tail.
    assert queue.mean_wait == pytest.approx(tail, rel=1e-6)
    assert queue.tail(queue.quantile(0.7)) == pytest.approx(0.3, rel=1e-6)


def test_who_asks_for_a_steady_state_where_there_is_none_is_told() -> None:
    with pytest.raises(ValueError, match="no steady state; expected less than 2, or a patience"):
        Waiting(2, 2.0, 1.0)
    with pytest.raises(ValueError, match="expected at least 1"):
        erlang_c(0, 1.0)
    with pytest.raises(ValueError, match="expected at least 0 slots"):
        erlang_b(2, -1.0)
    with pytest.raises(ValueError, match="share"):
        enough_servers(1.0, 1.0, 1.0, 1.0, Spread())


def test_allen_cunneen_is_exact_where_it_should_be() -> None:
    # Pollaczek and Khinchine for M/D/1: half the wait of M/M/1.
    assert allen_cunneen(1, 0.8, 1.0, Spread(holds=0.0)) == pytest.approx(0.8 / (2 * 0.2))
    assert allen_cunneen(3, 2.4, 1.0, Spread()) == pytest.approx(Waiting(3, 2.4, 1.0).mean_wait)


@pytest.mark.slow
@pytest.mark.parametrize(("servers", "sigma"), [(2, 0.0), (2, 0.8), (10, 0.5)])
def test_allen_cunneen_is_near_elsewhere(servers: int, sigma: float) -> None:
    """Log-normal holds of mean 1 (or always 1) at a load of 0.9: within a tenth of what many customers really wait."""
    rng = np.random.default_rng(7)
    customers = 400_000
    gaps = rng.exponential(1e6 / (0.9 * servers), customers).astype(int).tolist()
    holds = (1e6 * rng.lognormal(-(sigma**2) / 2, sigma, customers)).astype(int).tolist()
    waited = float(np.mean(list(recursion.waits(accumulate(gaps), holds, servers)))) / 1e6
    assert allen_cunneen(servers, 0.9 * servers, 1.0, Spread(holds=math.expm1(sigma**2))) == pytest.approx(waited, rel=0.1)


def test_relaxation_is_that_of_one_server() -> None:
    assert relaxation(1, 0.81, 1.0) == pytest.approx(1 / (1 - 0.9) ** 2)
    assert relaxation(100, 50.0, 1.0) == 1.0


def test_a_patience_is_stretched_like_what_is_asked_for() -> None:
    """Who waits for a minute at most is lost after a minute, whatever the holds: fewer servers than load cannot lose one in a thousand."""
    rate, hold = 2.0, 680.0
    for spread in (Spread(), Spread(holds=0.28), Spread(holds=3.0)):
        servers = enough_servers(rate, hold, 60.0, 0.999, spread, patience=60.0)
        assert rate * hold * 0.999 < servers < 1.05 * rate * hold
    assert enough_servers(rate, hold, 60.0, 0.999, Spread(holds=0.28), 60.0) < enough_servers(rate, hold, 60.0, 0.999, Spread(), 60.0)


def test_first_guess_is_the_fewest() -> None:
    guess = enough_servers(2.0, 10.0, within=1.0, share=0.99, spread=Spread())
    assert Waiting(guess, 2.0, 10.0).tail(1.0) <= 0.01 < Waiting(guess - 1, 2.0, 10.0).tail(1.0)
    assert enough_servers(2.0, 10.0, 1.0, 0.99, Spread(holds=4.0)) > guess
    # An offered load of 1360 slots, of which all but one in a thousand must be served.
    assert enough_servers(2.0, 680.0, 60.0, 0.999, Spread(holds=0.28), patience=60.0) > 1350


# -- brute force -----------------------------------------------------------------------------------------------------------


def _drawn(seed: int, customers: int, rate: float) -> tuple[list[int], list[int]]:
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(1e6 / rate, customers).astype(int).tolist()
    return list(accumulate(gaps)), rng.exponential(1e6, customers).astype(int).tolist()


@pytest.mark.parametrize(
    ("servers", "load", "patience"),
    [(1, 0.5, None), (2, 0.8, None), (10, 0.8, None), (1, 1.2, 2.0), (2, 1.2, 1.0), (10, 1.2, 0.4), (30, 0.9, 0.1)],
)
def test_brute_force_agrees(servers: int, load: float, patience: float | None) -> None:
    """Twenty batches of 10,000 customers; the intervals of all statements together are wrong once in 1,000 (fixed seed)."""
    queue = Waiting(servers, load * servers, 1.0, patience)
    limit = None if patience is None else round(patience * 1e6)
    batches: list[tuple[float, float, float]] = []
    for batch in range(20):
        arrivals, holds = _drawn(1000 * servers + batch, 12_000, load * servers)
        waited = list(recursion.waits(arrivals, holds, servers, limit))[2_000:]
        served = [w / 1e6 for w in waited if w != recursion.LEFT]
        left = len(waited) - len(served)
        batches.append((sum(served) / len(served), left / len(waited), (sum(w > 0.05 for w in served) + left) / len(waited)))
    expected = (queue.mean_served, queue.lost, queue.tail(0.05))
    for column, value in zip(zip(*batches, strict=True), expected, strict=True):
        mean, error = float(np.mean(column)), float(stats.sem(column))
        reach = stats.t.ppf(1 - 0.0005 / 21, 19) * error
        assert abs(mean - value) <= reach + 1e-12, f"{mean} is not {value} +- {reach}"


def test_the_recursion_step_by_step() -> None:
    assert list(recursion.waits([0, 1, 2, 3], [10, 10, 1, 1], servers=2)) == [0, 0, 8, 8]
    assert list(recursion.waits([0, 1, 2, 30], [10, 10, 1, 1], servers=1, patience=9)) == [0, 9, recursion.LEFT, 0]
    with pytest.raises(ValueError, match="expected at least 1"):
        next(recursion.waits([0], [1], servers=0))
