"""How sessions were completed, told from histories: the variants of scenario 1 (P7).

1a: the completion activity's result came first, and the creation activity's before the workflow task started. 1b: the creation
activity's came first. 1c: it came while the closing workflow task was started, whose close was refused. 1d: after the close.
1e: a heartbeat told the creation activity first that it was cancelled. LATER: its result came during a workflow task, or after
one, that did not close the workflow.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from sim.history import events as ev
from sim.history.temporal_reader import History
from sim.workflow.sessions import COMPLETION_ACTIVITY, CREATION_ACTIVITY, FRAMEWORK_ACTIVITIES

CLOSES = (
    ev.WorkflowExecutionCompleted, ev.WorkflowExecutionFailed, ev.WorkflowExecutionCanceled, ev.WorkflowExecutionContinuedAsNew,
)  # fmt: skip


class Variant(Enum):
    """A variant of scenario 1."""

    A = "1a"
    B = "1b"
    C = "1c"
    D = "1d"
    E = "1e"
    LATER = "later"


def completions(history: History) -> Iterator[Variant]:
    """The variant of every completion whose completion activity succeeded, and whose creation activity nobody failed."""
    kinds: dict[int, tuple[str, str]] = {}
    closed: dict[int, tuple[int, type]] = {}
    for read in history.events:
        match read.event:
            case ev.ActivityTaskScheduled(command) if command.activity_type in FRAMEWORK_ACTIVITIES:
                kinds[command.ordinal] = (command.activity_type, str(command.input))
            case (
                ev.ActivityTaskCompleted(ordinal=ordinal) | ev.ActivityTaskFailed(ordinal=ordinal)
                | ev.ActivityTaskTimedOut(ordinal=ordinal) | ev.ActivityTaskCanceled(ordinal=ordinal)
            ):  # fmt: skip
                closed[ordinal] = (read.event_id, type(read.event))
            case _:
                pass
    creations = {session: ordinal for ordinal, (kind, session) in kinds.items() if kind == CREATION_ACTIVITY}
    for ordinal, (kind, session) in kinds.items():
        done = closed.get(ordinal)
        if kind == COMPLETION_ACTIVITY and done is not None and done[1] is ev.ActivityTaskCompleted and session in creations:
            variant = _variant(history, done[0], closed.get(creations[session]))
            if variant is not None:
                yield variant


def _variant(history: History, done: int, creation: tuple[int, type] | None) -> Variant | None:
    if creation is None:
        return Variant.D if isinstance(history.events[-1].event, CLOSES) else None
    if creation[1] is ev.ActivityTaskCanceled:
        return Variant.E
    if creation[1] is not ev.ActivityTaskCompleted:
        return None
    if creation[0] < done:
        return Variant.B
    between = [read.event for read in history.events if done < read.event_id < creation[0]]
    if any(isinstance(event, ev.WorkflowTaskFailed) and event.cause == "UNHANDLED_COMMAND" for event in between):
        return Variant.C
    return Variant.LATER if any(isinstance(event, ev.WorkflowTaskStarted) for event in between) else Variant.A
