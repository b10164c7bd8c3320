"""Properties at work on one run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from sim.properties.base import Listener, Observer, Property, Setting, Verdict, VerdictKind
from sim.properties.scene import Scene
from sim.workflow import seen


def _in_order(chain: tuple[Listener, ...]) -> Listener:
    """One listener that calls these in their order."""
    if len(chain) == 1:
        return chain[0]

    def call_all(time: int, node: str, observation: Any) -> None:
        for listener in chain:
            listener(time, node, observation)

    return call_all


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
        chains: dict[type, list[Listener]] = {}
        for listeners in (self.scene.before(), *(o.listeners() for o in self.observers.values()), self.scene.after()):
            for kind, listener in listeners.items():
                chains.setdefault(kind, []).append(listener)
        for kind, chain in chains.items():
            of_code = kind.__module__ == seen.__name__
            for listener in [self._unless_void(_in_order(tuple(chain)))] if of_code else chain:
                emitter.listen(kind, listener)

    def _unless_void(self, listener: Listener) -> Listener:
        """What workflow code does for a task that the server has taken back did not happen: the task is done again."""
        void = self.scene.void

        def checked(time: int, node: str, observation: Any) -> None:
            if not void(node, observation.run):
                listener(time, node, observation)

        return checked

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
