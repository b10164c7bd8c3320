"""Every session by itself, for whoever looks at a run as a series: warm-up, batch means, scatter plots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sim.properties.base import Listener, Setting
from sim.properties.scene import Scene
from sim.properties.things import State
from sim.scenario.measures.base import SECOND, Measure
from sim.workflow import seen


class SessionTimes(Measure):
    """Lists with an entry a session, in the order in which they were asked for: when, how long creating took, and how long the
    session was open until it was closed or failed. None: that did not happen, or not before the end.
    """

    columns: ClassVar = ("asked_at_s", "waits_s", "held_s")

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._index: dict[str, int] = {}
        self._asked_at: list[int] = []
        self._waits: list[int | None] = []
        self._held: list[int | None] = []

    def listeners(self) -> Mapping[type, Listener]:
        """What is seen."""
        return {
            seen.SessionAsked: self._asked,
            seen.SessionCreated: self._created,
            seen.SessionNotCreated: lambda time, node, o: self._forget(o.session),
            seen.SessionStateChanged: self._changed,
        }

    def _asked(self, time: int, node: str, o: seen.SessionAsked) -> None:
        if o.session in self._index:
            self._asked_at[self._index[o.session]] = time
            return
        self._index[o.session] = len(self._asked_at)
        self._asked_at.append(time)
        self._waits.append(None)
        self._held.append(None)

    def _created(self, time: int, node: str, o: seen.SessionCreated) -> None:
        index = self._index.get(o.session)
        if index is not None:
            self._waits[index] = time - self._asked_at[index]

    def _changed(self, time: int, node: str, o: seen.SessionStateChanged) -> None:
        index = self._index.get(o.session)
        wait = self._waits[index] if index is not None else None
        if index is not None and wait is not None and self._held[index] is None and o.after != State.OPEN.value:
            self._held[index] = time - self._asked_at[index] - wait
            if o.after == State.CLOSED.value:
                self._forget(o.session)

    def _forget(self, session: str) -> None:
        self._index.pop(session, None)

    def values(self, end: int) -> dict[str, Any]:
        """The figures."""
        return {
            "asked_at_s": [time / SECOND for time in self._asked_at],
            "waits_s": [_s(wait) for wait in self._waits],
            "held_s": [_s(held) for held in self._held],
        }


def _s(time: int | None) -> float | None:
    return None if time is None else time / SECOND
