"""Calls of workers by the names that Temporal's service gives them, as faults and rules name them."""

from __future__ import annotations

from typing import Final

from sim.model.inputs import Name
from sim.protocol import messages as msg
from sim.protocol.names import activity_queue, workflow_queue

METHODS: Final[dict[str, type]] = {
    "PollWorkflowTaskQueue": msg.Poll,
    "PollActivityTaskQueue": msg.Poll,
    "RespondWorkflowTaskCompleted": msg.RespondWorkflowTaskCompleted,
    "RespondWorkflowTaskFailed": msg.RespondWorkflowTaskFailed,
    "SignalWorkflowExecution": msg.SignalWorkflowExecution,
    "RecordActivityTaskHeartbeat": msg.RecordActivityTaskHeartbeat,
    "RespondActivityTaskCompleted": msg.RespondActivityTaskCompleted,
    "RespondActivityTaskFailed": msg.RespondActivityTaskFailed,
    "RespondActivityTaskCanceled": msg.RespondActivityTaskCanceled,
    "ShutdownWorker": msg.ShutdownWorker,
}

_WORKFLOW: Final = workflow_queue("")
_ACTIVITY: Final = activity_queue("")


def is_call(method: str, queue: str, request: object, callee: Name) -> bool:
    """Whether a request to `callee` is a call of this method ("": any), for a poll on this queue ("": any).

    `queue` "session" stands for the queues of session workers.
    """
    if method and type(request) is not METHODS[method]:
        return False
    if isinstance(request, msg.Poll):
        prefix = {"PollWorkflowTaskQueue": _WORKFLOW, "PollActivityTaskQueue": _ACTIVITY}.get(method, "")
        if not callee.startswith(prefix):
            return False
    name = callee.removeprefix(_WORKFLOW).removeprefix(_ACTIVITY)
    return not queue or name == queue or (queue == "session" and "@" in name)
