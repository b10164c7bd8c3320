"""The things of a run that properties ask about, each as far as observations tell of it: places, workers, runs, sessions.

They hold what is known and answer questions about it; `scene.py` keeps them up to date. All times are microseconds of the
run's clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from sim.workflow.sessions import FRAMEWORK_ACTIVITIES

Key = tuple[str, int, int]
"""(run, ordinal, attempt)."""


class State(Enum):
    """Of a session, as workflow code sees it."""

    ASKED = "asked"
    OPEN = "Open"
    FAILED = "Failed"
    CLOSED = "Closed"
    NOT_CREATED = "not created"


@dataclass(slots=True, eq=False)
class Outage:
    """A time in which a place was frozen or cut off from the server. `until` None: it still lasts.

    An outage of the server itself is none: no worker is lost by that.
    """

    since: int
    until: int | None = None
    when_over: list[Callable[[Outage], None]] = field(default_factory=list)

    def longer_than(self, span: int, now: int) -> bool:
        """Whether it has lasted longer than `span` microseconds."""
        return (now if self.until is None else self.until) - self.since > span


@dataclass(slots=True, eq=False)
class Place:
    """A process between its start and its end."""

    name: str
    gone_at: int | None = None
    frozen: bool = False
    held: dict[str, bool] = field(default_factory=dict)
    outage: Outage | None = None
    past: deque[Outage] = field(default_factory=lambda: deque(maxlen=64))
    reachable_since: int = 0
    workers: list[Worker] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Worker:
    """A worker object."""

    node: str
    identity: str
    place: Place
    task_queue: str
    resource_queue: str
    limit: int
    started_at: int
    free: int
    free_since: int | None
    holders: dict[tuple[str, int], Session | None] = field(default_factory=dict)
    """(session, attempt of its creation activity) -> session: who holds a token. None when it is forgotten already."""
    users: dict[Key, tuple[str, Session | None]] = field(default_factory=dict)
    """Attempts of users' activities that run here, with their labels."""
    host_queue: str = ""
    """The queue of its host, in host sessions."""
    idle_since: int = 0
    stopping_at: int | None = None
    stop_timeout: int = 0
    stopped_at: int | None = None

    @property
    def dead_at(self) -> int | None:
        """When its process ended or its stop was done, whichever came first; None while it lives."""
        gone = self.place.gone_at
        if gone is None or self.stopped_at is None:
            return gone if self.stopped_at is None else self.stopped_at
        return min(gone, self.stopped_at)

    def serves(self, queue: str) -> bool:
        """Whether this queue is its own, or its host's."""
        return queue == self.resource_queue or (bool(queue) and queue == self.host_queue)

    def outages(self, after: int) -> list[Outage]:
        """The times in which it was out of reach, those that were over by `after` left out."""
        every = (*self.place.past, self.place.outage)
        return [o for o in every if o is not None and (o.until is None or o.until > after)]

    def lost(self, now: int, heartbeat: int, after: int) -> bool:
        """Whether it was lost by now: dead, stopping, or (since `after`) out of reach longer than `heartbeat`."""
        if self.place.gone_at is not None or self.stopping_at is not None:
            return True
        return any(outage.longer_than(heartbeat, now) for outage in self.outages(after))


@dataclass(slots=True, eq=False)
class Activity:
    """An open activity that belongs to a session, the framework's own included."""

    ordinal: int
    activity_type: str
    task_queue: str
    session: Session
    ready_at: int
    """When the present attempt was (or will be) handed to matching."""
    started: bool = False

    @property
    def of_user(self) -> bool:
        return self.activity_type not in FRAMEWORK_ACTIVITIES


@dataclass(slots=True, eq=False)
class Run:
    """An open run, or a closed one of which something still runs."""

    name: str
    workflow_id: str
    task_queue: str
    bound: int
    began_at: int
    sessions: dict[str, Session] = field(default_factory=dict)
    activities: dict[int, Activity] = field(default_factory=dict)
    cancel_requested: bool = False
    closed: bool = False
    task_of: str = ""
    """Identity of the worker that has its workflow task; "" when nobody has."""


@dataclass(slots=True, eq=False)
class Session:
    """A session from CreateSession on. Lengths of time in microseconds."""

    name: str
    run: Run
    index: int
    """Sessions are numbered in the order in which they are asked for."""
    asked_at: int
    queue: str
    recreated: bool
    creation_timeout: int
    execution_timeout: int
    heartbeat: int
    state: State = State.ASKED
    created_at: int = 0
    bound_queue: str = ""
    worker: Worker | None = None
    started_at: int = 0
    """When the server recorded the start of the latest attempt of its creation activity."""
    host_queue: str = ""
    """Of a host session: the queue of the host that it is bound to."""
    detached: bool = False
    """Whether it has lost its process, and no other has taken it up yet."""
    taker: str = ""
    """Worker node that took a slot for it since then."""
    creation_ended: str = ""
    """How the server closed its creation activity."""
    failed_at: int | None = None
    completing_at: int | None = None
    complete_called: bool = False
    """Whether workflow code has called CompleteSession, whatever the session's state."""
    context_done: bool = False
    execution_ends: int = 0
    """When its ExecutionTimeout passes, counted from the start of its creation activity (P2.4j)."""
    ended_before: int | None = None
    """Sessions with this index or a later one were asked for when this one was over."""
    holders: dict[str, int] = field(default_factory=dict)
    """Worker node -> tokens it has taken there."""
    running: dict[str, int] = field(default_factory=dict)
    """Worker node -> attempts of its activities that run there."""

    @property
    def interval(self) -> int:
        """I: how often its creation activity sends heartbeats."""
        return min(self.effective_heartbeat // 3, 10_000_000)

    @property
    def effective_heartbeat(self) -> int:
        """H: the heartbeat timeout as the server has it."""
        return min(t for t in (self.heartbeat, self.execution_timeout, self.run.bound) if t)
