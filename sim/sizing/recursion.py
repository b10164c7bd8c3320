"""The ideal queue on given arrivals and holds: first come, first served, no overhead (the recursion of Kiefer and Wolfowitz).

J. Kiefer, J. Wolfowitz, On the theory of queues with many servers, Transactions of the AMS 78 (1955) 1-18; with one server it is
Lindley's recursion. It takes a microsecond a customer, so it can be driven by the very arrivals and holds that a simulation of the
protocol drew: what differs between the two is then the protocol, not luck.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heapreplace

LEFT = -1
"""In place of a wait: the customer had no patience to wait that long."""


def waits(arrivals: Iterable[int], holds: Iterable[int], servers: int, patience: int | None = None) -> Iterator[int]:
    """The waits of customers in the order of their arrival.

    Args:
        arrivals: times of arrival, ascending.
        holds: how long each occupies a server, in the same unit.
        servers: at least 1.
        patience: who would wait longer than this leaves when it has passed, and is LEFT; None: everybody waits.

    Raises:
        ValueError: there is no server.
    """
    if servers < 1:
        raise ValueError(f"there are {servers} servers; expected at least 1")
    free = [0] * servers
    for arrival, hold in zip(arrivals, holds, strict=False):
        wait = max(0, free[0] - arrival)
        if patience is not None and wait > patience:
            yield LEFT
            continue
        heapreplace(free, arrival + wait + hold)
        yield wait
