"""The one workflow task that a run can have pending (P4.5.1, P4.5.7, P4.5.8).

    none -> scheduled (on a sticky or normal queue) -> started -> none

A task of attempt 2 or more is transient: its events are written only when it completes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sim.model.inputs import Name
from sim.model.spans import MINUTE, SECOND

STICKY_SCHEDULE_TO_START = 5 * SECOND
DEFAULT_TIMEOUT = 10 * SECOND
MAX_TIMEOUT = 120 * SECOND
SERIALS = 1 << 20
"""So many numbers there are for tasks between one that is completed and the next."""


class Phase(Enum):
    NONE = "none"
    SCHEDULED = "scheduled"
    STARTED = "started"


@dataclass(slots=True)
class PendingTask:
    """State of the pending workflow task, and of what the next will need."""

    phase: Phase = Phase.NONE
    serial: int = 0
    attempt: int = 1
    sticky: bool = False
    """Whether this task was scheduled on the sticky queue."""
    request: str = ""
    identity: str = ""
    upto: int = 0
    """How much of the log the started task has."""
    scheduled: int = 0
    now: int = 0
    """When it was scheduled and when it started, as the server's clock stamped it."""
    overtaken: bool = False
    """Events were written since it was scheduled: it is not transient any more when it starts."""
    refused_close: bool = False
    """A close was refused since this task was scheduled: signals have to wait (P4.4.1)."""

    def schedule(self, done: int, now: int) -> None:
        """The next task waits for a worker, after `done` that were completed. Its number is larger than any before, and tells nothing of
        those that were tried in vain before the last one was done.
        """
        self.phase = Phase.SCHEDULED
        self.serial = max(self.serial + 1, done * SERIALS)
        self.scheduled = now
        self.overtaken = self.refused_close = False

    def end(self, attempt: int) -> None:
        """It is over; the next will be this attempt. Nothing else is left of it but its number."""
        self.phase = Phase.NONE
        self.attempt = attempt
        self.sticky = self.overtaken = self.refused_close = False
        self.request = self.identity = ""
        self.upto = self.scheduled = self.now = 0

    @property
    def transient(self) -> bool:
        return self.attempt > 1

    def timeout(self, base: int) -> int:
        """StartToClose of this attempt: from the fourth on it grows, to slow a failing loop down."""
        if self.attempt < 4:
            return base
        return min(base + (5 * SECOND << (self.attempt - 4)), 10 * MINUTE)


@dataclass(slots=True)
class Stickiness:
    """The sticky queue of the worker that completed the last task; "" when there is none."""

    queue: Name = ""
    name: str = ""

    def clear(self) -> None:
        self.queue = self.name = ""
