"""Where a session that asks for resources is asked for next, and for how long (docs/design/typed-resources.md).

    where there is room -> at a door -> not created
        |        ^
        +--------+   a worker had no room after all, or was lost before it told

* Until its patience is over a session is asked for on the creation queue of its demand, whose polls come from workers with room; then on
  the waiting queue, whose polls come from workers that let it wait at their door.
* CreationTimeout bounds all of it together. What ends a creation for good: it, and whatever no other worker could do better.
* A recreated session is asked for where its token says, and may wait at the door there from the start.

Without resources there is one queue, and one attempt to find a worker there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sim.history.failures import TimeoutType
from sim.workflow.errors import ApplicationError, chain, is_timeout
from sim.workflow.resources import REFUSED, amounts, creation_queue, waiting_queue
from sim.workflow.sessions import SECOND, SessionOptions

DEFAULT_PATIENCE: Final = 30 * SECOND
SHUTDOWN: Final = "SessionWorkerShutdown"
"""Type of the failure with which a worker that stops ends a creation activity."""


@dataclass(slots=True)
class Search:
    """Times of the workflow's clock and lengths of time in microseconds. `door`: the waiting queue, "" when there is none."""

    queue: str
    door: str
    began: int
    timeout: int
    patience: int
    asks: bool
    may_wait: bool = False

    @classmethod
    def of(cls, base: str, options: SessionOptions, now: int) -> Search:
        """Among all workers of a task queue."""
        demand = amounts(options.resources)
        door = waiting_queue(base, demand) if demand else ""
        patience = options.resource_patience or DEFAULT_PATIENCE
        if options.creation_timeout and options.creation_timeout <= patience:
            door = ""
        return cls(creation_queue(base, demand), door, now, options.creation_timeout, patience, bool(demand))

    @classmethod
    def at(cls, queue: str, options: SessionOptions, now: int) -> Search:
        """Of one host only."""
        return cls(queue, "", now, options.creation_timeout, 0, bool(options.resources), bool(options.resources))

    def wait(self, now: int) -> int:
        """How long the next attempt may wait in its queue; 0 for as long as the run."""
        if not self.asks:
            return self.timeout
        until = self.began + (self.patience if self.door else self.timeout)
        return max(until - now, 1) if self.door or self.timeout else 0

    def goes_on(self, failure: BaseException, now: int) -> bool:
        """An attempt ended like this: whether there is a next one. Patience may be over now."""
        if not self.asks:
            return False
        if is_timeout(failure, TimeoutType.SCHEDULE_TO_START):
            return self._to_the_door()
        if kind_of(failure) not in (REFUSED, SHUTDOWN) and not is_timeout(failure, TimeoutType.HEARTBEAT):
            return False
        if self.door and now - self.began >= self.patience:
            self._to_the_door()
        return not self.timeout or now - self.began < self.timeout

    def _to_the_door(self) -> bool:
        if not self.door:
            return False
        self.queue, self.door, self.may_wait = self.door, "", True
        return True


def kind_of(error: BaseException) -> str:
    """The type of the application error within, "" without one."""
    return next((e.type for e in chain(error) if isinstance(e, ApplicationError)), "")
