"""What a process writes that was replaced is not taken after what its successor has written."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.protocol import observations as obs


class _Observer(Observer):
    """Remembers the newest epoch of which a write was taken. Put to the test by each write of an older one."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._newest: dict[str, dict[str, int]] = {}
        """Run -> session -> epoch. Closed runs stay if their sessions were taken up: zombies live longer than workflows."""

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.ResourceWritten: self._written, obs.WorkflowClosed: self._closed}

    def _written(self, time: int, node: str, o: obs.ResourceWritten) -> None:
        newest = self._newest.setdefault(o.run, {})
        before = newest.get(o.session, 0)
        if o.epoch >= before:
            if o.taken:
                newest[o.session] = o.epoch
            return
        self.exercised += 1
        if o.taken:
            message = f"what {o.identity} writes for {o.session} at epoch {o.epoch} is taken, after a write of epoch {before}"
            self.violated(time, message, self.scene.sessions.get(o.session), run=o.run)

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        newest = self._newest.get(o.run, {})
        if all(epoch <= 1 for epoch in newest.values()):
            self._newest.pop(o.run, None)


PROPERTY = Property(
    name="fenced_writes",
    sentence="A write of an older epoch of a host session is never taken after one of a newer epoch.",
    source="docs/design/host-sessions.md, Epochs: the epoch is the fencing token of what activities write to",
    needs=(obs.ResourceWritten, obs.WorkflowClosed),
    observer=_Observer,
    timeless=True,
)
