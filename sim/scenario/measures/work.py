"""How long workers worked on users' activities, and how much of it was for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sim.properties.base import Listener, Setting
from sim.properties.scene import Scene
from sim.properties.things import State
from sim.protocol import observations as obs
from sim.scenario.measures.base import SECOND, Measure
from sim.scenario.operations import GONE
from sim.workflow import seen
from sim.workflow.sessions import FRAMEWORK_ACTIVITIES

Attempt = tuple[str, int, int]
"""(run, ordinal, attempt)."""
Activity = tuple[str, int]
"""(run, ordinal)."""


class Work(Measure):
    """Wasted is the work of attempts whose result the server did not record, and that of activities in sessions that failed
    afterwards: what they left on their worker is lost. What is open at the end of the run is not wasted.
    """

    columns: ClassVar = ("worked_s", "wasted_s", "wasted_share")

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._running: dict[Attempt, tuple[str, int]] = {}
        """Attempt -> (worker's node, since when)."""
        self._alive: dict[Activity, int] = {}
        """Activity -> how many attempts of it run."""
        self._closed: set[Activity] = set()
        """Activities that the server has closed while attempts of them run: what these do is for nothing."""
        self._open: dict[str, dict[int, dict[int, int]]] = {}
        """Run -> open activity -> attempt that ran -> how long."""
        self._sessions: dict[str, int] = {}
        """Open session -> work whose results were recorded."""
        self._worked = self._wasted = 0

    def listeners(self) -> Mapping[type, Listener]:
        """What is seen."""
        return {
            obs.AttemptBegan: self._began,
            obs.AttemptEnded: lambda time, node, o: self._end((o.run, o.ordinal, o.attempt), time),
            obs.FaultHappened: self._fault,
            obs.ActivityClosed: self._activity_closed,
            obs.WorkflowClosed: self._workflow_closed,
            seen.SessionStateChanged: self._changed,
        }

    def _began(self, time: int, node: str, o: obs.AttemptBegan) -> None:
        if o.activity_type not in FRAMEWORK_ACTIVITIES:
            self._running[o.run, o.ordinal, o.attempt] = (node, time)
            self._alive[o.run, o.ordinal] = self._alive.get((o.run, o.ordinal), 0) + 1

    def _end(self, attempt: Attempt, time: int) -> None:
        running = self._running.pop(attempt, None)
        if running is None:
            return
        worked = time - running[1]
        self._worked += worked
        name, ordinal, number = attempt
        run = self.scene.runs.get(name)
        if (name, ordinal) in self._closed or run is None or run.closed:
            self._wasted += worked
        else:
            self._open.setdefault(name, {}).setdefault(ordinal, {})[number] = worked
        self._alive[name, ordinal] -= 1
        if not self._alive[name, ordinal]:
            del self._alive[name, ordinal]
            self._closed.discard((name, ordinal))

    def _fault(self, time: int, node: str, o: obs.FaultHappened) -> None:
        if o.kind in GONE:
            for attempt in [a for a, (worker, _) in self._running.items() if worker.partition("/")[0] == o.place]:
                self._end(attempt, time)

    def _activity_closed(self, time: int, node: str, o: obs.ActivityClosed) -> None:
        attempts = self._open.get(o.run, {}).pop(o.ordinal, {})
        if (o.run, o.ordinal) in self._alive:
            self._closed.add((o.run, o.ordinal))
        if o.how == "completed" and attempts:
            # The server takes a result of the latest attempt only.
            useful = attempts.pop(max(attempts))
            session = self.scene.sessions.get(o.session)
            if session is not None and session.state is State.FAILED:
                self._wasted += useful
            elif session is not None:
                self._sessions[o.session] = self._sessions.get(o.session, 0) + useful
        self._wasted += sum(attempts.values())

    def _changed(self, time: int, node: str, o: seen.SessionStateChanged) -> None:
        if o.after == State.FAILED.value:
            self._wasted += self._sessions.pop(o.session, 0)
        elif o.after == State.CLOSED.value:
            self._sessions.pop(o.session, None)

    def _workflow_closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        run = self.scene.runs.get(o.run)
        for session in run.sessions if run is not None else ():
            self._sessions.pop(session, None)
        for attempts in self._open.pop(o.run, {}).values():
            self._wasted += sum(attempts.values())

    def values(self, end: int) -> dict[str, Any]:
        """The figures."""
        for _, since in self._running.values():
            self._worked += end - since
        self._running.clear()
        return {
            "worked_s": self._worked / SECOND,
            "wasted_s": self._wasted / SECOND,
            "wasted_share": self._wasted / self._worked if self._worked else None,
        }
