"""Gathers a timeline from what the nodes let the outside see.

Attach a `TimelineCollector` before the run, take `timeline(end)` after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from sim.model.inputs import Name
from sim.protocol import observations as obs
from sim.protocol.worker.attempts import Cause
from sim.report.timeline_parts import AttemptBar, Hold, Interval, Lane, Limits, Mark, SessionSpan, Timeline, WorkflowSpan
from sim.workflow import seen
from sim.workflow.sessions import CREATION_ACTIVITY, FRAMEWORK_ACTIVITIES

if TYPE_CHECKING:
    from sim.scenario.cluster import Cluster
    from sim.simulator.simulation import Simulation

ENDINGS = {"kill": "killed", "lose_machine": "machine lost", "exit": "exited"}
OPENINGS = {"unfreeze": "freeze", "release": "hold", "server_up": "server_down"}
"""The kind that ends an interval, and the kind that began it."""


@dataclass(slots=True)
class _Rows:
    """The rows of one worker: the lowest free one is taken."""

    free: list[int] = field(default_factory=list)
    size: int = 0

    def take(self) -> int:
        if self.free:
            return heappop(self.free)
        self.size += 1
        return self.size - 1

    def give_back(self, row: int) -> None:
        heappush(self.free, row)


class TimelineCollector:
    """Listens to a run and gathers its timeline. An observer for `sim.scenario.run.run`; it can be pickled."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._line = Timeline()
        self._lanes: dict[Name, Lane] = {}
        self._rows: dict[Name, _Rows] = {}
        self._holds: dict[tuple[Name, str], tuple[Hold, bool]] = {}
        self._where: dict[str, Name] = {}
        self._sessions: dict[str, SessionSpan] = {}
        self._attempts: dict[tuple[Name, str, int, int], AttemptBar] = {}
        self._workflows: dict[str, WorkflowSpan] = {}
        self._open: dict[tuple[str, str], Interval] = {}
        self._held: dict[str, set[str]] = {}
        self._used = 0
        self._capacity = 0

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        """Listen to everything a timeline shows."""
        for kind, listener in (
            (obs.WorkerStarted, self._worker_started),
            (obs.WorkerStopping, self._worker_stopping),
            (obs.WorkerStopped, self._worker_stopped),
            (obs.TokenTaken, self._token_taken),
            (obs.TokenReturned, self._token_returned),
            (obs.AttemptBegan, self._attempt_began),
            (obs.AttemptEnded, self._attempt_ended),
            (obs.AttemptContextDone, self._context_done),
            (obs.HeartbeatRecorded, self._heartbeat),
            (obs.WorkflowStarted, self._workflow_started),
            (obs.WorkflowClosed, self._workflow_closed),
            (obs.FaultHappened, self._fault),
            (seen.SessionAsked, self._asked),
            (seen.SessionCreated, self._created),
            (seen.SessionNotCreated, self._not_created),
            (seen.SessionCompleteCalled, self._completing),
            (seen.SessionStateChanged, self._changed),
        ):
            simulation.listen(kind, listener)

    def timeline(self, end: int) -> Timeline:
        """What was gathered; `end` is when the run ended, microseconds."""
        self._line.end = end
        return self._line

    def _room(self, kind: str, there: int) -> bool:
        """Whether one more of a kind is kept; counts it when not."""
        if there < getattr(self.limits, kind):
            return True
        self._line.left_out[kind] += 1
        return False

    def _step(self, curve: list[tuple[int, int]], time: int, value: int) -> None:
        """Go on with a curve. A curve that is full is thinned out: of two neighbours the higher stays."""
        if curve and curve[-1][0] == time:
            curve[-1] = (time, value)
            return
        curve.append((time, value))
        if len(curve) > self.limits.curve:
            last = curve.pop()
            curve[:] = [max(pair, key=lambda point: point[1]) for pair in zip(curve[::2], curve[1::2], strict=False)] + [last]

    # -- workers -------------------------------------------------------------------------------------------------------

    def _worker_started(self, time: int, node: Name, o: obs.WorkerStarted) -> None:
        slots = o.max_sessions if o.session_worker else 0
        self._capacity += slots
        self._step(self._line.capacity, time, self._capacity)
        lane = Lane(node, o.identity, node.partition("/")[0].rpartition(".")[0], o.host, slots, time)
        self._lanes[node] = lane
        self._rows[node] = _Rows()
        if self._room("workers", len(self._line.lanes)):
            self._line.lanes.append(lane)

    def _worker_stopping(self, time: int, node: Name, o: object) -> None:
        if node in self._lanes:
            self._lanes[node].stopping = time

    def _worker_stopped(self, time: int, node: Name, o: object) -> None:
        if node in self._lanes:
            self._lanes[node].stopped = time

    def _process_ended(self, time: int, place: str, how: str) -> None:
        """A process ended, and with it everything on it."""
        ended = {node for node in self._lanes if node.partition("/")[0] == place}
        for node in sorted(ended):
            lane = self._lanes.pop(node)
            lane.ended, lane.end = time, how
            self._capacity -= lane.slots
            del self._rows[node]
        self._step(self._line.capacity, time, self._capacity)
        for key in [key for key in self._holds if key[0] in ended]:
            hold, _ = self._holds.pop(key)
            hold.ended, hold.lost = time, True
            self._used -= 1
            self._slot_gone(time, key[0], hold.session)
        self._step(self._line.used, time, self._used)
        for attempt in [key for key in self._attempts if key[0] in ended]:
            bar = self._attempts.pop(attempt)
            bar.ended, bar.outcome = time, "lost"

    # -- slots and attempts --------------------------------------------------------------------------------------------

    def _token_taken(self, time: int, node: Name, o: obs.TokenTaken) -> None:
        if node not in self._rows:
            return
        kept = self._room("sessions", len(self._line.holds))
        hold = Hold(node, o.session, self._rows[node].take(), time, worker=o.identity)
        if kept:
            self._line.holds.append(hold)
        self._holds[node, o.session] = hold, kept
        self._where[o.session] = node
        self._used += 1
        self._step(self._line.used, time, self._used)
        if (session := self._sessions.get(o.session)) is not None:
            session.lost, session.worker = None, hold.worker

    def _token_returned(self, time: int, node: Name, o: obs.TokenReturned) -> None:
        found = self._holds.pop((node, o.session), None)
        if found is None:
            return
        found[0].ended = time
        self._rows[node].give_back(found[0].row)
        self._slot_gone(time, node, o.session)
        self._used -= 1
        self._step(self._line.used, time, self._used)

    def _slot_gone(self, time: int, node: Name, name: str) -> None:
        session = self._sessions.get(name)
        # A worker that was frozen may only now give back a slot of a session that is on another worker.
        if session is not None and not session.completing and self._where.get(name) == node:
            session.lost = time

    def _attempt_began(self, time: int, node: Name, o: obs.AttemptBegan) -> None:
        if o.activity_type in FRAMEWORK_ACTIVITIES:
            return
        if (session := self._sessions.get(o.session)) is not None:
            session.attempts += 1
        if self._room("attempts", len(self._line.attempts)):
            bar = AttemptBar(node, o.run, o.session, o.label or o.activity_type, o.attempt, time, worker=o.identity)
            self._attempts[node, o.run, o.ordinal, o.attempt] = bar
            self._line.attempts.append(bar)

    def _attempt_ended(self, time: int, node: Name, o: obs.AttemptEnded) -> None:
        bar = self._attempts.pop((node, o.run, o.ordinal, o.attempt), None)
        if bar is not None:
            bar.ended, bar.outcome = time, o.outcome

    def _context_done(self, time: int, node: Name, o: obs.AttemptContextDone) -> None:
        """The workflow asked for the end of a creation activity: nothing goes unnoticed."""
        if o.activity_type == CREATION_ACTIVITY and o.cause == Cause.CANCELED.value and o.session in self._sessions:
            self._sessions[o.session].completing = True

    def _heartbeat(self, time: int, node: Name, o: obs.HeartbeatRecorded) -> None:
        if o.session in self._where and self._room("heartbeats", len(self._line.heartbeats)):
            self._line.heartbeats.append((time, self._where[o.session], o.session))

    # -- workflows and sessions ----------------------------------------------------------------------------------------

    def _workflow_started(self, time: int, node: Name, o: obs.WorkflowStarted) -> None:
        if self._room("workflows", len(self._line.workflows)):
            self._workflows[o.run] = WorkflowSpan(o.run, o.workflow_id, time)
            self._line.workflows.append(self._workflows[o.run])

    def _workflow_closed(self, time: int, node: Name, o: obs.WorkflowClosed) -> None:
        span = self._workflows.pop(o.run, None)
        if span is not None:
            span.ended, span.status = time, o.status
        for name in [name for name, session in self._sessions.items() if session.run == o.run]:
            self._session_ended(time, name, "dropped", o.status)

    def _asked(self, time: int, node: Name, o: seen.SessionAsked) -> None:
        if self._room("sessions", len(self._line.sessions)):
            self._sessions[o.session] = SessionSpan(o.session, o.run, time, o.recreated)
            self._line.sessions.append(self._sessions[o.session])

    def _created(self, time: int, node: Name, o: seen.SessionCreated) -> None:
        if o.session in self._sessions:
            self._sessions[o.session].created = time

    def _not_created(self, time: int, node: Name, o: seen.SessionNotCreated) -> None:
        self._session_ended(time, o.session, "not created", o.error)

    def _completing(self, time: int, node: Name, o: seen.SessionCompleteCalled) -> None:
        if o.session in self._sessions:
            self._sessions[o.session].completing = True

    def _changed(self, time: int, node: Name, o: seen.SessionStateChanged) -> None:
        if o.after != "Open":
            self._session_ended(time, o.session, "failed" if o.after == "Failed" else "completed", o.why)

    def _session_ended(self, time: int, name: str, end: str, why: str) -> None:
        session = self._sessions.pop(name, None)
        if session is not None:
            session.ended, session.end, session.why = time, end, why
        self._where.pop(name, None)

    # -- faults --------------------------------------------------------------------------------------------------------

    def _fault(self, time: int, node: Name, o: obs.FaultHappened) -> None:
        match o.kind:
            case "kill" | "lose_machine" | "exit":
                self._process_ended(time, o.place, ENDINGS[o.kind])
                for key in [key for key in self._open if key[1] == o.place]:
                    self._open.pop(key).ended = time
                self._held.pop(o.place, None)
            case "hold" | "release":
                self._directions(time, o)
                return
            case "freeze" | "server_down":
                self._begin(time, o, o.kind, o.detail)
                return
            case "unfreeze" | "server_up":
                self._finish(time, o.place, OPENINGS[o.kind])
                return
            case "slow_down":
                self._finish(time, o.place, o.kind)
                if o.detail != "1 times":
                    self._begin(time, o, o.kind, o.detail)
                return
        if not (o.kind == "start" and time == 0) and self._room("faults", len(self._line.marks)):
            self._line.marks.append(Mark(time, o.kind, o.target, o.place, o.detail))

    def _begin(self, time: int, o: obs.FaultHappened, kind: str, detail: str) -> None:
        if (kind, o.place) not in self._open and self._room("faults", len(self._line.intervals)):
            interval = Interval(kind, o.target, o.place, time, detail=detail)
            self._open[kind, o.place] = interval
            self._line.intervals.append(interval)

    def _finish(self, time: int, place: str, kind: str) -> None:
        interval = self._open.pop((kind, place), None)
        if interval is not None:
            interval.ended = time

    def _directions(self, time: int, o: obs.FaultHappened) -> None:
        """Holds of the two directions overlap: there is one interval for every set of directions that was held."""
        held = self._held.setdefault(o.place, set())
        changed = {"up", "down"} if o.detail in ("both", "") else {o.detail}
        after = held | changed if o.kind == "hold" else held - changed
        if after != held:
            self._finish(time, o.place, "hold")
            self._held[o.place] = after
            if after:
                self._begin(time, o, "hold", "both" if len(after) == 2 else min(after))
