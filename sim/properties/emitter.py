"""What judges and pictures listen to where no simulation runs: whatever it is told to emit."""

from __future__ import annotations

from typing import Any

from sim.properties.base import Listener


class Emitter:
    """Emits what it is told, to whoever listens to its class."""

    def __init__(self) -> None:
        self.by_class: dict[type, list[Listener]] = {}

    def listen(self, kind: type, listener: Listener) -> None:
        """Call `listener` for every observation of exactly this class."""
        self.by_class.setdefault(kind, []).append(listener)

    def emit(self, time: int, node: str, observation: Any) -> None:
        """Tell those who listen to it."""
        for listener in self.by_class.get(type(observation), ()):
            listener(time, node, observation)
