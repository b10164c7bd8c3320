"""The protocol's moments by readable name: where faults and observations meet."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, Final

from sim.faults.moments import Moment, Moments, own_fields
from sim.history import events as ev
from sim.model.inputs import Name
from sim.protocol import observations as obs
from sim.workflow import seen
from sim.workflow.session_info import SessionState
from sim.workflow.sessions import COMPLETION_ACTIVITY, CREATION_ACTIVITY

EXTRA: Final = ("workflow", "worker")
"""Fields that every sighting has besides the observation's own."""


def _workflow_of(run: str) -> str:
    """`server/run/<workflow>/<number>` -> the workflow's id."""
    parts = run.split("/")
    return parts[2] if len(parts) > 3 else ""


def process_of(node: Name) -> str:
    """The process of a worker's node, "" for a node of the server."""
    return node.partition("/")[0].rpartition(".")[0]


def read_fields(node: Name, observation: object) -> Iterable[Mapping[str, Any]]:
    """The observation's fields, and which workflow and worker it is about."""
    worker = node.partition("/")[2] if process_of(node) else ""
    for fields in own_fields(node, observation):
        yield {"workflow": _workflow_of(str(fields.get("run", ""))), "worker": worker, **fields}


def read_events(event: type) -> Any:
    """A reader of `Wrote` that sees the history events of one class."""

    def read(node: Name, observation: object) -> Iterable[Mapping[str, Any]]:
        assert isinstance(observation, ev.Wrote)
        for written in observation.events:
            if type(written.event) is event:
                names: tuple[str, ...] = getattr(event, "__struct_fields__", ())
                fields = {name: getattr(written.event, name) for name in names}
                command = fields.get("command")
                if command is not None:
                    fields |= {"activity_type": command.activity_type, "session": command.session, "task_queue": command.task_queue}
                yield {"workflow": _workflow_of(observation.run), "worker": "", "run": observation.run, **fields}

    return read


def _classes(module: ModuleType) -> dict[str, type]:
    return {
        n: c for n, c in vars(module).items() if inspect.isclass(c) and c.__module__ == module.__name__ and hasattr(c, "__struct_fields__")
    }


OBSERVATIONS: Final[dict[str, type]] = {name: c for name, c in (_classes(obs) | _classes(seen)).items() if hasattr(c, "sentence")}
"""What has no sentence is no observation: it holds the fields that several share."""

EVENTS: Final[dict[str, type]] = {name: c for name, c in _classes(ev).items() if name not in ("Wrote", "Written")}

_SCA: Final = {"activity_type": CREATION_ACTIVITY}
_SKA: Final = {"activity_type": COMPLETION_ACTIVITY}

_NAMED: Final[tuple[tuple[str, type, Mapping[str, Any], str], ...]] = (
    ("workflow started", obs.WorkflowStarted, {}, "a run begins on the server"),
    ("workflow closed", obs.WorkflowClosed, {}, "a run ends on the server"),
    ("session asked for", seen.SessionAsked, {}, "CreateSession or RecreateSession is called"),
    ("creation scheduled", obs.ActivityScheduled, _SCA, "the server has the creation activity"),
    ("creation activity started", obs.AttemptRecorded, _SCA, "the server records the start of the creation activity"),
    ("creation activity runs", obs.AttemptBegan, _SCA, "the creation activity begins on its worker"),
    ("creation retried", obs.AttemptRetried, _SCA, "an attempt of the creation activity failed, another will follow"),
    ("session token taken", obs.TokenTaken, {}, "a creation activity takes a slot of its worker; the signal is sent now"),
    ("session token returned", obs.TokenReturned, {}, "a creation activity frees its slot"),
    ("session heartbeat recorded", obs.HeartbeatRecorded, {}, "the server records a heartbeat of a session"),
    ("binding seen by the workflow", seen.SessionCreated, {}, "CreateSession returns: the workflow knows its worker"),
    ("session not created", seen.SessionNotCreated, {}, "CreateSession returns an error"),
    ("session failed", seen.SessionStateChanged, {"after": SessionState.FAILED.value}, "workflow code learns that its session failed"),
    ("session closed", seen.SessionStateChanged, {"after": SessionState.CLOSED.value}, "CompleteSession has closed a session"),
    ("completion called", seen.SessionCompleteCalled, {}, "CompleteSession is called"),
    ("completion scheduled", obs.ActivityScheduled, _SKA, "the server has the completion activity"),
    ("completion activity runs", obs.AttemptBegan, _SKA, "the completion activity begins on its worker"),
    ("activity scheduled", obs.ActivityScheduled, {}, "the server has an activity"),
    ("activity started", obs.AttemptRecorded, {}, "the server records the start of an attempt"),
    ("activity runs", obs.AttemptBegan, {}, "an attempt begins on its worker"),
    ("activity ends", obs.AttemptEnded, {}, "an attempt ends on its worker"),
    ("worker started", obs.WorkerStarted, {}, "a worker begins to poll"),
    ("worker stopping", obs.WorkerStopping, {}, "a graceful stop begins"),
    ("worker stopped", obs.WorkerStopped, {}, "a graceful stop is over"),
)

MOMENTS: Final = Moments(
    [Moment(name, kind, where, sentence, read_fields) for name, kind, where, sentence in _NAMED]
    + [Moment("signal sent", ev.Wrote, {}, "the server writes a signal into a history", read_events(ev.WorkflowExecutionSignaled))]
)
"""All moments by name."""


def observed(name: str) -> Moment:
    """Any observation or history event by its class's name, as a moment. Raises KeyError when there is no such class."""
    if name in OBSERVATIONS:
        return Moment(name, OBSERVATIONS[name], {}, "", read_fields)
    return Moment(name, ev.Wrote, {}, "", read_events(EVENTS[name]))


def fields_of(moment: Moment) -> list[str]:
    """What `where` may ask of a moment."""
    if moment.observation is ev.Wrote:
        event = EVENTS.get(moment.name, ev.WorkflowExecutionSignaled)
        return [*EXTRA, "run", *getattr(event, "__struct_fields__", ()), "activity_type", "session", "task_queue"]
    return [*EXTRA, *getattr(moment.observation, "__struct_fields__", ())]
