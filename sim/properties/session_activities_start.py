"""Activities of an open session start at once when nothing else runs on its worker."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import TRANSFER, Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.properties.things import Activity, Session, State, Worker
from sim.protocol import observations as obs
from sim.workflow import seen

MEET = 50_000
"""How long a waiting task and a newly opened poll may take to meet in matching (P4.6.10)."""


def start_epsilon(setting: Setting) -> int:
    """How long an activity may wait for a worker on which nothing runs.

    The shard's transfer queue (55 ms); then a poll: the one before has to answer its activity first, there and back, and the
    slot that becomes free polls anew; task and poll meet in matching (50 ms).
    """
    return TRANSFER + MEET + 3 * setting.max_call_delay_us


class _Observer(Observer):
    """The clock of a waiting activity runs while its worker is idle and in reach, and stops its session is open no more."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._waiting: dict[str, dict[tuple[str, int], Activity]] = {}
        """Worker node -> unstarted activities of its open sessions."""

    def listeners(self) -> Mapping[type, Listener]:
        return {
            obs.ActivityScheduled: self._waits,
            obs.AttemptRetried: self._waits,
            obs.AttemptRecorded: self._started,
            obs.ActivityClosed: self._started,
            obs.AttemptBegan: self._occupied,
            obs.WorkerStopping: self._stopping,
            obs.FaultHappened: self._fault,
            seen.SessionStateChanged: self._changed,
            seen.SessionDetached: self._changed,
            obs.WorkflowClosed: self._closed,
        }

    def _waits(self, time: int, node: str, o: obs.ActivityScheduled | obs.AttemptRetried) -> None:
        activity = self.scene.activity(o.run, o.ordinal) if o.session else None
        if activity is None or not activity.of_user or activity.session.state is not State.OPEN or activity.session.detached:
            return
        worker = activity.session.worker
        if worker is not None and worker.stopping_at is None and worker.place.gone_at is None:
            self._waiting.setdefault(worker.node, {})[o.run, o.ordinal] = activity

    def _started(self, time: int, node: str, o: obs.AttemptRecorded | obs.ActivityClosed) -> None:
        session = self.scene.session_of_user(o.session, o.activity_type)
        if session is None or session.worker is None:
            return
        waiting = self._waiting.get(session.worker.node)
        activity = waiting.pop((o.run, o.ordinal), None) if waiting is not None else None
        if activity is not None:
            self.exercised += 1
            if not session.worker.users:
                self._judge(time, session.worker, activity)

    def _judge(self, time: int, worker: Worker, activity: Activity) -> bool:
        """Take an activity down that has waited too long for a worker that was idle until now."""
        out_of_reach = self.scene.out_of_reach_since(worker)
        since = max(activity.ready_at, worker.idle_since, worker.place.reachable_since, worker.started_at)
        if (out_of_reach is not None and out_of_reach < time) or time - since <= self.epsilon:
            return False
        message = (
            f"{activity.activity_type} of {activity.session.name} has waited {(time - since) / 1e6:.3f} s for the idle {worker.identity}"
        )
        self.violated(time, message, activity.session, worker)
        return True

    def _judge_all(self, time: int, worker: Worker) -> None:
        waiting = self._waiting.get(worker.node, {})
        for key in [key for key, activity in waiting.items() if self._judge(time, worker, activity)]:
            del waiting[key]

    def _occupied(self, time: int, node: str, o: obs.AttemptBegan) -> None:
        if node in self._waiting and len(self.scene.workers[node].users) == 1:
            self._judge_all(time, self.scene.workers[node])

    def _stopping(self, time: int, node: str, o: obs.WorkerStopping) -> None:
        worker = self.scene.workers[node]
        if not worker.users:
            self._judge_all(time, worker)
        self._waiting.pop(node, None)

    def _fault(self, time: int, node: str, fault: obs.FaultHappened) -> None:
        for waited_for in list(self._waiting):
            worker = self.scene.workers.get(waited_for)
            if worker is None:
                continue
            gone = worker.place.gone_at is not None
            if (gone or self.scene.out_of_reach_since(worker) == time) and not worker.users:
                self._judge_all(time, worker)
            if gone:
                del self._waiting[waited_for]

    def _changed(self, time: int, node: str, o: seen.SessionStateChanged | seen.SessionDetached) -> None:
        session = self.scene.sessions.get(o.session)
        if session is not None:
            self._over(time, session)

    def _over(self, time: int, session: Session) -> None:
        worker = session.worker
        waiting = self._waiting.get(worker.node) if worker is not None else None
        if worker is None or not waiting:
            return
        for key in [key for key, activity in waiting.items() if activity.session is session]:
            activity = waiting.pop(key)
            if not worker.users:
                self._judge(time, worker, activity)

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        run = self.scene.runs.get(o.run)
        for session in run.sessions.values() if run is not None else ():
            self._over(time, session)

    def finish(self, time: int) -> None:
        for node in list(self._waiting):
            worker = self.scene.workers.get(node)
            if worker is not None and not worker.users:
                self._judge_all(time, worker)


PROPERTY = Property(
    name="session_activities_start",
    sentence="No activity of an open session on a live, reachable worker stays unstarted longer than e while no user activity "
    "occupies that worker.",
    source="documentation, Use Cases: “all of them should be executed by the same worker”; the sample gives its activities a "
    "ScheduleToStartTimeout of 5 s",
    needs=(
        obs.ActivityScheduled,
        obs.AttemptRecorded,
        obs.AttemptRetried,
        obs.ActivityClosed,
        obs.AttemptBegan,
        obs.AttemptEnded,
        obs.FaultHappened,
        seen.SessionCreated,
        seen.SessionDetached,
        seen.SessionStateChanged,
        obs.WorkerStopping,
        obs.WorkflowClosed,
    ),
    observer=_Observer,
    epsilon=start_epsilon,
)
