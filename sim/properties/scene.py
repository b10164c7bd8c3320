"""What is going on in a run, for all properties at once: places, workers, runs, sessions and their activities.

Only what is open is kept: a session is forgotten when its run is closed and nothing of it runs on a worker any more, a
run when its last session is. The scene takes every observation in before the properties see it, and forgets after them.
"""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener
from sim.properties.things import Activity, Outage, Place, Run, Session, State, Worker
from sim.protocol import observations as obs
from sim.workflow import seen
from sim.workflow.sessions import CREATION_ACTIVITY, FRAMEWORK_ACTIVITIES


def _less(counts: dict[str, int], key: str) -> None:
    left = counts.get(key, 0) - 1
    if left > 0:
        counts[key] = left
    else:
        counts.pop(key, None)


def _directions(fault: obs.FaultHappened) -> tuple[str, ...]:
    """What a fault of a network is about: up, down."""
    return ("up", "down") if fault.detail == "both" else (fault.detail,)


class Scene:
    """The open things of a run, by name."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.workers: dict[str, Worker] = {}
        """By node; those of dead places are forgotten."""
        self.queues: dict[str, Worker] = {}
        """By resource-specific queue; dead ones stay, since tasks may still go there."""
        self.runs: dict[str, Run] = {}
        self.sessions: dict[str, Session] = {}
        self.asked = 0
        self.server_down_since: int | None = None
        self.last_fault_at = 0
        self.outages = 0
        """How many places are frozen or cut off now."""
        self.cut: dict[str, tuple[str, ...]] = {}
        """Process -> the directions in which its network is held now; a process that starts anew finds it so."""

    # -- listeners ---------------------------------------------------------------------------------------------------

    def before(self) -> Mapping[type, Listener]:
        """To be called before the properties' own."""
        return {
            obs.FaultHappened: self._fault,
            obs.WorkerStarted: self._worker_started,
            obs.WorkerStopping: self._stopping,
            obs.WorkerStopped: self._stopped,
            obs.WorkflowStarted: self._run_started,
            obs.WorkflowTaskTaken: self._task_taken,
            obs.WorkflowCancelRequested: self._cancel_requested,
            obs.WorkflowClosed: self._run_closed,
            obs.ActivityScheduled: self._scheduled,
            obs.AttemptRecorded: self._recorded,
            obs.AttemptRetried: self._retried,
            obs.ActivityClosed: self._activity_closed,
            obs.TokenTaken: self._taken,
            obs.TokenReturned: self._returned,
            obs.AttemptBegan: self._began,
            obs.AttemptEnded: self._ended,
            seen.SessionAsked: self._asked,
            seen.SessionCreated: self._created,
            seen.SessionDetached: self._detached,
            seen.SessionReattached: self._reattached,
            seen.SessionNotCreated: self._not_created,
            seen.SessionStateChanged: self._changed,
            seen.SessionCompleteCalled: self._completing,
            seen.SessionContextDone: self._context_done,
        }

    def after(self) -> Mapping[type, Listener]:
        """To be called after the properties' own: what is over is forgotten."""
        return {
            obs.WorkflowClosed: lambda time, node, o: self._forget_run(o.run),
            obs.TokenReturned: lambda time, node, o: self._forget(o.session),
            obs.AttemptEnded: self._forget_attempt,
            obs.ActivityClosed: self._forget_activity,
            obs.FaultHappened: self._forget_place,
        }

    # -- places and workers ------------------------------------------------------------------------------------------

    def _fault(self, time: int, node: str, fault: obs.FaultHappened) -> None:
        self.last_fault_at = time
        match fault.kind:
            case "server_down" | "server_up":
                self.server_down_since = time if fault.kind == "server_down" else None
                for place in self.places.values() if fault.kind == "server_up" else ():
                    place.reachable_since = time
                return
            case "hold" | "release":
                self._cut(fault)
            case "start":
                self.places[fault.place] = Place(fault.place, reachable_since=time)
                # Its machine's network is as it was: who starts while it is held is out of reach from the first.
                self.places[fault.place].held.update(dict.fromkeys(self.cut.get(fault.target, ()), True))
        place_or_none = self.places.get(fault.place)
        if place_or_none is None:
            return
        place = place_or_none
        match fault.kind:
            case "kill" | "lose_machine" | "exit":
                place.gone_at = time
            case "freeze" | "unfreeze":
                place.frozen = fault.kind == "freeze"
            case "hold" | "release":
                for direction in _directions(fault):
                    place.held[direction] = fault.kind == "hold"
        self._reckon(place, time)

    def _cut(self, fault: obs.FaultHappened) -> None:
        """Keep which directions of a process's network are held."""
        held = set(self.cut.get(fault.target, ()))
        held = held | set(_directions(fault)) if fault.kind == "hold" else held - set(_directions(fault))
        self.cut.pop(fault.target, None)
        if held:
            self.cut[fault.target] = tuple(sorted(held))

    def _reckon(self, place: Place, time: int) -> None:
        """Open or close the outage of a place."""
        cut = place.frozen or any(place.held.values())
        if cut and place.outage is None and place.gone_at is None:
            place.outage = Outage(time)
            self.outages += 1
        elif place.outage is not None and (not cut or place.gone_at is not None):
            outage, place.outage = place.outage, None
            self.outages -= 1
            # Out of reach, then dead: it was never seen again.
            outage.until = time if place.gone_at is None else 1 << 62
            place.past.append(outage)
            place.reachable_since = time
            for callback in outage.when_over:
                callback(outage)

    def _worker_started(self, time: int, node: str, started: obs.WorkerStarted) -> None:
        name = node.partition("/")[0]
        place = self.places.get(name)
        if place is None:
            place = self.places[name] = Place(name, reachable_since=time)
        limit = started.max_sessions
        worker = Worker(
            node, started.identity, place, started.task_queue, started.resource_queue, limit, time, limit, time,
            host_queue=started.host_queue, idle_since=time,
        )  # fmt: skip
        place.workers.append(worker)
        self.workers[node] = worker
        if started.resource_queue:
            self.queues[started.resource_queue] = worker

    def _stopping(self, time: int, node: str, stopping: obs.WorkerStopping) -> None:
        worker = self.workers[node]
        worker.stopping_at, worker.stop_timeout = time, stopping.stop_timeout

    def _stopped(self, time: int, node: str, stopped: obs.WorkerStopped) -> None:
        self.workers[node].stopped_at = time

    def _forget_place(self, time: int, node: str, fault: obs.FaultHappened) -> None:
        place = self.places.get(fault.place)
        if place is None or place.gone_at is None:
            return
        del self.places[fault.place]
        for worker in place.workers:
            self.workers.pop(worker.node, None)
            touched = [*worker.holders.values(), *(session for _, session in worker.users.values())]
            worker.holders.clear()
            worker.users.clear()
            for session in touched:
                if session is None:
                    continue
                session.holders.pop(worker.node, None)
                session.running.pop(worker.node, None)
                self._forget(session.name)

    # -- runs and activities -----------------------------------------------------------------------------------------

    def _run_started(self, time: int, node: str, started: obs.WorkflowStarted) -> None:
        self.runs[started.run] = Run(started.run, started.workflow_id, started.task_queue, started.run_timeout, time)

    def _task_taken(self, time: int, node: str, o: obs.WorkflowTaskTaken) -> None:
        run = self.runs.get(o.run)
        if run is not None:
            run.task_of = o.identity

    def void(self, node: str, name: str) -> bool:
        """Whether what this worker's copy of a run's code does has no effect: the run is over, or another has its task."""
        run, worker = self.runs.get(name), self.workers.get(node)
        return run is None or worker is None or run.closed or run.task_of != worker.identity

    def _cancel_requested(self, time: int, node: str, request: obs.WorkflowCancelRequested) -> None:
        run = self.runs.get(request.run)
        if run is not None:
            run.cancel_requested = True

    def _run_closed(self, time: int, node: str, closed: obs.WorkflowClosed) -> None:
        run = self.runs.get(closed.run)
        if run is None:
            return
        run.closed = True
        for session in run.sessions.values():
            if session.ended_before is None:
                session.ended_before = self.asked

    def _forget_run(self, name: str) -> None:
        run = self.runs.get(name)
        if run is None:
            return
        run.activities.clear()
        for session in list(run.sessions.values()):
            self._forget(session.name)
        if not run.sessions:
            self.runs.pop(name, None)

    def _forget(self, name: str) -> None:
        session = self.sessions.get(name)
        if session is None or not session.run.closed or session.holders or session.running:
            return
        del self.sessions[name]
        run = session.run
        run.sessions.pop(name, None)
        if not run.sessions:
            self.runs.pop(run.name, None)

    def out_of_reach_since(self, worker: Worker) -> int | None:
        """Since when the worker does not run, or it and the server cannot talk; None while they can."""
        candidates = [self.server_down_since, worker.place.gone_at]
        if worker.place.outage is not None:
            candidates.append(worker.place.outage.since)
        return min((t for t in candidates if t is not None), default=None)

    def session_of_user(self, name: str, activity_type: str) -> Session | None:
        """The session that a user's activity belongs to; None for the framework's own activities."""
        if not name or activity_type in FRAMEWORK_ACTIVITIES:
            return None
        return self.sessions.get(name)

    def activity(self, run: str, ordinal: int) -> Activity | None:
        """An open activity of a session."""
        known = self.runs.get(run)
        return known.activities.get(ordinal) if known is not None else None

    def _scheduled(self, time: int, node: str, o: obs.ActivityScheduled) -> None:
        session = self.sessions.get(o.session) if o.session else None
        if session is not None:
            session.run.activities[o.ordinal] = Activity(o.ordinal, o.activity_type, o.task_queue, session, time)

    def _recorded(self, time: int, node: str, o: obs.AttemptRecorded) -> None:
        activity = self.activity(o.run, o.ordinal)
        if activity is not None:
            activity.started = True
            if activity.activity_type == CREATION_ACTIVITY:
                activity.session.started_at = time

    def _retried(self, time: int, node: str, o: obs.AttemptRetried) -> None:
        activity = self.activity(o.run, o.ordinal)
        if activity is not None:
            activity.started = False
            activity.ready_at = time + o.backoff

    def _activity_closed(self, time: int, node: str, o: obs.ActivityClosed) -> None:
        activity = self.activity(o.run, o.ordinal) if o.activity_type == CREATION_ACTIVITY else None
        if activity is not None:
            activity.session.creation_ended = o.how

    def _forget_activity(self, time: int, node: str, o: obs.ActivityClosed) -> None:
        run = self.runs.get(o.run)
        if run is not None:
            run.activities.pop(o.ordinal, None)

    # -- what runs on workers ----------------------------------------------------------------------------------------

    def _taken(self, time: int, node: str, o: obs.TokenTaken) -> None:
        worker, session = self.workers[node], self.sessions.get(o.session)
        worker.free = o.free
        if o.free <= 0:
            worker.free_since = None
        worker.holders[o.session, o.attempt] = session
        if session is not None:
            session.holders[node] = session.holders.get(node, 0) + 1
            if session.detached:
                session.taker = node

    def _returned(self, time: int, node: str, o: obs.TokenReturned) -> None:
        worker = self.workers[node]
        worker.free = o.free
        if o.free > 0 and worker.free_since is None:
            worker.free_since = time
        self._let_go(worker, o.session, o.attempt)

    def _let_go(self, worker: Worker, session: str, attempt: int) -> None:
        holder = worker.holders.pop((session, attempt), None)
        if holder is not None:
            _less(holder.holders, worker.node)

    def _began(self, time: int, node: str, o: obs.AttemptBegan) -> None:
        if o.activity_type in FRAMEWORK_ACTIVITIES:
            return
        session = self.sessions.get(o.session) if o.session else None
        self.workers[node].users[o.run, o.ordinal, o.attempt] = (o.label or o.activity_type, session)
        if session is not None:
            session.running[node] = session.running.get(node, 0) + 1

    def _ended(self, time: int, node: str, o: obs.AttemptEnded) -> None:
        worker = self.workers[node]
        user = worker.users.pop((o.run, o.ordinal, o.attempt), None)
        if user is None:
            return
        if not worker.users:
            worker.idle_since = time
        if user[1] is not None:
            _less(user[1].running, node)

    def _forget_attempt(self, time: int, node: str, o: obs.AttemptEnded) -> None:
        if o.activity_type == CREATION_ACTIVITY:
            # Over without having given its token back: nobody holds that one any more.
            self._let_go(self.workers[node], o.session, o.attempt)
        if o.session:
            self._forget(o.session)

    # -- sessions ----------------------------------------------------------------------------------------------------

    def _asked(self, time: int, node: str, o: seen.SessionAsked) -> None:
        known = self.sessions.get(o.session)
        if known is not None:
            # The workflow task was lost before it was committed, and is done again.
            known.asked_at = time
            return
        run = self.runs.get(o.run)
        if run is None:
            return
        session = Session(
            o.session, run, self.asked, time, o.task_queue, o.recreated, o.creation_timeout, o.execution_timeout, o.heartbeat_timeout
        )  # fmt: skip
        before = self.sessions.get(o.instead_of) if o.instead_of else None
        if before is not None:
            # The same call, which began then.
            session.asked_at = before.asked_at
        self.asked += 1
        self.sessions[o.session] = run.sessions[o.session] = session

    def _created(self, time: int, node: str, o: seen.SessionCreated) -> None:
        session = self.sessions.get(o.session)
        if session is not None:
            session.state = State.OPEN
            session.created_at = time
            session.bound_queue = o.task_queue
            session.worker = self.queues.get(o.task_queue)
            session.execution_ends = session.started_at + min(t for t in (session.execution_timeout, session.run.bound) if t)
            session.host_queue = session.worker.host_queue if session.worker is not None else ""

    def _detached(self, time: int, node: str, o: seen.SessionDetached) -> None:
        session = self.sessions.get(o.session)
        if session is not None:
            session.detached, session.taker = True, ""

    def _reattached(self, time: int, node: str, o: seen.SessionReattached) -> None:
        session = self.sessions.get(o.session)
        if session is not None:
            session.detached = False
            session.created_at = time
            session.bound_queue = o.task_queue
            session.worker = self.queues.get(o.task_queue)

    def _not_created(self, time: int, node: str, o: seen.SessionNotCreated) -> None:
        session = self.sessions.get(o.session)
        if session is not None:
            session.state = State.NOT_CREATED
            session.ended_before = self.asked

    def _changed(self, time: int, node: str, o: seen.SessionStateChanged) -> None:
        session = self.sessions.get(o.session)
        if session is None:
            return
        session.state = State(o.after)
        if session.state is State.FAILED:
            session.failed_at = time
        if session.state is State.OPEN:
            session.ended_before = None
        elif session.ended_before is None:
            session.ended_before = self.asked

    def _completing(self, time: int, node: str, o: seen.SessionCompleteCalled) -> None:
        session = self.sessions.get(o.session)
        if session is None:
            return
        session.complete_called = True
        if o.state == State.OPEN.value:
            session.completing_at = time

    def _context_done(self, time: int, node: str, o: seen.SessionContextDone) -> None:
        session = self.sessions.get(o.session)
        if session is not None:
            session.context_done = True
