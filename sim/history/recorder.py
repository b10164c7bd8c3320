"""The recorder: turns what runs write into numbered histories, and our names into ids of the shape Temporal gives.

Runs speak of activities and timers by ordinal, and of runs, sessions and queues by readable names. The recorder listens
to `Wrote`, counts the events of each run and finds the event ids that an event refers to. Names are translated only on
export, by `Names`: the id of a name is a draw from the seed, so it is the same wherever the name appears.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from sim.history.events import (
    ActivityTaskCanceled,
    ActivityTaskCancelRequested,
    ActivityTaskCompleted,
    ActivityTaskFailed,
    ActivityTaskScheduled,
    ActivityTaskStarted,
    ActivityTaskTimedOut,
    Event,
    MarkerRecorded,
    TimerCanceled,
    TimerFired,
    TimerStarted,
    WorkflowExecutionCanceled,
    WorkflowExecutionCompleted,
    WorkflowExecutionContinuedAsNew,
    WorkflowExecutionFailed,
    WorkflowExecutionSignaled,
    WorkflowTaskCompleted,
    WorkflowTaskFailed,
    WorkflowTaskScheduled,
    WorkflowTaskStarted,
    WorkflowTaskTimedOut,
    Written,
    Wrote,
)
from sim.model.draws import draw

# The three fields of the creation activity's signal and what the Go SDK calls them.
_BINDING: Final = {"task_queue": "Taskqueue", "host_name": "HostName", "resource_id": "ResourceID"}

# What the signal of a host session has beside them.
_HOST_BINDING: Final = {**_BINDING, "host_queue": "HostQueue", "epoch": "Epoch"}

# How a recreate token starts, as bytes and in base64 (twelve bytes are sixteen whole characters).
_TOKEN: Final = b'{"Taskqueue"'
_TOKEN_BASE64: Final = base64.b64encode(_TOKEN).decode()

_CREATION_QUEUE_SUFFIX: Final = "__internal_session_creation"
_HOST_QUEUE_SUFFIX: Final = "__internal_session_host"


class Names:
    """Ids for our names: uuids drawn from the seed, or with `plain` the names themselves.

    Runs, requests and sticky queues are told apart by where they stand. Sessions ("w1/1/s1") and queues of session
    workers ("A.1@host-a") also travel in payloads, so their names have to be learned: any other text is left alone.
    """

    __slots__ = ("_of_run", "_resources", "_sessions", "plain", "seed")

    def __init__(self, seed: int, plain: bool = False) -> None:
        self.seed: Final = seed
        self.plain: Final = plain
        self._sessions: set[str] = set()
        self._of_run: dict[str, list[str]] = {}
        """Known sessions by run, so that forgetting a run costs no search."""
        self._resources: set[str] = set()
        """Known queues of session workers."""

    # -- learning ---------------------------------------------------------------------------------------------------

    def learn_session(self, session: str, run: str) -> None:
        """From now on this text is a session of `run`, wherever it stands."""
        if session not in self._sessions:
            self._sessions.add(session)
            self._of_run.setdefault(run, []).append(session)

    def learn_resource(self, queue: str) -> None:
        """From now on this text is the queue of a session worker; without an "@" it cannot be one."""
        if "@" in queue and not queue.endswith((_CREATION_QUEUE_SUFFIX, _HOST_QUEUE_SUFFIX)):
            self._resources.add(queue)

    def forget(self, run: str) -> None:
        """Drop the sessions of a run. Workers outlive runs, so their queues stay known."""
        self._sessions.difference_update(self._of_run.pop(run, ()))

    # -- ids --------------------------------------------------------------------------------------------------------

    def uuid(self, entity: str, n: int = 1) -> str:
        """The n-th uuid (from 1) of this entity, in the shape of version 4."""
        high, low = (draw(self.seed, "uuid", entity, ordinal) for ordinal in (2 * n - 1, 2 * n))
        return str(UUID(int=high << 64 | low, version=4))

    def run(self, run: str) -> str:
        """The run id; empty for no run."""
        return run if self.plain or not run else self.uuid(f"run/{run}")

    def request(self, run: str, event_id: int) -> str:
        """The id of the request that made this event."""
        return f"{run}#{event_id}" if self.plain else self.uuid(f"request/{run}", event_id)

    def session(self, session: str) -> str:
        """The session id, or the text as it is when it is no known session."""
        return self.uuid(f"session/{session}") if not self.plain and session in self._sessions else session

    def resource_id(self, resource: str) -> str:
        """The id of a session worker's resource, the part of its queue's name before the "@"."""
        return resource if self.plain else self.uuid(f"resource/{resource}")

    def queue(self, queue: str) -> str:
        """The name of a task queue: `<uuid>@<host>` for the queue of a session worker, any other as it is."""
        if self.plain or queue not in self._resources:
            return queue
        resource, _, host = queue.rpartition("@")
        return f"{self.resource_id(resource)}@{host}"

    def sticky(self, queue: str) -> str:
        """The name of a sticky queue, `<host>:<uuid>`."""
        host, colon, _ = queue.partition(":")
        return queue if self.plain or not colon else f"{host}:{self.uuid(f'sticky/{queue}')}"

    # -- payloads ---------------------------------------------------------------------------------------------------

    def translate(self, value: object) -> object:
        """A payload as plain JSON data, with the names in it translated. Bytes inside it become base64 text, as in Go.

        A set becomes a list in no fixed order, so payloads should hold none. Raises TypeError for what has no JSON form.
        """
        return self._walk(msgspec.to_builtins(_as_binding(value), builtin_types=(bytes,), str_keys=True))

    def token(self, data: bytes) -> bytes:
        """A recreate token with its queue translated; other bytes as they are."""
        if self.plain or not data.startswith(_TOKEN):
            return data
        try:
            content = json.loads(data)
        except ValueError:
            return data
        return msgspec.json.encode(self._walk(content))

    def _walk(self, value: object) -> object:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bytes):
            return base64.b64encode(self.token(value)).decode()
        if isinstance(value, list | tuple):
            return [self._walk(item) for item in value]
        if isinstance(value, dict):
            # Only a binding names a resource outside a queue's name; the text alone might be anything.
            bound = not self.plain and value.keys() in (set(_BINDING.values()), set(_HOST_BINDING.values()))
            return {
                key: self.resource_id(item) if bound and key == "ResourceID" and isinstance(item, str) else self._walk(item)
                for key, item in value.items()
            }
        return value

    def _text(self, text: str) -> str:
        if text in self._sessions:
            return self.session(text)
        if text in self._resources:
            return self.queue(text)
        if text.startswith(_TOKEN_BASE64):
            try:
                return base64.b64encode(self.token(base64.b64decode(text, validate=True))).decode()
            except binascii.Error:
                return text
        return self.token(text.encode()).decode() if text.startswith(_TOKEN.decode()) else text


def _as_binding(payload: object) -> object:
    """The signal of a creation activity with the field names of the Go SDK; any other payload as it is."""
    for names in (_BINDING, _HOST_BINDING):
        if getattr(payload, "__struct_fields__", ()) == tuple(names):
            return {theirs: getattr(payload, ours) for ours, theirs in names.items()}
    return payload


class Links(Struct, frozen=True):
    """Ids of the events that an event refers to, 0 for none.

    `scheduled` and `started` belong to the activity, workflow task or timer that the event is about, `completed` is the
    WorkflowTaskCompleted that asked for it, `cancel_requested` the ActivityTaskCancelRequested before an
    ActivityTaskCanceled.
    """

    scheduled: int = 0
    started: int = 0
    completed: int = 0
    cancel_requested: int = 0


class Recorded(Struct, frozen=True):
    """A numbered event. `time` is in microseconds of the server's clock."""

    event_id: int
    time: int
    event: Event
    links: Links = Links()


class ActivityIds(Struct):
    """Event ids of one activity, 0 for what has not happened; `identity` of the worker that closed it."""

    scheduled: int
    activity_type: str
    started: int = 0
    cancel_requested: int = 0
    identity: str = ""

    @property
    def activity_id(self) -> str:
        """The Go SDK predicts the id of the ActivityTaskScheduled event and uses that."""
        return str(self.scheduled)


class RecordedRun:
    """The history of one run so far."""

    __slots__ = ("_completed", "_task_scheduled", "_task_started", "activities", "events", "names", "run", "timers")

    def __init__(self, run: str, names: Names) -> None:
        self.run: Final = run
        self.names: Final = names
        self.events: list[Recorded] = []
        self.activities: dict[int, ActivityIds] = {}
        """By ordinal."""
        self.timers: dict[int, int] = {}
        """Ids of the TimerStarted events, by ordinal; the Go SDK uses them as timer ids."""
        self._task_scheduled = 0
        self._task_started = 0
        self._completed = 0

    def add(self, written: Written) -> Recorded:
        """Number an event and link it; ValueError when it refers to something the history does not have."""
        event_id = len(self.events) + 1
        recorded = Recorded(event_id, written.time, written.event, self._links(event_id, written.event))
        self.events.append(recorded)
        return recorded

    def _links(self, event_id: int, event: Event) -> Links:
        match event:
            case WorkflowTaskScheduled() | WorkflowTaskStarted() | WorkflowTaskCompleted() | WorkflowTaskFailed() | WorkflowTaskTimedOut():
                return self._task_links(event_id, event)
            case ActivityTaskScheduled(command=command):
                self._learn(command.session, command.task_queue)
                self.activities[command.ordinal] = ActivityIds(event_id, command.activity_type)
                return Links(completed=self._need_task(event))
            case ActivityTaskCancelRequested(ordinal=ordinal):
                activity = self._activity(ordinal, event)
                activity.cancel_requested = event_id
                return Links(activity.scheduled, completed=self._need_task(event))
            case ActivityTaskStarted() | ActivityTaskCompleted() | ActivityTaskFailed() | ActivityTaskTimedOut() | ActivityTaskCanceled():
                return self._activity_links(event_id, event)
            case TimerStarted(ordinal=ordinal):
                self.timers[ordinal] = event_id
                return Links(completed=self._need_task(event))
            case TimerFired(ordinal=ordinal):
                return Links(started=self._timer(ordinal, event))
            case TimerCanceled(ordinal=ordinal):
                return Links(started=self._timer(ordinal, event), completed=self._need_task(event))
            case WorkflowExecutionSignaled():
                self._learn_from_signal(event)
                return Links()
            case (
                MarkerRecorded()
                | WorkflowExecutionCompleted()
                | WorkflowExecutionFailed()
                | WorkflowExecutionCanceled()
                | WorkflowExecutionContinuedAsNew()
            ):
                return Links(completed=self._need_task(event))
            case _:
                return Links()

    def _task_links(self, event_id: int, event: Event) -> Links:
        if isinstance(event, WorkflowTaskScheduled):
            self._task_scheduled, self._task_started = event_id, 0
            return Links()
        if not self._task_scheduled:
            raise self._lost(event, "a workflow task", "none was scheduled")
        if isinstance(event, WorkflowTaskStarted):
            self._task_started = event_id
            return Links(self._task_scheduled)
        if not self._task_started and not isinstance(event, WorkflowTaskTimedOut):
            raise self._lost(event, "a workflow task", "it was not started")
        if isinstance(event, WorkflowTaskCompleted):
            self._completed = event_id
        return Links(self._task_scheduled, self._task_started)

    def _activity_links(
        self,
        event_id: int,
        event: ActivityTaskStarted | ActivityTaskCompleted | ActivityTaskFailed | ActivityTaskTimedOut | ActivityTaskCanceled,
    ) -> Links:
        activity = self._activity(event.ordinal, event)
        if isinstance(event, ActivityTaskStarted):
            activity.started = event_id
            return Links(activity.scheduled)
        if isinstance(event, ActivityTaskTimedOut | ActivityTaskCanceled) and not event.started:
            activity.started = 0
        elif not activity.started:
            raise self._lost(event, f"activity {event.ordinal}", "it was not started")
        canceled = isinstance(event, ActivityTaskCanceled)
        if not isinstance(event, ActivityTaskTimedOut):
            activity.identity = event.identity
        return Links(activity.scheduled, activity.started, cancel_requested=activity.cancel_requested if canceled else 0)

    def _activity(self, ordinal: int, event: Event) -> ActivityIds:
        if ordinal not in self.activities:
            raise self._lost(event, f"activity {ordinal}", "it was not scheduled")
        return self.activities[ordinal]

    def _timer(self, ordinal: int, event: Event) -> int:
        if ordinal not in self.timers:
            raise self._lost(event, f"timer {ordinal}", "it was not started")
        return self.timers[ordinal]

    def _need_task(self, event: Event) -> int:
        if not self._completed:
            raise self._lost(event, "a completed workflow task", "there is none")
        return self._completed

    def _lost(self, event: Event, what: str, why: str) -> ValueError:
        return ValueError(f"event {len(self.events) + 1} of run {self.run} ({type(event).__name__}) refers to {what}, but {why}")

    def _learn(self, session: str, queue: str) -> None:
        # Whatever belongs to a session runs on its worker's queue, but for a creation on the queue for creations.
        if session:
            self.names.learn_session(session, self.run)
            self.names.learn_resource(queue)

    def _learn_from_signal(self, signal: WorkflowExecutionSignaled) -> None:
        payload = _as_binding(signal.payload)
        if isinstance(payload, dict) and payload.keys() >= set(_BINDING.values()):
            self.names.learn_resource(str(payload["Taskqueue"]))


class Recorder:
    """Keeps the histories of the runs of one simulation.

    It is called with each `Wrote` as it happens: `recorder(time, node, wrote)`, time in microseconds. A run may be
    exported at any moment, and forgotten once it has been.

    Args:
        seed: fixes all ids; the simulation's seed.
        plain: keep our readable names instead of uuids, for stories and for comparing texts.
    """

    __slots__ = ("_runs", "names")

    def __init__(self, seed: int, plain: bool = False) -> None:
        self.names: Final = Names(seed, plain)
        self._runs: dict[str, RecordedRun] = {}

    def __call__(self, time: int, node: str, wrote: Wrote) -> None:
        """Append events to a run's history; ValueError when one refers to something the history does not have.

        The events carry their own times (a start is written later than it happened), so `time` is not used.
        """
        run = self._runs.get(wrote.run)
        if run is None:
            run = self._runs[wrote.run] = RecordedRun(wrote.run, self.names)
        for written in wrote.events:
            run.add(written)

    def __iter__(self) -> Iterator[RecordedRun]:
        """The runs that are not forgotten, in the order in which they began."""
        return iter(tuple(self._runs.values()))

    def __getitem__(self, run: str) -> RecordedRun:
        """The history of a run; KeyError when it never wrote or was forgotten."""
        return self._runs[run]

    def __contains__(self, run: object) -> bool:
        return run in self._runs

    def forget(self, run: str) -> None:
        """Drop a run's history, to free the memory; nothing happens when there is none."""
        if self._runs.pop(run, None) is not None:
            self.names.forget(run)
