"""Queueing theory for sessions: slots are servers, sessions customers, and CreationTimeout is the patience of who waits.

One session occupies one slot from its start to its end, so without faults `slots` in all make a queue with as many servers:

* M/M/c, by Erlang's C formula: Poisson arrivals, exponential holds, everybody waits;
* M/M/c+D: who has waited for a fixed time leaves (a creation that times out);
* G/G/c by the approximation of Allen and Cunneen, for other laws.

Sources: A. K. Erlang (1917); R. B. Cooper, Introduction to Queueing Theory, 2nd ed. (1981), for Erlang's formulas;
D. Y. Barrer, Queuing with Impatient Customers and Ordered Service, Operations Research 5 (1957) 650-656, and N. K. Boots, H. Tijms,
A Multiserver Queueing System with Impatient Customers, Management Science 45 (1999) 444-448, for M/M/c+D; A. O. Allen, Probability,
Statistics, and Queueing Theory, 2nd ed. (1990), for Allen-Cunneen.

Times are in any unit as long as it is one; rates are per that unit. An *offered load* is arrival rate times mean hold, in slots.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


def erlang_b(servers: int, load: float) -> float:
    """The share of customers lost when nobody can wait, by the recursion that is stable for any size.

    Args:
        servers: at least 0.
        load: offered load in servers, at least 0.

    Raises:
        ValueError: one of them is out of range.
    """
    _check(servers, load, least=0)
    blocked = 1.0
    for server in range(1, servers + 1):
        blocked = load * blocked / (server + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """The share of customers who have to wait in M/M/c; 1 when the load is not below the number of servers.

    Raises:
        ValueError: fewer than 1 server, or a negative load.
    """
    _check(servers, load)
    if load >= servers:
        return 1.0
    blocked = erlang_b(servers, load)
    return blocked / (1 - load / servers * (1 - blocked))


@dataclass(frozen=True, slots=True)
class Waiting:
    """What theory says of waits: M/M/c without `patience`, M/M/c+D with it (then any load is possible).

    `rate`: arrivals per unit of time; `hold`: mean hold; `patience`: after which a waiting customer leaves, None for never.
    """

    servers: int
    rate: float
    hold: float
    patience: float | None = None

    def __post_init__(self) -> None:
        _check(self.servers, self.load)
        if self.patience is None and self.load >= self.servers:
            raise ValueError(
                f"M/M/{self.servers} with an offered load of {self.load:g} slots has no steady state; expected less than {self.servers}, "
                "or a patience"
            )

    @property
    def load(self) -> float:
        """Offered load in servers."""
        return self.rate * self.hold

    @property
    def drift(self) -> float:
        """How fast the density of the virtual wait grows: arrival rate less service rate of all servers, per unit of time."""
        return self.rate - self.servers / self.hold

    @property
    def busy(self) -> float:
        """The probability that all servers are busy, which is that of having to wait (or to leave after waiting)."""
        weight = self._all_busy_weight()
        return 1.0 if weight == math.inf else weight / (weight + self._some_free_weight())

    @property
    def lost(self) -> float:
        """The share of customers who leave without service."""
        if self.patience is None:
            return 0.0
        return self.tail(self.patience)

    def tail(self, time: float) -> float:
        """P(virtual wait > time): of all customers, how many do not get a server within `time`.

        While all servers are busy the virtual wait V falls at speed 1 and is raised by an exponential amount with mean hold/c by
        each customer who joins, that is, while V <= patience. Balancing up- and downcrossings of a level gives its density:
        proportional to exp(drift x) up to the patience, and falling off as exp(-c x / hold) beyond it.
        """
        if time < 0:
            return 1.0
        rate_out = self.servers / self.hold
        first = self._first_density()
        if self.patience is None:
            return first * math.exp(self.drift * time) / -self.drift
        beyond = first * math.exp(self.drift * self.patience) / rate_out
        if time >= self.patience:
            return beyond * math.exp(-rate_out * (time - self.patience))
        return first * _integral(self.drift, time, self.patience) + beyond

    @property
    def mean_served(self) -> float:
        """Mean wait of those who are served (0 for whoever does not have to wait)."""
        first = self._first_density()
        if self.patience is None:
            return first / self.drift**2
        return first * _first_moment(self.drift, self.patience) / (1 - self.lost)

    @property
    def mean_wait(self) -> float:
        """Mean time in the queue of all customers; who leaves has waited for the whole patience."""
        if self.patience is None:
            return self.mean_served
        return self.mean_served * (1 - self.lost) + self.lost * self.patience

    @property
    def used(self) -> float:
        """Mean number of servers that are busy."""
        return self.load * (1 - self.lost)

    def quantile(self, share: float) -> float:
        """How long `share` (below 1) of all customers wait at most; infinite when fewer are served."""
        if 1 - share >= self.busy:
            return 0.0
        if self.patience is None:
            return math.log((1 - share) / self.busy) / self.drift
        if 1 - share < self.lost:
            return math.inf
        low, high = 0.0, self.patience
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if self.tail(middle) > 1 - share else (low, middle)
        return high

    # -- weights: all relative to the probability that exactly c - 1 servers are busy ---------------------------------

    def _some_free_weight(self) -> float:
        """The probability of a free server over that of c - 1 busy ones: the inverse of Erlang's B for c - 1 servers."""
        blocked = erlang_b(self.servers - 1, self.load)
        return math.inf if blocked == 0 else 1 / blocked

    def _all_busy_weight(self) -> float:
        if self.patience is None:
            return self.rate / -self.drift
        grown = self.drift * self.patience
        if grown > 700:
            return math.inf
        return self.rate * (_integral(self.drift, 0, self.patience) + math.exp(grown) * self.hold / self.servers)

    def _first_density(self) -> float:
        """Density of the virtual wait just above 0: arrival rate times the probability that exactly c - 1 servers are busy."""
        some, every = self._some_free_weight(), self._all_busy_weight()
        return 0.0 if math.inf in (some, every) else self.rate / (some + every)


@dataclass(frozen=True, slots=True)
class Spread:
    """Squared coefficients of variation (variance over squared mean) of times between arrivals and of holds; 1: exponential."""

    arrivals: float = 1.0
    holds: float = 1.0

    @property
    def factor(self) -> float:
        """What multiplies the mean wait of M/M/c in the approximation of Allen and Cunneen."""
        return (self.arrivals + self.holds) / 2


def allen_cunneen(servers: int, rate: float, hold: float, spread: Spread) -> float:
    """Approximate mean wait in G/G/c: that of M/M/c times the mean of the two squared coefficients of variation.

    Exact for M/M/c and for M/G/1 (Pollaczek-Khinchine). Elsewhere its error is known to be small at high load and up to some ten
    per cent at moderate load, more for light traffic, where waits are short anyway.

    Raises:
        ValueError: the load is not below the number of servers.
    """
    return Waiting(servers, rate, hold).mean_wait * spread.factor


def relaxation(servers: int, rate: float, hold: float) -> float:
    """How long M/M/c takes to forget its start, by a factor e: 1 / (sqrt(c/hold) - sqrt(rate))^2, for a load below c.

    With one server it is the relaxation time of P. M. Morse, Queues, Inventories and Maintenance (1958); at least one mean hold here.

    Raises:
        ValueError: the load is not below the number of servers.
    """
    Waiting(servers, rate, hold)
    return max(hold, 1 / (math.sqrt(servers / hold) - math.sqrt(rate)) ** 2)


def enough_servers(rate: float, hold: float, within: float, share: float, spread: Spread, patience: float | None = None) -> int:
    """A first guess: the fewest servers with which at least `share` of all customers get one `within` a time.

    For other laws than exponential ones the wait is stretched by the factor of Allen and Cunneen. A patience only counts when it is
    what `within` asks for: who would wait longer is lost, so it makes waits of the others shorter.

    Raises:
        ValueError: share is not between 0 and 1, or a rate or time is not positive.
    """
    if not 0 < share < 1 or rate <= 0 or hold <= 0:
        raise ValueError(f"share is {share}, rate {rate}, hold {hold}; expected a share between 0 and 1 and positive times and rates")
    # Less variation makes waits shorter by the factor: to be the same to everybody, what they are held to has to be as much longer.
    stretched = within / spread.factor if spread.factor else math.inf
    patient = None if patience is None else patience / spread.factor if spread.factor else math.inf
    servers = max(1, math.ceil(rate * hold * share))
    while not _is_enough(servers, rate, hold, stretched, share, patient):
        servers += 1
    return servers


def _is_enough(servers: int, rate: float, hold: float, within: float, share: float, patience: float | None) -> bool:
    if patience is None and rate * hold >= servers:
        return False
    return Waiting(servers, rate, hold, patience).tail(within) <= 1 - share


def _integral(drift: float, start: float, end: float) -> float:
    """The integral of exp(drift x) from start to end; also for a drift of (nearly) 0."""
    width = end - start
    if abs(drift * width) < 1e-12:
        return math.exp(drift * start) * width
    return math.exp(drift * start) * math.expm1(drift * width) / drift


def _first_moment(drift: float, end: float) -> float:
    """The integral of x exp(drift x) from 0 to end."""
    grown = drift * end
    if abs(grown) < 1e-4:
        return end**2 * (1 / 2 + grown / 3 + grown**2 / 8)
    return (math.exp(grown) * (grown - 1) + 1) / drift**2


def _check(servers: int, load: float, least: int = 1) -> None:
    if servers < least:
        raise ValueError(f"there are {servers} servers; expected at least {least}")
    if not 0 <= load < math.inf:
        raise ValueError(f"the offered load is {load}; expected at least 0 slots")
