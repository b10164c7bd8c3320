"""How many sessions waited longer than some time: the numerator of a proportion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.model.durations import format_duration
from sim.properties.base import Listener, Setting
from sim.properties.scene import Scene
from sim.protocol import observations as obs
from sim.scenario.measures.base import Measure
from sim.workflow import seen


def spelled(threshold: int) -> str:
    """A length of time in a column's name: `1m`, `1_5s`."""
    return format_duration(threshold).replace(".", "_")


class Over(Measure):
    """A session that was not created, or whose run was closed before it was, waited longer than anything. One that still waits
    when the run ends counts if it has waited that long, and otherwise not at all: `creation_wait_judged_...` is what to divide by.
    """

    def __init__(self, setting: Setting, scene: Scene, threshold: int) -> None:
        super().__init__(setting, scene, 0)
        self._threshold = threshold
        self._waiting: dict[str, int] = {}
        self._over = self._judged = 0

    @staticmethod
    def columns_for(threshold: int) -> tuple[str, ...]:
        """The columns with this threshold, microseconds."""
        return (f"creation_wait_over_{spelled(threshold)}", f"creation_wait_judged_{spelled(threshold)}")

    def listeners(self) -> Mapping[type, Listener]:
        """What is seen."""
        return {
            seen.SessionAsked: self._asked,
            seen.SessionCreated: self._created,
            seen.SessionNotCreated: self._not_created,
            obs.WorkflowClosed: self._closed,
        }

    def _asked(self, time: int, node: str, o: seen.SessionAsked) -> None:
        self._waiting[o.session] = time

    def _created(self, time: int, node: str, o: seen.SessionCreated) -> None:
        since = self._waiting.pop(o.session, None)
        if since is not None:
            self._judge(time - since > self._threshold)

    def _not_created(self, time: int, node: str, o: seen.SessionNotCreated) -> None:
        if self._waiting.pop(o.session, None) is not None:
            self._judge(True)

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        run = self.scene.runs.get(o.run)
        for session in run.sessions if run is not None else ():
            if self._waiting.pop(session, None) is not None:
                self._judge(True)

    def _judge(self, over: bool) -> None:
        self._judged += 1
        self._over += over

    def values(self, end: int) -> dict[str, Any]:
        """The figures."""
        for since in self._waiting.values():
            if end - since > self._threshold:
                self._judge(True)
        self._waiting.clear()
        return dict(zip(self.columns_for(self._threshold), (self._over, self._judged), strict=True))
