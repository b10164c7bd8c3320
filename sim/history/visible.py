"""The replay log: of a run's history, just what its workflow code can see, in order.

A run keeps this instead of events. Activities, timers and side effects go by ordinal; `TaskBegan` closes the batch of
what one workflow task brought. Only workflow tasks that were completed (and the one under way) have such a boundary:
what a failed or timed-out task brought is seen together with what the next one brings, as the SDK replays it.
"""

from __future__ import annotations

from msgspec import Struct

from sim.history.commands import Command
from sim.history.failures import Failure, RetryState


class TaskBegan(Struct, frozen=True):
    """A batch ends and the code runs. `now`: the server's time, for `workflow.now` only."""

    now: int


class Asked(Struct, frozen=True):
    """A command became an event. Replay compares it with what the code asks for."""

    command: Command


class Signaled(Struct, frozen=True):
    name: str
    payload: object


class CancelRequested(Struct, frozen=True):
    """Somebody asked for the cancellation of the workflow."""


class ActivityCompleted(Struct, frozen=True):
    ordinal: int
    result: object


class ActivityFailed(Struct, frozen=True):
    """An ATF or ATTO."""

    ordinal: int
    failure: Failure
    retry_state: RetryState


class ActivityCanceled(Struct, frozen=True):
    ordinal: int
    details: object


class TimerFired(Struct, frozen=True):
    ordinal: int


Visible = TaskBegan | Asked | Signaled | CancelRequested | ActivityCompleted | ActivityFailed | ActivityCanceled | TimerFired
