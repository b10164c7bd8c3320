"""Walks by chance that find what needs few events in a certain order, with a bound on how often.

PCTCP (Ozkan, Majumdar, Niksic, Tabaei Befrouei, Weissenbacher, "Randomized testing of distributed systems with probabilistic
guarantees", OOPSLA 2018): events are put into chains as they arrive, every chain gets a priority by chance, and what is first
in the chain of highest priority happens next. d - 1 times in a walk a chain falls below all others, and below those that fell
before it: when the n-th event that arrived is to happen, for d - 1 different n up to N, by chance.

A bug has *depth* d when d events e1, ..., ed show it as soon as each of them waits for all that does not come about through it or
through a later one of them. The paper's bound: a walk shows a bug of depth d with a probability of at least 1/(w^2 N^(d-1)),
in orders of any shape, of width w, with N events at most.

Here every event has one cause (`chains.py`), and more can be said. Which events are in a chain does not depend on the walk: an
event is in the chain of its cause if it is the first that comes of it, and what comes of an event comes at once. So

* the chain of e1 is the lowest of all k at first with a probability of exactly 1/k: priorities are independent draws, one for each
  chain; and k = w, since there are as many chains as the width;
* given that, and all draws for other chains, there is one row of numbers n2, ..., nd that lets e2, ..., ed fall: what number e2 has is
  decided before it can happen, by what is known by then, and so on. It is drawn with a probability of at least 1/N^(d-1).

Hence at least 1/(w N^(d-1)). It is about the order of events. What nodes leave to chance besides, and messages that are lost within a
step, are drawn evenly and not bounded; nor is it about events that there are in some orders only. And a walk in which more than N
events arrive, one that would not end by itself for instance, goes on evenly from there: the bound does not speak of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sim.model.chains import Chains, Event
from sim.model.draws import draw
from sim.model.walks import Uniform

PURPOSE: Final = "pctcp"


def bound(width: int, events: int, depth: int) -> float:
    """With which probability a walk shows a bug of this depth at least, where at most `events` arrive, in `width` chains."""
    _check(events, depth)
    return 1 / (max(width, 1) * float(events) ** (depth - 1))


def bound_of_any_order(width: int, events: int, depth: int) -> float:
    """The paper's bound, which does not ask that every event has one cause."""
    return bound(width, events, depth) / max(width, 1)


class Pctcp:
    """Who decides what happens next. `depth`: of the bugs to be found; `events`: how many arrive in a walk at most."""

    def __init__(self, seed: int, depth: int, events: int) -> None:
        _check(events, depth)
        self.chains = Chains()
        self._seed, self._events, self._evenly = seed, events, Uniform(seed)
        self._falls = {number: nth for nth, number in enumerate(_different(seed, depth - 1, events), 1)}
        self._priorities: list[tuple[int, int]] = []

    def arrives(self, event: Event) -> None:
        """An event can happen from now on."""
        chain = self.chains.add(event)
        if chain == len(self._priorities):
            self._priorities.append((1, draw(self._seed, PURPOSE, "priority", chain + 1)))

    def choose(self, ready: Sequence[Event]) -> Event:
        """The event that happens next, of those that can."""
        if self.chains.events > self._events:
            return self._evenly.choose(ready)
        while True:
            event = max(ready, key=lambda each: (self._priorities[self.chains.of(each)], -each.number))
            nth = self._falls.pop(event.number, None)
            if nth is None:
                return event
            self._priorities[self.chains.of(event)] = (0, -nth)


def _different(seed: int, count: int, events: int) -> list[int]:
    """So many different numbers from 1 to `events`, in an order: each row as likely as any other."""
    found: list[int] = []
    for nth in range(1, count + 1):
        number = 1 + (draw(seed, PURPOSE, "fall", nth) * (events - len(found)) >> 64)
        for earlier in sorted(found):
            number += number >= earlier
        found.append(number)
    return found


def _check(events: int, depth: int) -> None:
    if depth < 1 or events < max(depth - 1, 1):
        raise ValueError(f"depth {depth}, {events} events: expected a depth of at least 1, and as many events as there are falls")
