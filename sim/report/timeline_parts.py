"""What a timeline shows of a run: lanes of workers with what they hold, workflows with their sessions, faults.

Everything is bounded: of what is more than `Limits` allows the first are kept, and `Timeline.left_out` says how many were not.
How it is gathered: `timeline.py`.

All times are integer microseconds since the run's start; None means that it had not happened when the run ended.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sim.model.inputs import Name
from sim.report.tables import AttemptRows, HeartbeatRows, HoldRows, IntervalRows, MarkRows, RunRows, SessionRows, SlotRows, WorkerRows


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of each is kept."""

    workers: int = 500
    workflows: int = 2_000
    sessions: int = 4_000
    attempts: int = 12_000
    heartbeats: int = 20_000
    faults: int = 2_000
    curve: int = 4_000


@dataclass(slots=True)
class Lane:
    """A worker object from its start to the end of its process. `end`: killed, machine lost, exited, or "" while it lives."""

    node: Name
    name: str
    process: str
    host: str
    slots: int
    began: int
    ended: int | None = None
    end: str = ""
    stopping: int | None = None
    stopped: int | None = None


@dataclass(slots=True)
class Hold:
    """A slot in use: `row` is the lowest that was free. `lost`: it ended with its process, nobody gave it back."""

    node: Name
    session: str
    row: int
    began: int
    ended: int | None = None
    lost: bool = False
    worker: str = ""
    """The worker's identity."""


@dataclass(slots=True)
class SessionSpan:
    """A session as its workflow knows it. `end`: completed, failed, not created, dropped (the run closed), "" (open)."""

    session: str
    run: str
    asked: int
    recreated: bool
    created: int | None = None
    ended: int | None = None
    end: str = ""
    why: str = ""
    lost: int | None = None
    """When its worker was gone, or gave its slot up, while the workflow had it open."""
    completing: bool = False
    """CompleteSession was called, or the workflow cancelled it: from then on the slot may go."""
    worker: str = ""
    """The identity of the worker that took a slot for it last, "" while none has."""
    attempts: int = 0
    """Attempts of users' activities that began in it, also those that the timeline leaves out."""


@dataclass(slots=True)
class AttemptBar:
    """An attempt of a user's activity on a worker. `outcome`: completed, canceled, failed: ..., dropped, lost, "" (runs)."""

    node: Name
    run: str
    session: str
    name: str
    attempt: int
    began: int
    ended: int | None = None
    outcome: str = ""
    worker: str = ""
    """The worker's identity."""


@dataclass(slots=True)
class Mark:
    """A fault at a moment."""

    at: int
    kind: str
    target: str
    place: str
    detail: str = ""


@dataclass(slots=True)
class Interval:
    """A fault that lasted: freeze, hold (detail: up, down, both), server_down, slow_down (detail: by what)."""

    kind: str
    target: str
    place: str
    began: int
    ended: int | None = None
    detail: str = ""


@dataclass(slots=True)
class WorkflowSpan:
    """A run. `status` as Temporal spells it, "" while it runs."""

    run: str
    workflow_id: str
    began: int
    ended: int | None = None
    status: str = ""


@dataclass(frozen=True, slots=True)
class SlotsFrom:
    """Slots in use, and slots of live workers, from this time on."""

    at: int
    used: int
    capacity: int


@dataclass(slots=True)
class Timeline:
    """What happened in a run, in the order in which it began. The lists of objects are tables (`to_frame()`)."""

    end: int = 0
    lanes: WorkerRows = field(default_factory=WorkerRows)
    holds: HoldRows = field(default_factory=HoldRows)
    sessions: SessionRows = field(default_factory=SessionRows)
    attempts: AttemptRows = field(default_factory=AttemptRows)
    marks: MarkRows = field(default_factory=MarkRows)
    intervals: IntervalRows = field(default_factory=IntervalRows)
    workflows: RunRows = field(default_factory=RunRows)
    heartbeats: HeartbeatRows = field(default_factory=HeartbeatRows)
    """Time, worker's node, session."""
    used: list[tuple[int, int]] = field(default_factory=list)
    """Slots in use from this time on, over all workers."""
    capacity: list[tuple[int, int]] = field(default_factory=list)
    """Slots of live workers from this time on."""
    left_out: Counter[str] = field(default_factory=Counter)
    """What was more than the limits allow, by kind."""

    @property
    def complete(self) -> bool:
        """Whether nothing was left out."""
        return not self.left_out

    def slots(self) -> SlotRows:
        """Both curves of slots as one table: a row for every change."""
        used, capacity = dict(self.used), dict(self.capacity)
        rows, now = SlotRows(), SlotsFrom(0, 0, 0)
        for at in sorted(used.keys() | capacity.keys()):
            now = SlotsFrom(at, used.get(at, now.used), capacity.get(at, now.capacity))
            rows.append(now)
        return rows

    def _repr_html_(self) -> str:
        """The picture, in a notebook."""
        from sim.report import notebook

        return notebook.page(self)
