"""Times that steps of the protocol take where somebody says so; otherwise they take none, and nothing waits for them."""

from __future__ import annotations

from dataclasses import dataclass

from sim.model.laws import Law


@dataclass(frozen=True, slots=True)
class Pace:
    """Laws in microseconds; None: the step takes no time and is no step of its own.

    `workflow_task`: from a task's receipt by a worker to the call that completes it. `activity_start`: from a task's receipt to
    the start of the activity function. `transaction`: how long an update of a run keeps others of the same run waiting.
    `forwarding`: what a task takes besides to a poll of a queue that workers share (the normal and the creation queue).
    `reads_by_others`: how far others have used up the shard's reads when a read is due, as the time in which they come back.
    """

    workflow_task: Law | None = None
    activity_start: Law | None = None
    transaction: Law | None = None
    forwarding: Law | None = None
    reads_by_others: Law | None = None


AT_ONCE = Pace()
