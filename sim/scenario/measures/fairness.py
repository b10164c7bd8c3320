"""Whether those who ask for sessions are treated alike."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, ClassVar

from sim.properties.base import Listener, Setting
from sim.properties.scene import Scene
from sim.scenario.measures.base import Measure
from sim.workflow import seen

MOST_LISTED = 10_000


class Fairness(Measure):
    """`jain_waits`: Jain's index of waits, (sum x)^2 / (n sum x^2): 1 when all wait equally long, 1/n when only one waits.
    `overtaken_share`: how many of the created sessions were asked for before one that was created earlier.
    `served_order`: the rank, by the time at which they were asked for, of the sessions in the order in which they were created.
    """

    columns: ClassVar = ("jain_waits", "overtaken_share", "served_order")

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._served: list[int] = []
        self._sum = self._squares = 0
        self._overtaken = 0
        self._latest = -1

    def listeners(self) -> Mapping[type, Listener]:
        """What is seen."""
        return {seen.SessionCreated: self._created}

    def _created(self, time: int, node: str, o: seen.SessionCreated) -> None:
        session = self.scene.sessions.get(o.session)
        if session is None:
            return
        wait = time - session.asked_at
        self._sum += wait
        self._squares += wait * wait
        self._served.append(session.index)
        self._overtaken += session.index < self._latest
        self._latest = max(self._latest, session.index)

    def values(self, end: int) -> dict[str, Any]:
        """The figures."""
        count = len(self._served)
        ranks = sorted(self._served)
        return {
            "jain_waits": self._sum**2 / (count * self._squares) if self._squares else None,
            "overtaken_share": self._overtaken / count if count else None,
            "served_order": [bisect_left(ranks, index) for index in self._served[:MOST_LISTED]],
        }
