"""CreateSession does not fail while there is room."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.properties.things import Session, State, Worker
from sim.protocol import observations as obs
from sim.workflow import seen
from sim.workflow.sessions import CREATION_ACTIVITY, CREATION_QUEUE_SUFFIX


class _Observer(Observer):
    """Who had room is decided when the server ends the creation, a workflow task before the call returns; or when that gives up."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._room: dict[str, Worker | None] = {}
        """Session whose creation the server has ended -> a worker that had room for it all the time."""

    def listeners(self) -> Mapping[type, Listener]:
        return {
            obs.ActivityClosed: self._ended,
            seen.SessionCreated: self._created,
            seen.SessionNotCreated: self._failed,
            obs.WorkflowClosed: self._closed,
        }

    def _ended(self, time: int, node: str, o: obs.ActivityClosed) -> None:
        if o.activity_type != CREATION_ACTIVITY:
            return
        session = self.scene.sessions.get(o.session)
        waiting = session is not None and session.state is State.ASKED and not session.recreated and session.creation_timeout
        if session is not None and waiting and not o.how.startswith("canceled"):
            self._room[session.name] = self._with_room(session, time)

    def _with_room(self, session: Session, time: int) -> Worker | None:
        since = time - session.creation_timeout
        for worker in self.scene.workers.values():
            if worker.task_queue + CREATION_QUEUE_SUFFIX == session.queue and self._had_room(worker, since):
                return worker
        return None

    def _had_room(self, worker: Worker, since: int) -> bool:
        if worker.dead_at is not None:
            return False
        if worker.free_since is None or worker.stopping_at is not None or not worker.resource_queue:
            return False
        if self.scene.out_of_reach_since(worker) is not None:
            return False
        return max(worker.started_at, worker.free_since, worker.place.reachable_since) <= since

    def _created(self, time: int, node: str, o: seen.SessionCreated) -> None:
        self.exercised += 1
        self._room.pop(o.session, None)

    def _failed(self, time: int, node: str, o: seen.SessionNotCreated) -> None:
        if o.again:
            self._room.pop(o.session, None)
        if o.again or o.refused or "CanceledError" in o.error:
            return
        self.exercised += 1
        ended = o.session in self._room
        session = self.scene.sessions.get(o.session)
        worker = self._room.pop(o.session, None)
        if not ended and session is not None and session.creation_timeout and not session.recreated:
            # The call has given up by itself: the server has ended nothing yet.
            worker = self._with_room(session, time)
        if worker is not None:
            message = f"{o.session} is not created ({o.error}); {worker.identity} had a free slot all the time"
            self.violated(time, message, session, worker)

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        run = self.scene.runs.get(o.run)
        for name in run.sessions if run is not None and self._room else ():
            self._room.pop(name, None)


PROPERTY = Property(
    name="creation_uses_free_slots",
    sentence="CreateSession does not fail while a live, reachable worker has had a free slot throughout its last CreationTimeout.",
    source="documentation, Basic Usage: “If all the workers are currently busy and unable to handle new sessions, the framework will keep "
    "retrying until the CreationTimeout you specified in SessionOptions has passed before returning an error”",
    needs=(
        obs.WorkerStarted,
        obs.TokenTaken,
        obs.TokenReturned,
        obs.ActivityClosed,
        obs.FaultHappened,
        seen.SessionNotCreated,
        seen.SessionCreated,
        obs.WorkflowClosed,
    ),
    observer=_Observer,
)
