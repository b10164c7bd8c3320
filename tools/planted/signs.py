"""What shows of changes between SDK versions that break no promise of sessions: what a user sees, as a property.

Each is held to the same run without the change as well, so none of them has to be true of everything that a worker does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sim.history.events import ActivityTaskScheduled, Wrote
from sim.properties.base import Listener, Observer, Property, Setting, Subject
from sim.properties.scene import Scene
from sim.properties.things import State
from sim.protocol import observations as obs
from sim.workflow import seen
from sim.workflow.sessions import COMPLETION_ACTIVITY, CREATION_ACTIVITY

SLACK_US: Final = 500_000
"""What a stop may take beyond the time that it gives to what runs."""
TOLD_US: Final = 12_000_000
"""How long a workflow may take to hear of a failure: its task may wait 10 s at a worker that is gone. A lost worker is noticed later."""
SHUTDOWN: Final = "worker is stopping"
CANCELED: Final = "canceled"


class _StopTakesItsTime(Observer):
    """From the moment at which a stop cancels the sessions of a worker."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._cancelled: dict[str, int] = {}

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.AttemptContextDone: self._done, obs.WorkerStopped: self._stopped}

    def _done(self, time: int, node: str, o: obs.AttemptContextDone) -> None:
        if o.cause == SHUTDOWN:
            self._cancelled.setdefault(node, time)

    def _stopped(self, time: int, node: str, o: obs.WorkerStopped) -> None:
        worker, began = self.scene.workers[node], self._cancelled.pop(node, time)
        self.exercised += 1
        if time - began > worker.stop_timeout + SLACK_US:
            took, given = (time - began) / 1e6, worker.stop_timeout / 1e6
            self.violated(time, f"{o.identity} stops {took:.1f} s after it cancelled its sessions; WorkerStopTimeout is {given:g} s")


class _CancelledIsNoShutdown(Observer):
    """A creation activity whose cancellation was asked for does not say that its worker stops while it does not."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._told: set[tuple[str, str, int, int]] = set()

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.AttemptContextDone: self._done, obs.AttemptEnded: self._ended}

    def _done(self, time: int, node: str, o: obs.AttemptContextDone) -> None:
        if o.activity_type == CREATION_ACTIVITY and o.cause == CANCELED:
            self._told.add((node, o.run, o.ordinal, o.attempt))

    def _ended(self, time: int, node: str, o: obs.AttemptEnded) -> None:
        if (node, o.run, o.ordinal, o.attempt) in self._told:
            self._told.discard((node, o.run, o.ordinal, o.attempt))
            self.exercised += 1
            if "SessionWorkerShutdown" in o.outcome:
                self.violated(time, f"the creation activity of {o.session} says that {o.identity} stops; it was cancelled", run=o.run)


class _StopIsTold(Observer):
    """From the moment at which a stop cancels a creation activity until workflow code has heard of it."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._untold: dict[str, int] = {}

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.AttemptContextDone: self._done, seen.SessionStateChanged: self._told, obs.WorkflowClosed: self._closed}

    def _done(self, time: int, node: str, o: obs.AttemptContextDone) -> None:
        session = self.scene.sessions.get(o.session)
        if o.activity_type == CREATION_ACTIVITY and o.cause == SHUTDOWN and session is not None and session.state is State.OPEN:
            self._untold[o.session] = time

    def _told(self, time: int, node: str, o: seen.SessionStateChanged) -> None:
        self._judge(time, o.session)

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        for session in [name for name in self._untold if self.scene.sessions[name].run.name == o.run]:
            self._judge(time, session)

    def _judge(self, time: int, session: str) -> None:
        began = self._untold.pop(session, time)
        self.exercised += 1
        if time - began > TOLD_US:
            self.violated(time, f"the workflow of {session} knows {(time - began) / 1e6:.1f} s after it that a stop has ended the session")

    def finish(self, time: int) -> None:
        for session in list(self._untold):
            self._judge(time, session)


class _SessionsHaveSlots(Observer):
    """Of activities of open sessions that wait although no activity of a session runs on their worker."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._waiting: dict[tuple[str, int], int] = {}

    def listeners(self) -> Mapping[type, Listener]:
        return {
            obs.ActivityScheduled: self._scheduled,
            obs.AttemptRecorded: self._over,
            obs.ActivityClosed: self._over,
            obs.AttemptBegan: self._began,
            obs.FaultHappened: self._fault,
        }

    def _scheduled(self, time: int, node: str, o: obs.ActivityScheduled) -> None:
        activity = self.scene.activity(o.run, o.ordinal) if o.session else None
        worker = activity.session.worker if activity is not None and activity.of_user else None
        if worker is not None and not any(session is not None for _, session in worker.users.values()):
            self._waiting[o.run, o.ordinal] = time

    def _over(self, time: int, node: str, o: obs.AttemptRecorded | obs.ActivityClosed) -> None:
        self._judge(time, (o.run, o.ordinal))

    def _began(self, time: int, node: str, o: obs.AttemptBegan) -> None:
        if self.scene.session_of_user(o.session, o.activity_type) is not None:
            self._waiting.clear()

    def _fault(self, time: int, node: str, o: obs.FaultHappened) -> None:
        self._waiting.clear()

    def _judge(self, time: int, key: tuple[str, int]) -> None:
        began = self._waiting.pop(key, None)
        if began is None:
            return
        self.exercised += 1
        if time - began > SLACK_US:
            late = (time - began) / 1e6
            self.violated(
                time, f"activity {key[1]} of {key[0]} waits {late:.1f} s, and no activity of a session runs on its worker", run=key[0]
            )

    def finish(self, time: int) -> None:
        for key in list(self._waiting):
            self._judge(time, key)


class _PanicCommitsNothing(Observer):
    """A workflow that panics before it completes its session asks for nothing while the panic unwinds."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._panics: set[str] = set()

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.WorkflowStarted: self._started, Wrote: self._wrote}

    def _started(self, time: int, node: str, o: obs.WorkflowStarted) -> None:
        if o.workflow_type == "panics":
            self._panics.add(node)

    def _wrote(self, time: int, node: str, wrote: Wrote) -> None:
        for written in wrote.events if node in self._panics else ():
            event = written.event
            self.exercised += 1
            if isinstance(event, ActivityTaskScheduled) and event.command.activity_type == COMPLETION_ACTIVITY:
                self.violated(time, f"{wrote.run} panics, and CompleteSession, which it deferred, is committed", run=wrote.run)


STOP_TAKES_ITS_TIME: Final = Property(
    name="stop_takes_its_time",
    sentence="A stop gives sessions that it has cancelled no longer than WorkerStopTimeout.",
    source="P3.8.4",
    needs=(obs.WorkerStarted, obs.WorkerStopping, obs.AttemptContextDone, obs.WorkerStopped),
    observer=_StopTakesItsTime,
    times=("_cancelled",),
    subject=Subject.WORKER,
)
CANCELLED_IS_NO_SHUTDOWN: Final = Property(
    name="cancelled_is_no_shutdown",
    sentence="A creation activity that was cancelled does not end as SessionWorkerShutdown.",
    source="docs/PROTOCOL.md, section 5, 1.37.0",
    needs=(obs.AttemptContextDone, obs.AttemptEnded),
    observer=_CancelledIsNoShutdown,
    timeless=True,
)
PANIC_COMMITS_NOTHING: Final = Property(
    name="panic_commits_nothing",
    sentence="A deferred CompleteSession commits nothing while a panic unwinds.",
    source="P1.5.11",
    needs=(obs.WorkflowStarted, Wrote),
    observer=_PanicCommitsNothing,
    timeless=True,
)
STOP_IS_TOLD: Final = Property(
    name="stop_is_told",
    sentence="A workflow hears of a graceful stop that ends its session sooner than of a lost worker.",
    source="docs/PROTOCOL.md, section 5, 1.35.0",
    needs=(seen.SessionCreated, obs.AttemptContextDone, seen.SessionStateChanged, obs.WorkflowClosed),
    observer=_StopIsTold,
    times=("_untold",),
)
SESSIONS_HAVE_SLOTS: Final = Property(
    name="sessions_have_slots",
    sentence="An activity of a session does not wait for activities that belong to none.",
    source="docs/PROTOCOL.md, section 5, 1.31.0",
    needs=(seen.SessionCreated, obs.ActivityScheduled, obs.AttemptRecorded, obs.ActivityClosed, obs.AttemptBegan, obs.FaultHappened),
    observer=_SessionsHaveSlots,
    times=("_waiting",),
)
