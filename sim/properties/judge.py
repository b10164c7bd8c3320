"""Properties at work on one run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sim.properties.base import Listener, Observer, Property, Setting, Verdict, VerdictKind
from sim.properties.scene import Scene


class Emitter(Protocol):
    """What can be listened to: a simulation, or whatever replays observations."""

    def listen(self, kind: type, listener: Listener) -> None: ...


class Judge:
    """Watches one run for these properties."""

    def __init__(self, setting: Setting | None = None, properties: Iterable[Property] = ()) -> None:
        self.setting = setting or Setting()
        self.scene = Scene()
        self.properties = tuple(properties)
        self.observers: dict[str, Observer] = {
            p.name: p.observer(self.setting, self.scene, p.epsilon(self.setting)) for p in self.properties
        }  # fmt: skip

    def attach(self, emitter: Emitter) -> None:
        """Listen from now on. To be done before anything happens."""
        listening = [self.scene.before(), *(observer.listeners() for observer in self.observers.values()), self.scene.after()]
        for listeners in listening:
            for kind, listener in listeners.items():
                emitter.listen(kind, listener)

    def finish(self, time_us: int) -> dict[str, Verdict]:
        """What every property says about the run that ended at `time_us` (microseconds). To be called once."""
        verdicts: dict[str, Verdict] = {}
        for place in list(self.scene.places.values()):
            if place.outage is not None:
                for callback in place.outage.when_over:
                    callback(place.outage)
        for p in self.properties:
            observer = self.observers[p.name]
            observer.finish(time_us)
            verdicts[p.name] = observer.verdict()
            if self.setting.histories_only and not p.history_decides:
                verdicts[p.name] = Verdict(VerdictKind.UNDECIDABLE)
        return verdicts
