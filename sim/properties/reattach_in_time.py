"""A host that has a process again, and a slot, takes its sessions up."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import TRANSFER, Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.properties.session_activities_start import MEET
from sim.properties.things import Session, State, Worker
from sim.protocol import observations as obs
from sim.workflow import seen
from sim.workflow.sessions import CREATION_ACTIVITY


def take_up_epsilon(setting: Setting) -> int:
    """How long a detached session may wait for a process that could take it.

    The creation activity passes the shard's transfer queue (55 ms), and meets a poll (50 ms) that is opened when the process starts or a
    slot becomes free.
    """
    return TRANSFER + MEET + 3 * setting.max_call_delay_us


class _Observer(Observer):
    """The clock runs while a creation activity waits on the queue of a host, and a process of it lives, is in reach, and has a slot
    free; a session that is taken up there meanwhile had its turn first. What happens before the session is detached is
    `failure_propagation`'s; a process that gets the activity and is lost is noticed by the heartbeat timeout, as any other.
    """

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._waiting: dict[str, int] = {}
        """Detached session -> since when its creation activity waits to be handed out."""
        self._turn: dict[str, int] = {}
        """Worker node -> when it last took a slot."""

    def listeners(self) -> Mapping[type, Listener]:
        return {
            obs.ActivityScheduled: self._waits,
            obs.AttemptRetried: self._waits,
            obs.AttemptRecorded: self._handed_out,
            seen.SessionStateChanged: self._over,
            seen.SessionCompleteCalled: self._over,
            obs.TokenTaken: self._taken,
            obs.WorkerStopping: self._stopping,
            obs.FaultHappened: self._fault,
            obs.WorkflowClosed: self._closed,
        }

    def _waits(self, time: int, node: str, o: obs.ActivityScheduled | obs.AttemptRetried) -> None:
        session = self.scene.sessions.get(o.session)
        if session is not None and session.detached and o.activity_type == CREATION_ACTIVITY:
            self._waiting[o.session] = time + (o.backoff if isinstance(o, obs.AttemptRetried) else 0)

    def _handed_out(self, time: int, node: str, o: obs.AttemptRecorded) -> None:
        if o.session in self._waiting and o.activity_type == CREATION_ACTIVITY:
            self.exercised += 1
            self._judge(time, o.session)
            self._waiting.pop(o.session, None)

    def _taken(self, time: int, node: str, o: obs.TokenTaken) -> None:
        self._turn[node] = time

    def _over(self, time: int, node: str, o: seen.SessionStateChanged | seen.SessionCompleteCalled) -> None:
        self._judge(time, o.session)
        self._waiting.pop(o.session, None)

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        run = self.scene.runs.get(o.run)
        for name in run.sessions if run is not None else ():
            self._judge(time, name)
            self._waiting.pop(name, None)

    def _stopping(self, time: int, node: str, o: obs.WorkerStopping) -> None:
        worker = self.scene.workers[node]
        for name in list(self._waiting):
            self._look(time, name, worker, stopping=True)

    def _fault(self, time: int, node: str, fault: obs.FaultHappened) -> None:
        """Whoever goes out of reach now had its time until now."""
        for worker in list(self.scene.workers.values()):
            if self.scene.out_of_reach_since(worker) == time:
                for name in list(self._waiting):
                    self._look(time, name, worker)

    def _judge(self, time: int, name: str) -> None:
        for worker in list(self.scene.workers.values()):
            if self.scene.out_of_reach_since(worker) is None and self._look(time, name, worker):
                return

    def _look(self, time: int, name: str, worker: Worker, stopping: bool = False) -> bool:
        """Take down that this worker has left the session waiting (once)."""
        session = self.scene.sessions.get(name)
        if session is None or name not in self._waiting or (session.state is not State.OPEN and session.failed_at != time):
            return False
        if not self._could(worker, session) or (worker.stopping_at is not None and not stopping):
            return False
        since = max(
            self._waiting[name], worker.started_at, worker.free_since or 0, worker.place.reachable_since, self._turn.get(worker.node, 0)
        )  # fmt: skip
        if time - since <= self.epsilon:
            return False
        del self._waiting[name]
        self.violated(time, f"{name} has waited {(time - since) / 1e6:.3f} s for {worker.identity}, which has a slot free", session, worker)
        return True

    @staticmethod
    def _could(worker: Worker, session: Session) -> bool:
        return worker.free_since is not None and bool(worker.host_queue) and worker.host_queue == session.host_queue

    def finish(self, time: int) -> None:
        for name in list(self._waiting):
            self._judge(time, name)


PROPERTY = Property(
    name="reattach_in_time",
    sentence="A host session that has lost its process is given to a process of its host within e once one that lives and is in reach has "
    "a slot free.",
    source="docs/design/host-sessions.md, Taking up; documentation, Future Work: “the session should be automatically re-established if "
    "the worker process is restarted”",
    needs=(
        obs.WorkerStarted,
        obs.TokenTaken,
        obs.TokenReturned,
        obs.FaultHappened,
        obs.WorkerStopping,
        obs.ActivityScheduled,
        obs.AttemptRetried,
        obs.AttemptRecorded,
        seen.SessionDetached,
        seen.SessionStateChanged,
        seen.SessionCompleteCalled,
        obs.WorkflowClosed,
    ),
    observer=_Observer,
    epsilon=take_up_epsilon,
)
