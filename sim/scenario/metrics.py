"""Figures of a run, gathered from observations while it goes on; memory is kept for what is open only, but for 8 bytes a wait."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from sim.history.failures import ApplicationFailure, PanicFailure
from sim.protocol import observations as obs
from sim.scenario.cluster import Cluster
from sim.scenario.operations import GONE
from sim.simulator.simulation import Simulation
from sim.workflow import seen
from sim.workflow.session_info import SessionState

KEPT_WORKFLOWS = 10_000
"""So many workflows are listed one by one; the rest are only counted."""

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Sessions:
    """How many sessions there were. `completed`: closed by CompleteSession; `creation_timed_out`: nobody had a slot in time."""

    asked: int
    created: int
    completed: int
    failed: int
    creation_timed_out: int


@dataclass(frozen=True, slots=True)
class Waits:
    """How long CreateSession took when it succeeded, seconds; None when it never did."""

    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class Slots:
    """Session slots over the whole run. `capacity`: of all session workers that the scenario has."""

    mean_used: float
    capacity: int


@dataclass(frozen=True, slots=True)
class WorkflowResult:
    """How a workflow ended. `wait_s`: how long its creations took together, None without one. `status` RUNNING: not yet."""

    id: str
    status: str
    wait_s: float | None
    outcome: object


def quantile(ordered: Sequence[int], per_mille: int) -> int:
    """The smallest of these ascending values that at least `per_mille` thousandths of them do not exceed."""
    rank = -(-len(ordered) * per_mille // 1000)
    return ordered[max(rank, 1) - 1]


def waits_of(values: Sequence[int]) -> Waits:
    """What to say of these waits, microseconds."""
    if not values:
        return Waits(None, None, None, None, None)
    ordered = sorted(values)
    p50, p90, p99 = (quantile(ordered, n) / SECOND for n in (500, 900, 990))
    return Waits(round(sum(ordered) / len(ordered)) / SECOND, p50, p90, p99, ordered[-1] / SECOND)


class SessionMetrics:
    """Counts sessions and their waits. Workflow code that runs again after a lost task says things twice: counted once."""

    def __init__(self) -> None:
        self.asked = self.created = self.completed = self.failed = self.creation_timed_out = 0
        self.waits = array("q")
        self.waited: dict[str, int] = {}
        """Microseconds that the sessions of each open workflow took to be created."""
        self._asked_at: dict[str, int] = {}
        self._open: dict[str, str] = {}
        self._of_run: dict[str, list[str]] = {}

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        """Listen from now on."""
        simulation.listen(seen.SessionAsked, self._session_asked)
        simulation.listen(seen.SessionCreated, self._session_created)
        simulation.listen(seen.SessionNotCreated, self._not_created)
        simulation.listen(seen.SessionStateChanged, self._state_changed)
        simulation.listen(obs.WorkflowClosed, self._workflow_closed)

    def _session_asked(self, time: int, node: str, asked: object) -> None:
        assert isinstance(asked, seen.SessionAsked)
        if asked.session not in self._asked_at and asked.session not in self._open:
            self.asked += 1
            self._asked_at[asked.session] = time
            self._of_run.setdefault(asked.run, []).append(asked.session)

    def _session_created(self, time: int, node: str, created: object) -> None:
        assert isinstance(created, seen.SessionCreated)
        since = self._asked_at.pop(created.session, None)
        if since is not None:
            self.created += 1
            self.waits.append(time - since)
            self._open[created.session] = "open"
            workflow = created.run.split("/")[2]
            self.waited[workflow] = self.waited.get(workflow, 0) + time - since

    def _not_created(self, time: int, node: str, failed: object) -> None:
        assert isinstance(failed, seen.SessionNotCreated)
        if self._asked_at.pop(failed.session, None) is not None:
            self.creation_timed_out += "TimeoutError(ScheduleToStart)" in failed.error
            self._open[failed.session] = "not created"

    def _state_changed(self, time: int, node: str, changed: object) -> None:
        assert isinstance(changed, seen.SessionStateChanged)
        if self._open.get(changed.session) in (None, changed.after):
            return
        self._open[changed.session] = changed.after
        self.failed += changed.after == SessionState.FAILED.value
        self.completed += changed.after == SessionState.CLOSED.value

    def _workflow_closed(self, time: int, node: str, closed: object) -> None:
        assert isinstance(closed, obs.WorkflowClosed)
        for session in self._of_run.pop(closed.run, ()):
            self._asked_at.pop(session, None)
            self._open.pop(session, None)

    def result(self) -> Sessions:
        """The counts so far."""
        return Sessions(self.asked, self.created, self.completed, self.failed, self.creation_timed_out)


class SlotMetrics:
    """How many session slots are taken, over time."""

    def __init__(self) -> None:
        self.capacity = 0
        self._used: dict[str, int] = {}
        self._now = 0
        self._since = 0
        self._area = 0

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        """Listen from now on."""
        self.capacity = sum(spec.options.sessions for spec in cluster.specs.values() if spec.options.session_worker)
        simulation.listen(obs.TokenTaken, lambda time, node, _: self._change(time, node, 1))
        simulation.listen(obs.TokenReturned, lambda time, node, _: self._change(time, node, -1))
        simulation.listen(obs.FaultHappened, self._fault)

    def _change(self, time: int, node: str, by: int) -> None:
        self._area += self._now * (time - self._since)
        self._since = time
        self._used[node] = self._used.get(node, 0) + by
        self._now += by

    def _fault(self, time: int, node: str, fault: object) -> None:
        assert isinstance(fault, obs.FaultHappened)
        if fault.kind in GONE:
            for worker in [w for w in self._used if w.partition("/")[0] == fault.place]:
                self._change(time, worker, -self._used[worker])
                del self._used[worker]

    def result(self, end: int) -> Slots:
        """The mean over the run that ended at `end`, microseconds."""
        area = self._area + self._now * (end - self._since)
        return Slots(area / end if end else 0.0, self.capacity)


class WorkflowMetrics:
    """How each workflow ended, in the order of their ends; those that are open come last."""

    def __init__(self, sessions: SessionMetrics) -> None:
        self.count = 0
        self.statuses: dict[str, int] = {}
        self.open: dict[str, None] = {}
        self._sessions = sessions
        self._kept: list[WorkflowResult] = []

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        """Listen from now on."""
        simulation.listen(obs.WorkflowStarted, self._started)
        simulation.listen(obs.WorkflowClosed, self._closed)

    def _started(self, time: int, node: str, started: object) -> None:
        assert isinstance(started, obs.WorkflowStarted)
        self.open[started.workflow_id] = None

    def _closed(self, time: int, node: str, closed: object) -> None:
        assert isinstance(closed, obs.WorkflowClosed)
        if closed.next_run:
            return
        self.open.pop(closed.workflow_id, None)
        self._add(closed.workflow_id, closed.status, closed.outcome)

    def _add(self, workflow_id: str, status: str, outcome: object) -> None:
        self.count += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1
        wait = self._sessions.waited.pop(workflow_id, None)
        if len(self._kept) < KEPT_WORKFLOWS:
            self._kept.append(WorkflowResult(workflow_id, status, None if wait is None else wait / SECOND, plain(outcome)))

    def result(self) -> tuple[WorkflowResult, ...]:
        """The workflows; to be called once, at the end."""
        for workflow_id in self.open:
            self._add(workflow_id, "RUNNING", None)
        return tuple(self._kept)


def plain(outcome: object) -> object:
    """A workflow's outcome as plain data: its result, or its failure in a line, outermost first."""
    parts = []
    failure: object | None = outcome
    while failure is not None and type(failure).__module__ == "sim.history.failures":
        parts.append(_one_failure(failure))
        failure = getattr(failure, "cause", None)
    return " <- ".join(parts) if parts else outcome


def _one_failure(failure: object) -> str:
    kind = type(failure).__name__.removesuffix("Failure")
    match failure:
        case ApplicationFailure(type=name, message=message) | PanicFailure(type=name, message=message):
            return f"{kind}({name}: {message})" if name else f"{kind}({message})"
        case _:
            detail = getattr(failure, "timeout_type", None) or getattr(failure, "activity_type", None)
            return f"{kind}({getattr(detail, 'value', detail)})" if detail else kind
