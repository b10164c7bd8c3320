"""No activity waits on a queue whose worker is gone."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property, Setting
from sim.properties.failure_propagation import detection_epsilon
from sim.properties.scene import Scene
from sim.properties.things import Activity
from sim.protocol import observations as obs


class _Observer(Observer):
    """Only the queue of one worker object can be left by everybody for good: when that object is gone."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._waiting: dict[str, dict[int, Activity]] = {}
        """Run -> unstarted activities on resource-specific queues by ordinal."""

    def listeners(self) -> Mapping[type, Listener]:
        return {
            obs.ActivityScheduled: self._waits,
            obs.AttemptRetried: self._waits,
            obs.AttemptRecorded: self._started,
            obs.ActivityClosed: self._started,
            obs.WorkflowClosed: self._closed,
        }

    def _waits(self, time: int, node: str, o: obs.ActivityScheduled | obs.AttemptRetried) -> None:
        activity = self.scene.activity(o.run, o.ordinal) if o.session else None
        if activity is not None and activity.task_queue in self.scene.queues:
            self._waiting.setdefault(o.run, {})[o.ordinal] = activity

    def _started(self, time: int, node: str, o: obs.AttemptRecorded | obs.ActivityClosed) -> None:
        waiting = self._waiting.get(o.run)
        activity = waiting.pop(o.ordinal, None) if waiting is not None else None
        if activity is not None:
            self._judge(time, activity)
        if waiting is not None and not waiting:
            del self._waiting[o.run]

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        for activity in self._waiting.pop(o.run, {}).values():
            self._judge(time, activity)

    def _judge(self, time: int, activity: Activity) -> None:
        worker, session = self.scene.queues[activity.task_queue], activity.session
        if worker.dead_at is None:
            return
        self.exercised += 1
        waited = time - max(activity.ready_at, worker.dead_at)
        if waited > session.effective_heartbeat + self.epsilon:
            message = f"{activity.activity_type} waited {waited / 1e6:.3f} s on {activity.task_queue}, whose worker is gone"
            self.violated(time, message, session, worker)

    def finish(self, time: int) -> None:
        for waiting in self._waiting.values():
            for activity in waiting.values():
                self._judge(time, activity)


PROPERTY = Property(
    name="no_orphan_activity",
    sentence="No activity waits longer than the detection window on a queue that nobody polls.",
    source="documentation, Q & A: “If your Activity has already been scheduled, it will be cancelled. If not, you will get a "
    "workflow.ErrSessionFailed error”",
    needs=(
        obs.ActivityScheduled,
        obs.AttemptRecorded,
        obs.AttemptRetried,
        obs.ActivityClosed,
        obs.FaultHappened,
        obs.WorkerStopped,
        obs.WorkflowClosed,
    ),
    observer=_Observer,
    epsilon=detection_epsilon,
)
