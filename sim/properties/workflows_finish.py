"""Every workflow comes to an end once nothing is wrong any more.

No promise of the session framework but a demand on a scenario, so it stands beside the promises (`DEMANDS`), and is judged
where the scenario says from when on nothing is wrong, and how long what is pending may take then.
"""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.protocol import observations as obs


class _Observer(Observer):
    """Keeps the open runs, with the times of their starts; a workflow that continues as new is one all along."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._since: dict[str, int] = {}

    def listeners(self) -> Mapping[type, Listener]:
        if self.setting.finish_within_us is None:
            return {}
        return {obs.WorkflowStarted: self._started, obs.WorkflowClosed: self._closed}

    def _started(self, time: int, node: str, o: obs.WorkflowStarted) -> None:
        self._since.setdefault(o.workflow_id, time)

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        if not o.next_run and o.workflow_id in self._since:
            self.exercised += time >= self.setting.quiet_from_us
            self._judge(time, o.workflow_id, self._since.pop(o.workflow_id), f"ends {o.status}")

    def _judge(self, time: int, workflow: str, since: int, what: str) -> None:
        waited = time - max(since, self.setting.quiet_from_us)
        assert self.setting.finish_within_us is not None
        if waited > self.setting.finish_within_us:
            quiet = self.setting.quiet_from_us / 1e6
            self.violated(time, f"workflow {workflow} {what} {waited / 1e6:.3f} s after {quiet:g} s, when the last fault was over")

    def finish(self, time: int) -> None:
        for workflow, since in self._since.items():
            self.exercised += 1
            # When nothing is left to happen before the end, nothing will have happened by the end.
            self._judge(max(time, self.setting.until_us), workflow, since, "is still open")


PROPERTY = Property(
    name="workflows_finish",
    sentence="Once all faults are over, every workflow ends within the time that the scenario gives it.",
    source="fuzz.finish_within of the scenario",
    needs=(obs.WorkflowStarted, obs.WorkflowClosed),
    observer=_Observer,
)
