"""CreateSession on a context with an open session returns an error and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.properties.things import Session, State
from sim.workflow import seen


class _Observer(Observer):
    """`seen.SessionAsked.within` is the open session that the context had all the same."""

    def listeners(self) -> Mapping[type, Listener]:
        return {seen.SessionAsked: self._asked, seen.SessionNotCreated: self._refused}

    def _asked(self, time: int, node: str, o: seen.SessionAsked) -> None:
        if o.within:
            outer = self.scene.sessions.get(o.within)
            self.violated(time, f"{o.session} is asked for on a context that has the open session {o.within}", outer, run=o.run)

    def _refused(self, time: int, node: str, o: seen.SessionNotCreated) -> None:
        if not o.refused:
            return
        self.exercised += 1
        outer: Session | None = self.scene.sessions.get(o.within)
        if outer is not None and outer.state is not State.OPEN:
            self.violated(time, f"the refusal left {outer.name} {outer.state.value}", outer)


PROPERTY = Property(
    name="open_session_refused",
    sentence="CreateSession on a context with an open session returns an error and changes nothing.",
    source="documentation, Basic Usage: “CreateSession() will return an error if the context passed in already contains an open session”",
    needs=(seen.SessionAsked, seen.SessionNotCreated, seen.SessionStateChanged),
    observer=_Observer,
    timeless=True,
)
