"""The events of a walk, what caused each, and chains of them: rows of events each of which came about through the one before.

An event is one thing that could happen next, from when it first could until it did (or could no more). The step after
which it first could is its cause. Every event has one cause at most, so "came about through" is a forest, and the most events
of which none came about through another, its *width*, are its leaves.

`Chains` puts each event into a chain when it arrives. An event is put behind its cause if it is the first that came of it,
and begins a chain otherwise. So the last of a chain is a leaf and every leaf is the last of a chain: there are exactly as
many chains as the width, the fewest that any partition into chains can have. (Events that have several causes need more: up
to w(w + 1)/2 chains for width w, when they are put into chains as they arrive; S. Felsner, "On-line chain partitions of
orders", Theoretical Computer Science 175, 1997.)
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from sim.model.world import Enabled


class Event(Struct, frozen=True):
    """`number`: events are counted from 1 as they arrive. `cause`: the number of the event it came of; 0: it could happen at first."""

    number: int
    cause: int
    choice: Enabled


class Chains:
    """A partition into chains, made event by event."""

    __slots__ = ("_of", "_tops")

    def __init__(self) -> None:
        self._of: list[int] = [-1]
        self._tops: list[int] = []

    def add(self, event: Event) -> int:
        """The chain of a new event; chains are counted from 0. Events are to be added in the order of their numbers."""
        if event.number != len(self._of):
            raise ValueError(f"event {event.number}: expected number {len(self._of)}, events in the order in which they arrive")
        cause = event.cause
        chain = self._of[cause]
        if cause and self._tops[chain] == cause:
            self._tops[chain] = event.number
        else:
            chain = len(self._tops)
            self._tops.append(event.number)
        self._of.append(chain)
        return chain

    def of(self, event: Event) -> int:
        """The chain of an event that was added."""
        return self._of[event.number]

    @property
    def events(self) -> int:
        """How many have been added."""
        return len(self._of) - 1

    def __len__(self) -> int:
        return len(self._tops)


def width(events: Sequence[Event]) -> int:
    """How many events there are at most of which none came about through another."""
    causes = {event.cause for event in events}
    return sum(event.number not in causes for event in events)
