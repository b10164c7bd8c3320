"""What shows of changes between SDK versions that break no promise of sessions: what a user sees, as a property.

Each is held to the same run without the change as well, so none of them has to be true of everything that a worker does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sim.history.events import ActivityTaskScheduled, Wrote
from sim.properties.base import Listener, Observer, Property
from sim.protocol import observations as obs
from sim.workflow.sessions import COMPLETION_ACTIVITY, CREATION_ACTIVITY

SLACK_US: Final = 500_000
"""What a stop may take beyond the time that it gives to what runs."""
SHUTDOWN: Final = "worker is stopping"
CANCELED: Final = "canceled"


class _StopTakesItsTime(Observer):
    """From the moment at which a stop cancels the sessions of a worker."""

    def listeners(self) -> Mapping[type, Listener]:
        self._cancelled: dict[str, int] = {}
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

    def listeners(self) -> Mapping[type, Listener]:
        self._told: set[tuple[str, str, int, int]] = set()
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


class _PanicCommitsNothing(Observer):
    """A workflow that panics before it completes its session asks for nothing while the panic unwinds."""

    def listeners(self) -> Mapping[type, Listener]:
        self._panics: set[str] = set()
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
    needs=(obs.AttemptContextDone, obs.WorkerStopped),
    observer=_StopTakesItsTime,
)
CANCELLED_IS_NO_SHUTDOWN: Final = Property(
    name="cancelled_is_no_shutdown",
    sentence="A creation activity that was cancelled does not end as SessionWorkerShutdown.",
    source="docs/PROTOCOL.md, section 5, 1.37.0",
    needs=(obs.AttemptContextDone, obs.AttemptEnded),
    observer=_CancelledIsNoShutdown,
)
PANIC_COMMITS_NOTHING: Final = Property(
    name="panic_commits_nothing",
    sentence="A deferred CompleteSession commits nothing while a panic unwinds.",
    source="P1.5.11",
    needs=(obs.WorkflowStarted, Wrote),
    observer=_PanicCommitsNothing,
)
