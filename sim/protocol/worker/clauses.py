"""What a worker does on an input, as stories of the checker say it (`Node.clause`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.model.inputs import Fault, Fired, Input, Tag
from sim.protocol.names import run_label
from sim.protocol.worker.pollers import State

if TYPE_CHECKING:
    from sim.protocol.worker.attempts import Key
    from sim.protocol.worker.node import Worker

_OF_ATTEMPTS: Final = {
    "begin": "begins {}",
    "deadline": "the deadline of {} is over",
    "door": "{} has waited for a slot as long as it may",
    "end": "the work of {} is done",
    "lease": "the lease of {} is over",
    "pulse": "{} records a heartbeat",
    "send": "{} tells how it ended",
    "tick": "{} is to heartbeat",
    "wake": "the goroutine of {} goes on",
    "window": "{} may heartbeat again",
}
"""By the first word of a timer's tag."""
_CALLS: Final = {
    "beat": "heartbeat",
    "info": "question for system information",
    "respond": "result",
    "signal": "signal of the binding",
    "write": "write",
}


def clause(worker: Worker, event: Input) -> str:
    """What it does, empty where the input's own words will do."""
    match event:
        case Fired(tag=("budget", tuple(call))):
            return f"gets no answer in time to {_call(worker, call)}"
        case Fired(tag=("again", tuple(call))):
            return f"sends once more {_call(worker, call)}"
        case Fired(tag=("workflow task", str(run), _)):
            return f"completes a workflow task of {run_label(run)}"
        case Fired(tag=("poll", str() as kind, int() as index)):
            polls = worker.pollers.find(("poll", kind, index)).state is State.POLLING
            return "gets no answer in time to a poll" if polls else "a poller goes on after an error"
        case Fired(tag=("stop",)):
            return "its stop has waited as long as it may"
        case Fired(tag=(str(what), str(run), int(ordinal), int(attempt))) if what in _OF_ATTEMPTS:
            return _OF_ATTEMPTS[what].format(_attempt(worker, (run, ordinal, attempt)))
        case Fault(kind="stop"):
            return "is told to stop"
        case _:
            return ""


def _attempt(worker: Worker, key: Key) -> str:
    """An attempt: its activity, its workflow, and its number unless it is the first."""
    run, ordinal, number = key
    found = worker.attempts.get(key)
    name = found.task.activity.activity_type if found is not None else f"activity {ordinal}"
    return f"{name} of {run_label(run)}" + (f", attempt {number}," if number != 1 else "")


def _call(worker: Worker, tag: tuple[Tag, ...]) -> str:
    """A call by its tag."""
    match tag:
        case (str(what), str(run), int(ordinal), int(attempt)) if what in _CALLS:
            return f"the {_CALLS[what]} of {_attempt(worker, (run, ordinal, attempt))}"
        case ("poll", *_):
            return "a poll"
        case ("history", str(run)):
            return f"the question for the history of {run_label(run)}"
        case (str(), str(run)):
            return f"the completion of a workflow task of {run_label(run)}"
        case _:
            return "a call"
