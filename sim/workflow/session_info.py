"""What the context knows of a session: one mutable object per session, shared by every context derived from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.workflow.context import Context
    from sim.workflow.futures import Future

SESSION_KEY = "sessionInfo"


class SessionState(Enum):
    """There is no way out of Closed, and none from Failed to Open."""

    OPEN = "Open"
    FAILED = "Failed"
    CLOSED = "Closed"


@dataclass(slots=True)
class SessionInfo:
    """`workflow.SessionInfo`: the id, the worker's host, the state; the rest belongs to the framework."""

    session_id: str
    host_name: str = ""
    state: SessionState = SessionState.OPEN
    resource_id: str = ""
    task_queue: str = ""
    cancel: Callable[[], None] = field(default=lambda: None)
    fail: Callable[[], None] = field(default=lambda: None)
    """Cancel the session's context because it has failed."""
    completion_ctx: Context | None = None
    creation: Future | None = None
    """The end of its creation activity."""

    def release(self) -> None:
        """Let go of its contexts, which refer to it: the workflow's code is over."""
        self.cancel = self.fail = _nothing
        self.completion_ctx = self.creation = None

    def get_recreate_token(self) -> bytes:
        """What `recreate_session` needs to come back to the same worker: it names its queue, and nothing else."""
        return json.dumps({"Taskqueue": self.task_queue}, separators=(",", ":")).encode()


def _nothing() -> None:
    """What a session does that is over."""
