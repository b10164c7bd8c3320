"""Names of nodes and queues. A node's place is what stands before the first slash."""

from __future__ import annotations

from sim.model.inputs import Name

SERVER = "server"


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


def shard_name(number: int) -> Name:
    return f"{SERVER}/shard/{number}"
