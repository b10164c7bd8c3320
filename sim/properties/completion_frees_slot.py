"""CompleteSession frees the slot."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import SECOND, Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.properties.things import Session
from sim.protocol import observations as obs
from sim.workflow import seen

WAKE_UP = 1_000
"""A goroutine that was woken runs within this."""


def completion_epsilon(setting: Setting) -> int:
    """How much later than a heartbeat and its budget the slot may be free.

    When CompleteSession does not wait (its context is cancelled), the cancel request still travels to the server; the next
    heartbeat and its answer travel too; then the woken goroutine runs.
    """
    return 3 * setting.max_call_delay_us + WAKE_UP


def call_budget(heartbeat: int) -> int:
    """The budget of one heartbeat call of the creation activity, microseconds (P3.6.3)."""
    record = max(min(heartbeat * 8 // 10, 60 * SECOND), SECOND)
    return min(max(record // 2, SECOND), 10 * SECOND, record)


class _Observer(Observer):
    """A slot on a worker that dies goes with it."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._due: dict[str, int] = {}
        """Session that still holds a slot -> when that has to be free."""

    def listeners(self) -> Mapping[type, Listener]:
        return {seen.SessionCompleteReturned: self._completed, obs.TokenReturned: self._returned, obs.FaultHappened: self._fault}

    def _completed(self, time: int, node: str, o: seen.SessionCompleteReturned) -> None:
        session = self.scene.sessions.get(o.session)
        if session is None:
            return
        self.exercised += 1
        if session.holders:
            heartbeat = session.effective_heartbeat
            self._due[session.name] = time + session.interval + call_budget(heartbeat) + self.epsilon

    def _returned(self, time: int, node: str, o: obs.TokenReturned) -> None:
        session = self.scene.sessions.get(o.session) if o.session in self._due else None
        if session is not None and not session.holders:
            self._judge(time, session)

    def _fault(self, time: int, node: str, fault: obs.FaultHappened) -> None:
        if fault.kind not in ("kill", "lose_machine", "exit"):
            return
        for name in list(self._due):
            session = self.scene.sessions.get(name)
            if session is not None and all(holder.startswith(f"{fault.place}/") for holder in session.holders):
                self._judge(time, session)

    def _judge(self, time: int, session: Session) -> None:
        due = self._due.pop(session.name)
        if time > due:
            holder = next((self.scene.workers[node] for node in session.holders if node in self.scene.workers), session.worker)
            message = f"{session.name} was completed, and its slot is taken {(time - due) / 1e6:.3f} s longer than promised"
            self.violated(time, message, session, holder)

    def finish(self, time: int) -> None:
        for name in list(self._due):
            session = self.scene.sessions.get(name)
            if session is not None and session.holders:
                self._judge(time, session)


PROPERTY = Property(
    name="completion_frees_slot",
    sentence="When CompleteSession has returned, the slot is free within I + call budget + e.",
    source="documentation, Basic Usage: “CompleteSession() releases the resources reserved on the worker”; numbers: P3.7",
    needs=(seen.SessionCompleteReturned, obs.TokenTaken, obs.TokenReturned, obs.FaultHappened),
    observer=_Observer,
    times=("_due",),
    epsilon=completion_epsilon,
)
