"""Names of nodes and queues. A node's place is what stands before the first slash."""

from __future__ import annotations

from sim.model.inputs import Name

SERVER = "server"
HOST_QUEUE_SUFFIX = "__internal_session_host"


def workflow_queue(task_queue: str) -> Name:
    """Matching's node for the workflow tasks of a task queue."""
    return f"{SERVER}/queue/workflow/{task_queue}"


def activity_queue(task_queue: str) -> Name:
    """Matching's node for the activity tasks of a task queue."""
    return f"{SERVER}/queue/activity/{task_queue}"


def run_name(workflow_id: str, number: int) -> Name:
    """The node of a workflow's run."""
    return f"{SERVER}/run/{workflow_id}/{number}"


def workflow_of(run: Name) -> str:
    """The id of the workflow that this node is a run of."""
    return run.removeprefix(f"{SERVER}/run/").rpartition("/")[0]


def run_label(run: Name) -> str:
    """A run as stories call it: the workflow's id and the run's number."""
    return run.removeprefix(f"{SERVER}/run/")


def shard_name(number: int) -> Name:
    return f"{SERVER}/shard/{number}"


def host_queue(resource_id: str, task_queue: str) -> str:
    """The task queue of a host, for the workers of one task queue there: where host sessions are taken up."""
    return f"{resource_id}/{task_queue}{HOST_QUEUE_SUFFIX}"
