"""What users' activities do, as data."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from msgspec import Struct

from sim.model.spans import Exactly, Span
from sim.protocol.messages import ActivityTask


class Failing(Enum):
    """How an activity's work ends."""

    NO = ""
    RETRYABLE = "retryable"
    NON_RETRYABLE = "non_retryable"
    PANIC = "panic"


class Work(Struct, frozen=True):
    """One attempt's work: how long it takes, how often it calls RecordHeartbeat (microseconds, 0: never), whether it
    returns when its context is done, how it ends, and what it returns (None: its worker's identity).
    """

    duration: Span
    beat_every: int = 0
    obey: bool = False
    fail: Failing = Failing.NO
    result: object = None
    label: str = ""
    details: object = None


Behaviour = Callable[[ActivityTask], Work]
"""What an attempt of an activity does; a function of the task alone."""


class UnknownActivityError(Exception):
    """A workflow calls an activity of which nobody has said what it does: `activity` is its type."""

    def __init__(self, activity: str) -> None:
        super().__init__(activity)
        self.activity = activity

    def __str__(self) -> str:
        name = self.activity
        return f"a workflow calls the activity {name!r}, and nothing says what it does; expected [activities.{name}]"


def do_work(task: ActivityTask) -> Work:
    """The activity `DoWork` of programs: its argument says everything."""
    work = task.activity.input
    if not isinstance(work, dict):
        raise UnknownActivityError(task.activity.activity_type)
    return Work(
        Exactly(int(work.get("ms", 0)) * 1000),
        int(work.get("beat_ms", 0)) * 1000,
        bool(work.get("obey")),
        Failing(work.get("fail", "")),
        label=str(work.get("name", "")),
        details=work.get("name"),
    )
