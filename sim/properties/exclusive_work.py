"""What a session left behind does not run beside the work of the session that replaced it."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.properties.things import Session
from sim.protocol import observations as obs


def _replaced(earlier: Session, later: Session) -> bool:
    """A session replaces those of its workflow that were over when it was asked for; parallel ones replace each other not."""
    return earlier.ended_before is not None and earlier.ended_before <= later.index


class _Observer(Observer):
    """Looks at a workflow's running activities when one more begins, and when a frozen worker goes on."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._busy: dict[str, dict[str, Session]] = {}
        """Workflow id -> sessions of which something may run."""

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.AttemptBegan: self._began, obs.AttemptEnded: self._ended, obs.FaultHappened: self._fault}

    def _began(self, time: int, node: str, o: obs.AttemptBegan) -> None:
        session = self.scene.session_of_user(o.session, o.activity_type)
        if session is None:
            return
        busy = self._busy.setdefault(session.run.workflow_id, {})
        busy[session.name] = session
        if len(session.run.sessions) > 1 or len(busy) > 1:
            self.exercised += any(_replaced(s, session) for s in (*session.run.sessions.values(), *busy.values()))
        if len(busy) > 1:
            self._look(time, busy)

    def _ended(self, time: int, node: str, o: obs.AttemptEnded) -> None:
        session = self.scene.session_of_user(o.session, o.activity_type)
        if session is not None and not session.running:
            self._drop(session)

    def _drop(self, session: Session) -> None:
        busy = self._busy.get(session.run.workflow_id, {})
        busy.pop(session.name, None)
        if not busy:
            self._busy.pop(session.run.workflow_id, None)

    def _fault(self, time: int, node: str, fault: obs.FaultHappened) -> None:
        if fault.kind == "unfreeze":
            for busy in list(self._busy.values()):
                if len(busy) > 1:
                    self._look(time, busy)
        elif fault.kind in ("kill", "lose_machine", "exit"):
            for session in [s for busy in self._busy.values() for s in busy.values()]:
                if not self._where(session):
                    self._drop(session)

    def _where(self, session: Session) -> list[str]:
        """The workers on which something of the session is being executed now."""
        workers = [self.scene.workers[node] for node in session.running if node in self.scene.workers]
        return [w.node for w in workers if w.place.gone_at is None and not w.place.frozen]

    def _look(self, time: int, busy: Mapping[str, Session]) -> None:
        for later in busy.values():
            for earlier in busy.values():
                if earlier is later or not _replaced(earlier, later):
                    continue
                pair = next(((a, b) for a in self._where(earlier) for b in self._where(later) if a != b), None)
                if pair is not None:
                    there, here = (self.scene.workers[node] for node in pair)
                    message = f"{later.name} works on {here.identity} while {earlier.name}, which it replaced, works on {there.identity}"
                    self.violated(time, message, later, here)


PROPERTY = Property(
    name="exclusive_work",
    sentence="Activities of one workflow's session do not run while those of a later session that replaced it run elsewhere.",
    source="documentation, Basic Usage: “The context will be cancelled if the worker executing this session dies”; Q & A: “If your "
    "Activity has already been scheduled, it will be cancelled”",
    needs=(obs.AttemptBegan, obs.AttemptEnded, obs.FaultHappened, obs.WorkflowStarted),
    history_convicts=True,
    observer=_Observer,
    timeless=True,
)
