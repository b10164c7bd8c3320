"""What the headers of activities say: of host sessions and of sessions that ask for resources. The server hands them on unread."""

from __future__ import annotations

from typing import Final

from sim.history.commands import ScheduleActivity

EPOCH: Final = "session-epoch"
RESOURCES: Final = "session-resources"
MAY_WAIT: Final = "session-may-wait"


def header_of(command: ScheduleActivity) -> dict[str, object]:
    """The fields of an activity's header."""
    said: dict[str, object] = {EPOCH: command.epoch, RESOURCES: dict(command.resources), MAY_WAIT: command.may_wait}
    return {name: value for name, value in said.items() if value}
