"""What a session will need that waits at a worker's door is not given to one that came later.

It says nothing of time. How long that is follows from it, and from who gets to the door: P + (n + 1) (k + m) E at most, as
docs/design/typed-resources.md derives (Starvation); `tests/scenario/test_starvation.py` holds pools to it.
"""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property, Setting, Subject
from sim.properties.scene import Scene
from sim.protocol import observations as obs
from sim.workflow.resources import Amounts

Place = tuple[str, int, Amounts]
"""(session, attempt of its creation activity, what it asks for)."""


class _Observer(Observer):
    """Keeps the line of each worker as it saw it form, and looks at who is given what."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._lines: dict[str, list[Place]] = {}
        self._left: dict[str, tuple[str, list[Place]]] = {}
        """Worker -> the session that left its line last, and who had come before it."""
        self._gave: dict[str, str] = {}
        """Worker -> the session that gave something back last."""

    def listeners(self) -> Mapping[type, Listener]:
        return {
            obs.SessionWaits: self._waits,
            obs.SessionWaitsNoMore: self._leaves,
            obs.ResourcesTaken: self._taken,
            obs.ResourcesReturned: self._returned,
            obs.FaultHappened: self._fault,
        }

    def _waits(self, time: int, node: str, o: obs.SessionWaits) -> None:
        self._lines.setdefault(node, []).append((o.session, o.attempt, o.demand))

    def _leaves(self, time: int, node: str, o: obs.SessionWaitsNoMore) -> None:
        line = self._lines.get(node, [])
        for i, (session, attempt, _) in enumerate(line):
            if (session, attempt) == (o.session, o.attempt):
                self._left[node] = (session, line[:i])
                del line[i]
                break
        if not line:
            self._lines.pop(node, None)

    def _returned(self, time: int, node: str, o: obs.ResourcesReturned) -> None:
        self._gave[node] = o.session

    def _taken(self, time: int, node: str, o: obs.ResourcesTaken) -> None:
        left, before = self._left.pop(node, ("", []))
        earlier = before if left == o.session else self._lines.get(node, [])
        # A session that is taken up again at a newer epoch takes what it held until now: nobody has waited for that.
        own = self._gave.pop(node, "") == o.session
        self.exercised += left == o.session or bool(earlier)
        free = dict(o.free)
        for kind, _ in o.demand if not own else ():
            asked = {session: dict(demand).get(kind, 0) for session, _, demand in earlier}
            if free.get(kind, 0) < sum(asked.values()):
                past = next(session for session, units in asked.items() if units)
                message = f"{o.identity} gives {kind} to {o.session}, past {past}, which waits there for it"
                self.violated(time, message, self.scene.sessions.get(past), self.scene.workers.get(node))

    def _fault(self, time: int, node: str, o: obs.FaultHappened) -> None:
        if o.kind in ("kill", "lose_machine", "exit"):
            for known in (self._lines, self._left, self._gave):
                for gone in [node for node in known if node.partition("/")[0] == o.place]:
                    del known[gone]


PROPERTY = Property(
    name="no_starvation_by_others",
    sentence="What a session is given leaves as much free of each of its types as those ask for who wait at that worker's door and came "
    "there before; but for what it has held until now.",
    source="docs/design/typed-resources.md, Starvation",
    needs=(obs.WorkerStarted, obs.SessionWaits, obs.SessionWaitsNoMore, obs.ResourcesTaken, obs.ResourcesReturned),
    observer=_Observer,
    timeless=True,
    subject=Subject.WORKER,
)
