"""Workflow code completes its sessions."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import SECOND, Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.properties.things import Session, State
from sim.protocol import observations as obs
from sim.workflow import seen

BY_CODE = ("COMPLETED", "FAILED", "CANCELED", "CONTINUED_AS_NEW")
"""How workflow code closes a run; whoever terminates it, or lets it time out, does not ask the code."""


class _Observer(Observer):
    """When code closes its run, each session it created was completed, or has been lost, or has a cancelled context.

    With its context the creation activity is cancelled, and the slot is free soon. A session that its ExecutionTimeout has
    ended was not lost: it has kept its slot until then. It was forgotten if none of its activities was open any more.
    """

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._forgotten: dict[str, None] = {}
        """Sessions of open runs that their ExecutionTimeout has ended while nothing of them was open."""

    def listeners(self) -> Mapping[type, Listener]:
        return {seen.SessionStateChanged: self._changed, obs.WorkflowClosed: self._closed}

    def _changed(self, time: int, node: str, o: seen.SessionStateChanged) -> None:
        session = self.scene.sessions.get(o.session)
        if session is None or o.after != State.FAILED.value or "StartToClose" not in session.creation_ended:
            return
        if not any(activity.of_user and activity.session is session for activity in session.run.activities.values()):
            self._forgotten[session.name] = None

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        run = self.scene.runs.get(o.run)
        if run is None or o.status not in BY_CODE:
            return
        for session in run.sessions.values():
            if session.state in (State.ASKED, State.NOT_CREATED):
                continue
            self.exercised += 1
            forgotten = session.name in self._forgotten
            self._forgotten.pop(session.name, None)
            if session.complete_called:
                continue
            if session.state is State.OPEN and not session.context_done:
                self._say(time, session, f"{o.workflow_id} ends {o.status} and has never completed {session.name}, which is still open")
            elif session.state is State.FAILED and forgotten:
                held = session.execution_timeout / SECOND
                self._say(time, session, f"{session.name} was never completed: only its ExecutionTimeout of {held:g} s has ended it")

    def _say(self, time: int, session: Session, message: str) -> None:
        self.violated(time, message, session, session.worker)


PROPERTY = Property(
    name="session_is_completed",
    sentence="Workflow code calls CompleteSession, before it ends, for every session that it has created, unless its context is cancelled "
    "or it has failed (other than idle, by its ExecutionTimeout).",
    source="documentation, Basic Usage: “CompleteSession() releases the resources reserved on the worker”; until then only "
    "ExecutionTimeout or the end of the workflow does (P1.5, P2.4j)",
    needs=(seen.SessionCreated, seen.SessionStateChanged, seen.SessionCompleteCalled, seen.SessionContextDone, obs.WorkflowClosed),
    observer=_Observer,
    timeless=True,
)
