"""What a loop is that goes on where nobody looks: see `quiet.py`, which carries it out."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Protocol

from sim.model.inputs import Tag

if TYPE_CHECKING:
    from sim.simulator.quiet import Pair, QuietSimulation
    from sim.simulator.seats import Seat


class Loop:
    """A node of one place calls a node of another again and again, and neither call nor answer makes a difference to anybody else.

    `part`: what follows the first item in the tags of all timers of the caller that have to do with it. Who makes one
    has taken its timers off the agenda and said when it goes on (`Pair.due`).
    """

    __slots__ = ("callee", "caller", "live", "pair", "part")

    def __init__(self, pair: Pair, caller: Seat, callee: Seat, part: Hashable) -> None:
        self.pair = pair
        self.caller = caller
        self.callee = callee
        self.part = part
        self.live = True
        """Whether it is kept aside. Once it is not, it is over: the next one is another."""

    def __lt__(self, other: Loop) -> bool:
        """One that has surfaced and the next one may have the same thing due: of these the former is passed over, so any order will do."""
        return False

    def goes_on(self) -> bool:
        """Whether all is still such that nobody notices it, until the pair's alarm at least. Asked after every input of the callee."""
        raise NotImplementedError

    def carry_out(self, stage: int, time: int) -> None:
        """Let the one thing happen that it had due at this time, microseconds; and say what is due next."""
        raise NotImplementedError

    def surface(self) -> None:
        """Put nodes, timers, calls and messages as they would be now had it never been kept aside."""
        raise NotImplementedError


class Watch(Protocol):
    """Who knows loops when they begin."""

    answer: type
    """The class of message with which a round of a loop ends."""
    loud: frozenset[type]
    """Observations that rounds of loops make: while somebody listens to one of them there are no loops."""

    def begin(self, sim: QuietSimulation, caller: Seat, tag: Tag) -> Loop | None:
        """The loop that the caller is in, now that it has taken an `answer` to its call `tag`; None when there is none."""
