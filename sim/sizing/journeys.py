"""What becomes of each session, moment by moment: an observer of runs for queues of sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sim.protocol import observations as obs
from sim.scenario.cluster import Cluster
from sim.simulator.simulation import Simulation
from sim.workflow import seen
from sim.workflow.sessions import CREATION_ACTIVITY, FRAMEWORK_ACTIVITIES

NOT_YET = -1


@dataclass(slots=True)
class Journey:
    """The moments of the first session of a workflow, microseconds; NOT_YET where they did not come.

    `arrived`: the workflow started. `asked`: its code called CreateSession. `queued`: the server has the creation activity.
    `begun`: it recorded the start of its last attempt. `created`: the workflow has the session. `worked`, `done`: its activities
    began and ended. `freed`: the slot is free. `closed`: the workflow ended.
    """

    arrived: int
    asked: int = NOT_YET
    queued: int = NOT_YET
    begun: int = NOT_YET
    created: int = NOT_YET
    worked: int = NOT_YET
    done: int = NOT_YET
    freed: int = NOT_YET
    closed: int = NOT_YET
    worker: str = ""
    timed_out: bool = False
    failed: bool = False
    attempts: int = 0
    """Attempts of its activities that began."""
    idle_before: int = NOT_YET
    """How long the slot that it got had been free, for a slot that was used before."""
    activities: dict[int, int] = field(default_factory=dict)
    """Those that run, by ordinal: when they began."""
    work: int = 0
    """How long its activities ran, all attempts together."""

    @property
    def wait(self) -> int:
        """From asking to having the session; NOT_YET without one."""
        return self.created - self.asked if self.created != NOT_YET else NOT_YET

    @property
    def queueing(self) -> int:
        """From the server's having the creation activity to the start of its attempt; NOT_YET without one."""
        return self.begun - self.queued if self.begun != NOT_YET else NOT_YET


class Journeys:
    """Collects the journeys of a run, in the order in which workflows arrived."""

    def __init__(self) -> None:
        self.all: list[Journey] = []
        self._open: dict[str, Journey] = {}
        self._freed: dict[str, list[int]] = {}
        """By worker: when its free slots became free."""

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        """Listen from now on."""
        simulation.listen(obs.WorkflowStarted, self._started)
        simulation.listen(seen.SessionAsked, self._asked)
        simulation.listen(obs.ActivityScheduled, self._scheduled)
        simulation.listen(obs.AttemptRecorded, self._recorded)
        simulation.listen(seen.SessionCreated, self._created)
        simulation.listen(seen.SessionNotCreated, self._not_created)
        simulation.listen(seen.SessionStateChanged, self._changed)
        simulation.listen(obs.AttemptBegan, self._began)
        simulation.listen(obs.AttemptEnded, self._ended)
        simulation.listen(obs.TokenReturned, self._returned)
        simulation.listen(obs.WorkflowClosed, self._closed)

    def _started(self, time: int, node: str, o: Any) -> None:
        journey = Journey(time)
        self.all.append(journey)
        self._open[o.run] = journey

    def _asked(self, time: int, node: str, o: Any) -> None:
        journey = self._open.get(o.run)
        if journey is not None and journey.asked == NOT_YET:
            journey.asked = time

    def _scheduled(self, time: int, node: str, o: Any) -> None:
        journey = self._open.get(o.run)
        if journey is not None and o.activity_type == CREATION_ACTIVITY and journey.queued == NOT_YET:
            journey.queued = time

    def _recorded(self, time: int, node: str, o: Any) -> None:
        journey = self._open.get(o.run)
        if journey is None or o.activity_type != CREATION_ACTIVITY or journey.created != NOT_YET:
            return
        journey.begun, journey.worker = time, o.identity
        free = self._freed.get(o.identity)
        if free:
            journey.idle_before = time - free.pop()

    def _created(self, time: int, node: str, o: Any) -> None:
        journey = self._open.get(o.run)
        if journey is not None and journey.created == NOT_YET:
            journey.created = time

    def _not_created(self, time: int, node: str, o: Any) -> None:
        journey = self._open.get(o.run)
        if journey is not None and journey.created == NOT_YET:
            journey.timed_out = "TimeoutError(ScheduleToStart)" in o.error

    def _changed(self, time: int, node: str, o: Any) -> None:
        journey = self._open.get(o.run)
        if journey is not None and o.after == "Failed":
            journey.failed = True

    def _began(self, time: int, node: str, o: Any) -> None:
        journey = self._open.get(o.run)
        if journey is None or o.activity_type in FRAMEWORK_ACTIVITIES:
            return
        journey.attempts += 1
        journey.activities[o.ordinal] = time
        if journey.worked == NOT_YET:
            journey.worked = time

    def _ended(self, time: int, node: str, o: Any) -> None:
        journey = self._open.get(o.run)
        began = None if journey is None else journey.activities.pop(o.ordinal, None)
        if journey is not None and began is not None:
            journey.done = time
            journey.work += time - began

    def _returned(self, time: int, node: str, o: Any) -> None:
        self._freed.setdefault(o.identity, []).append(time)
        journey = self._open.get(o.run)
        if journey is not None:
            journey.freed = time

    def _closed(self, time: int, node: str, o: Any) -> None:
        journey = self._open.pop(o.run, None)
        if journey is not None:
            journey.closed = time
