"""What workflow code lets the outside see about its sessions. Emitted once, not again on replay.

`run` is the run's name, `session` the session's id (a name in the simulation, a uuid in an exported history).
"""

from __future__ import annotations

from msgspec import Struct


class SessionAsked(Struct, frozen=True):
    """CreateSession or RecreateSession scheduled a creation activity. Timeouts in microseconds.

    `task_queue`: where the creation activity goes. `options_queue`: the queue of the context's activity options, "" without.
    `within`: an open session of the context ("" as it should be).
    """

    run: str
    session: str
    task_queue: str
    recreated: bool
    creation_timeout: int
    execution_timeout: int
    heartbeat_timeout: int
    options_queue: str = ""
    within: str = ""

    def sentence(self) -> str:
        word = "recreate" if self.recreated else "create"
        return f"workflow asks to {word} session {self.session} on {self.task_queue}"


class SessionCreated(Struct, frozen=True):
    """CreateSession or RecreateSession returned a session context, bound to the worker behind `task_queue`."""

    run: str
    session: str
    task_queue: str
    host: str

    def sentence(self) -> str:
        return f"session {self.session} is open, bound to {self.task_queue}"


class SessionDetached(Struct, frozen=True):
    """A host session has lost its process; `epoch` is the binding that is over, `why` what the server said."""

    run: str
    session: str
    epoch: int
    why: str

    def sentence(self) -> str:
        return f"session {self.session} has lost its process ({self.why}); its host is waited for"


class SessionReattached(Struct, frozen=True):
    """A process of its host has taken a session up, bound at `epoch` to the worker behind `task_queue`."""

    run: str
    session: str
    task_queue: str
    host: str
    epoch: int

    def sentence(self) -> str:
        return f"session {self.session} is taken up at epoch {self.epoch}, bound to {self.task_queue}"


class SessionNotCreated(Struct, frozen=True):
    """CreateSession or RecreateSession returned an error. `refused`: because the context has an open session, `within`."""

    run: str
    session: str
    error: str
    refused: bool = False
    within: str = ""

    def sentence(self) -> str:
        if self.refused:
            return f"CreateSession is refused: {self.error}"
        return f"session {self.session} is not created ({self.error})"


class SessionStateChanged(Struct, frozen=True):
    run: str
    session: str
    before: str
    after: str
    why: str

    def sentence(self) -> str:
        match self.after:
            case "Failed":
                return f"session {self.session} failed ({self.why})"
            case "Closed":
                lost = f", although it had {self.before.lower()}" if self.before == "Failed" else ""
                return f"session {self.session} closed{lost}" + (f"; the completion activity: {self.why}" if self.why else "")
            case _:
                return f"session {self.session}: {self.before} becomes {self.after}"


class SessionCompleteCalled(Struct, frozen=True):
    """CompleteSession was called in this state."""

    run: str
    session: str
    state: str

    def sentence(self) -> str:
        effect = "" if self.state == "Open" else f" and does nothing: it is {self.state}"
        return f"workflow calls CompleteSession of {self.session}{effect}"


class SessionCompleteReturned(Struct, frozen=True):
    """CompleteSession of an open session returned. `error`: what became of the completion activity."""

    run: str
    session: str
    error: str

    def sentence(self) -> str:
        return f"CompleteSession of {self.session} returned" + (f"; the completion activity ended with {self.error}" if self.error else "")


class SessionCompleteFailed(Struct, frozen=True):
    """CompleteSession raised: which it never should."""

    run: str
    session: str
    error: str

    def sentence(self) -> str:
        return f"CompleteSession of {self.session} fails: {self.error}"


class SessionContextDone(Struct, frozen=True):
    """The session's context was cancelled: by CompleteSession, by the session's failure, or with the context it was made from."""

    run: str
    session: str

    def sentence(self) -> str:
        return f"the context of session {self.session} is cancelled"


class SessionActivityAsked(Struct, frozen=True):
    """ExecuteActivity was called with a session's context. `state`: the session's; `refused`: with ErrSessionFailed."""

    run: str
    session: str
    activity_type: str
    task_queue: str
    state: str
    refused: bool = False

    def sentence(self) -> str:
        return f"{self.activity_type} is {'refused: session ' + self.session + ' has failed' if self.refused else 'asked for'}"


class AskedInVain(Struct, frozen=True):
    """Workflow code that knows that a context is cancelled asked for something on it: it ends before it begins.

    `activity_type`: "" when a session was asked for. `workflow_canceled`: whether it is the workflow's own cancellation that
    the code knows of, and not only that of a session or a context of its own. `place`: where in the code, "" if that is not known.
    """

    run: str
    session: str
    activity_type: str
    workflow_canceled: bool
    place: str = ""

    def sentence(self) -> str:
        what = f"`{self.activity_type}`" if self.activity_type else f"session {self.session}"
        whose = "the workflow's cancellation has ended" if self.workflow_canceled else "is cancelled"
        where = f" ({self.place})" if self.place else ""
        return f"workflow asks for {what} on a context that {whose}, as it knows: it ends before it begins{where}"


class AskedAgain(Struct, frozen=True):
    """Workflow code asked for an activity, with the same argument, that the workflow's cancellation had ended; at this `place`."""

    run: str
    session: str
    activity_type: str
    place: str = ""

    def sentence(self) -> str:
        where = f" ({self.place})" if self.place else ""
        return f"workflow asks for `{self.activity_type}` again, which its cancellation had ended{where}"


class Saw(Struct, frozen=True):
    """A program's step had this outcome, as the recordings write it (`workflow_saw`)."""

    run: str
    op: str
    name: str
    context: str
    error: str
    state: str
    value: object
    elapsed_ms: int

    def sentence(self) -> str:
        came_to = f" fails: {self.error}" if self.error else " is done"
        return f"workflow: {self.op}{f' {self.name}' if self.name else ''}{came_to}"
