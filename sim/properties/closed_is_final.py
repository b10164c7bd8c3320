"""A session never leaves Closed."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.properties.things import State
from sim.workflow import seen


class _Observer(Observer):
    def listeners(self) -> Mapping[type, Listener]:
        return {seen.SessionStateChanged: self._changed}

    def _changed(self, time: int, node: str, o: seen.SessionStateChanged) -> None:
        self.exercised += o.after == State.CLOSED.value
        if o.before == State.CLOSED.value and o.after != State.CLOSED.value:
            self.violated(time, f"{o.session} was Closed and becomes {o.after}: {o.why}", self.scene.sessions.get(o.session), run=o.run)


PROPERTY = Property(
    name="closed_is_final",
    sentence="A session never leaves Closed.",
    source="P1.1.2: “There is no transition out of Closed”",
    needs=(seen.SessionStateChanged,),
    observer=_Observer,
    timeless=True,
)
