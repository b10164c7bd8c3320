"""Follows a run beside the recording, and stops it at the first event that the recording does not have there."""

from __future__ import annotations

from typing import Any, Final

from sim.evidence.recording import At, Recording, RunRecord
from sim.history import events as ev
from sim.history.events import Wrote
from sim.history.recorder import Recorded, Recorder
from sim.protocol import observations as obs
from sim.simulator.simulation import Simulation

TOLERANCE: Final = 100_000
"""By how much the time of an event may differ from the recorded one, microseconds."""


class Diverged(Exception):
    """A run went another way than the recording: at this event of this run, the recording has `recorded`, the run `ours`.

    `at`: the scenario's time at which they part. `progress`: how many events were as recorded. `starters`: if a task was
    started by another worker than the recorded one, both identities; then `activity` is the id of its ActivityTaskScheduled
    event, 0 for a workflow task, and `task_run` its run. `due`: when the recorded event was written, if that was before `at`.
    """

    def __init__(
        self,
        run: str,
        event_id: int,
        recorded: str,
        ours: str,
        at: int,
        progress: int,
        starters: tuple[str, str] | None = None,
        activity: int = 0,
        task_run: str = "",
    ) -> None:
        super().__init__(f"{run}, event {event_id}: recorded {recorded}, and the run has {ours}")
        self.run = run
        self.event_id = event_id
        self.recorded = recorded
        self.ours = ours
        self.at = at
        self.progress = progress
        self.starters = starters
        self.activity = activity
        self.task_run = task_run or run
        self.due = at


class Follower:
    """Keeps the histories of a run (`recorder`) and compares each event as it is written."""

    def __init__(self, recording: Recording, seed: int) -> None:
        self.recording = recording
        self.recorder = Recorder(seed)
        self.progress = 0
        """Events that were as recorded."""

    def attach(self, simulation: Simulation) -> None:
        simulation.listen(Wrote, self._wrote)
        simulation.listen(obs.AttemptRecorded, self._started)

    def written(self, run: str) -> int:
        """How many events a run has."""
        return len(self.recorder[run].events) if run in self.recorder else 0

    def scheduled_id(self, run: str, ordinal: int) -> int:
        """The id of an activity's ActivityTaskScheduled event; 0 when it has none yet."""
        activity = self.recorder[run].activities.get(ordinal) if run in self.recorder else None
        return activity.scheduled if activity is not None else 0

    def _wrote(self, time: int, node: str, wrote: Wrote) -> None:
        before = self.written(wrote.run)
        self.recorder(time, node, wrote)
        for recorded in self.recorder[wrote.run].events[before:]:
            self._compare(wrote.run, recorded, time)
            self.progress += 1

    def _compare(self, run: str, ours: Recorded, now: int) -> None:
        record = self.recording.runs.get(run)
        theirs = record.events[ours.event_id - 1] if record is not None and ours.event_id <= len(record.events) else None
        said = _told(At(ours.event_id, ours.time, ours.event), self.recording.offset)
        if theirs is None:
            recorded = "no more events" if record is not None else "no such run"
            raise self._first(Diverged(run, ours.event_id, recorded, said, now, self.progress))
        same = facts(theirs.event) == facts(ours.event) and theirs.scheduled == ours.links.scheduled
        if not same or abs(theirs.time - ours.time) > TOLERANCE:
            starters, activity = self._starters(theirs.event, ours.event, self.recording.runs[run])
            told = _told(theirs, self.recording.offset)
            raise self._first(Diverged(run, ours.event_id, told, said, now, self.progress, starters, activity))

    def _starters(self, theirs: Any, ours: Any, record: RunRecord) -> tuple[tuple[str, str] | None, int]:
        """Who started the task that brought an event, recorded and in the run, and whose task it was (0: a workflow task)."""
        match theirs, ours:
            case ev.WorkflowTaskStarted(identity=one), ev.WorkflowTaskStarted(identity=other):
                return (one, other), 0
            case ev.WorkflowExecutionSignaled(name=name, identity=one), ev.WorkflowExecutionSignaled(identity=other) if (
                activity := record.creation(name)
            ):
                who = tuple(self.recording.only_worker_on(host_of(identity)) for identity in (one, other))
                return (who[0], who[1]) if all(who) else None, activity
            case _:
                return None, 0

    def _first(self, diverged: Diverged) -> Diverged:
        """An event that should have been there before, if there is one: then it is there that the run parts from the recording."""
        own = self.recording.runs.get(diverged.run)
        if own is not None and diverged.event_id <= len(own.events):
            # One that comes late parted from the recording when it was due.
            due = own.due(diverged.event_id - 1)
            if due + TOLERANCE < diverged.at:
                diverged.at, diverged.due = due + TOLERANCE, due
        missing = []
        for run, record in self.recording.runs.items():
            index = self.written(run) if run != diverged.run else min(self.written(run), diverged.event_id - 1)
            if index < len(record.events) and (run, index + 1) != (diverged.run, diverged.event_id):
                missing.append((record.due(index), run, record.events[index]))
        first, run, at = min(missing, key=lambda entry: entry[0], default=(diverged.at, "", None))
        if at is None or first + TOLERANCE >= diverged.at or first >= diverged.due:
            return diverged
        told = _told(at, self.recording.offset)
        ours = f"no such event until {(first + TOLERANCE - self.recording.offset) / 1e6:.3f} s"
        task = diverged.starters, diverged.activity, diverged.task_run
        found = Diverged(run, at.event_id, told, ours, first + TOLERANCE, self.progress, *task)
        found.due = first
        return found

    def _started(self, time: int, node: str, started: obs.AttemptRecorded) -> None:
        """The start of an attempt is written only with its end, but it is known now whose it is."""
        record = self.recording.runs.get(started.run)
        event_id = self.scheduled_id(started.run, started.ordinal)
        activity = record.activities.get(event_id) if record is not None else None
        if activity is None or activity.started is None or activity.attempt != started.attempt:
            self._started_as_logged(time, started, event_id)
            return
        theirs = activity.started.event
        assert isinstance(theirs, ev.ActivityTaskStarted)
        if theirs.identity != started.identity or abs(activity.started.time - time) > TOLERANCE:
            at = (time - self.recording.offset) / 1e6
            ours = f"a start of attempt {started.attempt} by {started.identity} at {at:.3f} s"
            told = _told(activity.started, self.recording.offset)
            starters = theirs.identity, started.identity
            raise self._first(Diverged(started.run, activity.started.event_id, told, ours, time, self.progress, starters, event_id))

    def _started_as_logged(self, time: int, started: obs.AttemptRecorded, event_id: int) -> None:
        """Of an attempt that the history does not name a worker's log may say where it ran."""
        logged = self.recording.attempts.get((started.run, event_id, started.attempt))
        if logged is None:
            return
        if logged.worker != started.identity or (logged.begin is not None and time > logged.begin + TOLERANCE):
            at = (time - self.recording.offset) / 1e6
            begun = f", begun at {(logged.begin - self.recording.offset) / 1e6:.3f} s" if logged.begin is not None else ""
            told = f"attempt {started.attempt} of the activity scheduled by event {event_id} on {logged.worker}{begun}"
            ours = f"on {started.identity}, started at {at:.3f} s"
            raise Diverged(
                started.run, self.written(started.run) + 1, told, ours, time, self.progress, (logged.worker, started.identity), event_id
            )

    def finish(self) -> None:
        """The run is over: everything recorded has to be there.

        Raises:
            Diverged: the earliest event that is missing.
        """
        missing = [
            (record.due(self.written(run)), run) for run, record in self.recording.runs.items() if self.written(run) < len(record.events)
        ]
        if missing:
            due, run = min(missing)
            first = self.recording.runs[run].events[self.written(run)]
            raise Diverged(run, first.event_id, _told(first, self.recording.offset), "no such event", due, self.progress)


_COMPARED: Final = ("attempt", "retry_state", "started", "sticky", "cause", "timeout_type", "duration", "activity_type", "inline")


def facts(event: ev.Event | ev.OtherEvent) -> tuple[Any, ...]:
    """What two events have in common when one follows the other, whatever they are called."""
    found = tuple(getattr(event, name, None) for name in _COMPARED)
    match event:
        case ev.WorkflowTaskScheduled(task_queue=queue):
            return (type(event), *found, _host(queue))
        case ev.ActivityTaskScheduled(command=command):
            return (type(event), *found, command.activity_type, _host(command.task_queue))
        case ev.WorkflowExecutionSignaled(identity=identity):
            return (type(event), *found, host_of(identity))
        case ev.WorkflowExecutionStarted():
            return (type(event), *found)
        case ev.OtherEvent(kind=kind):
            return (type(event), kind)
        case _:
            return (type(event), *found, getattr(event, "identity", None))


def host_of(identity: str) -> str:
    """The host of the creation activity that sent a signal: its client is called PID@HOST@; "" of any other signal."""
    return identity.rpartition("@")[0].rpartition("@")[2] if identity.endswith("@") else ""


def _host(queue: str) -> str:
    """A queue's name without what is drawn in it."""
    if "@" in queue:
        return "@" + queue.rpartition("@")[2]
    return queue.partition(":")[0] + ":" if ":" in queue else queue


def _told(at: At, offset: int) -> str:
    """An event in a few words, with what tells it from others like it."""
    event = at.event
    name = event.kind if isinstance(event, ev.OtherEvent) else type(event).__name__
    extra = [
        f"{key} {_word(getattr(event, key))}" for key in ("attempt", "retry_state", "timeout_type", "cause") if getattr(event, key, None)
    ]
    identity = getattr(event, "identity", "")
    if isinstance(event, ev.ActivityTaskScheduled):
        extra.append(f"{event.command.activity_type} on {event.command.task_queue}")
    by = f" by {identity}" if identity else ""
    details = f" ({', '.join(extra)})" if extra else ""
    return f"{name}{details}{by} at {(at.time - offset) / 1e6:.3f} s"


def _word(value: object) -> str:
    return str(getattr(value, "name", value))
