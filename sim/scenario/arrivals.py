"""When workflows start: at given times, one after the other by a law, in bursts, or whenever one closes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

from sim.model.laws import Exponential
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.scenario.cluster import Cluster
from sim.scenario.schema import WorkflowSection
from sim.simulator.simulation import Simulation


class Arrivals:
    """The starts of one table's workflows.

    Draws are named by the table and the number of the arrival, so that no arrival's time depends on how the run goes;
    in a closed loop a workflow is named by its place in the loop, `ID-PLACE.NUMBER`.
    """

    def __init__(self, cluster: Cluster, section: WorkflowSection, workflow_type: str, task_queue: str) -> None:
        self.cluster = cluster
        self.sim: Simulation = cluster.sim
        self.section = section
        self.workflow_type = workflow_type
        self.task_queue = task_queue
        self.started = 0
        self.coming = 0
        """Starts that are on the agenda."""
        self._times: Iterator[tuple[int, str]] = iter(())
        self._places: dict[str, tuple[int, int]] = {}
        """Open workflows of a closed loop: id -> (place, number)."""

    @property
    def over(self) -> bool:
        """Whether no more workflows will start."""
        return self.coming == 0 and self.cluster.requests_waiting == 0

    def begin(self) -> None:
        """Put the first starts on the agenda."""
        closed = self.section.arrival.closed
        if closed is None:
            self._times = self._all()
            self._next()
        else:
            self.sim.listen(obs.WorkflowClosed, self._workflow_closed)
            limit = closed.population if closed.total is None else min(closed.population, closed.total)
            for place in range(1, limit + 1):
                self._start_in(place, 1, self.section.arrival.start)

    # -- open arrivals -------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        """One arrival at a time is on the agenda: there may be millions."""
        coming = next(self._times, None)
        if coming is None:
            return
        time, workflow_id = coming
        self.coming += 1

        def start() -> None:
            self.coming -= 1
            self.started += 1
            self._request(workflow_id)
            self._next()

        self.sim.schedule(max(time, self.sim.now), f"start {workflow_id}", start)

    def _all(self) -> Iterator[tuple[int, str]]:
        """Times and ids of all arrivals, in order of time."""
        ids = workflow_ids(self.section)
        assert ids is not None
        return zip(arrival_times(self.section, self.sim), ids, strict=False)

    # -- closed loop ---------------------------------------------------------------------------------------------------

    def _start_in(self, place: int, number: int, time: int) -> None:
        workflow_id = f"{self.section.id}-{place}.{number}"
        self.coming += 1
        self.started += 1

        def start() -> None:
            self.coming -= 1
            self._places[workflow_id] = (place, number)
            self._request(workflow_id)

        self.sim.schedule(time, f"start {workflow_id}", start)

    def _workflow_closed(self, time: int, node: str, closed: object) -> None:
        assert isinstance(closed, obs.WorkflowClosed)
        if closed.next_run or closed.workflow_id not in self._places:
            return
        place, number = self._places.pop(closed.workflow_id)
        loop = self.section.arrival.closed
        assert loop is not None
        if loop.total is None or self.started < loop.total:
            wait = self.sim.choices.sample_at("think", f"{self.section.id}-{place}", number, loop.think)
            self._start_in(place, number + 1, time + wait)

    # -- starting ------------------------------------------------------------------------------------------------------

    def _request(self, workflow_id: str) -> None:
        section = self.section
        argument = section.input if section.program is None else {"steps": section.program}
        self.cluster.start_workflow(
            msg.StartWorkflow(
                workflow_id,
                self.workflow_type,
                self.task_queue,
                argument,
                section.execution_timeout,
                section.run_timeout,
                section.task_timeout,
            )
        )


def arrival_times(section: WorkflowSection, sim: Simulation) -> Iterator[int]:
    """The times of a table's arrivals in order, microseconds; without a limit they go on for ever."""
    arrival, total = section.arrival, section.count
    numbers = count(1) if total is None else range(1, total + 1)
    if arrival.poisson is not None or arrival.every is not None:
        law = arrival.every if arrival.poisson is None else Exponential(arrival.poisson)
        assert law is not None
        time = arrival.start
        for number in numbers:
            time += sim.choices.sample_at("arrival", section.id, number, law)
            yield time
    elif arrival.burst is not None:
        for number in numbers:
            yield arrival.start + (number - 1) // arrival.burst.size * arrival.burst.every
    elif isinstance(arrival.file, list):
        yield from (arrival.start + time for time in sorted(arrival.file))
    else:
        yield from (arrival.start + time for time in sorted(arrival.at or [0]) for _ in range(total or 1))


def workflow_ids(section: WorkflowSection) -> Iterator[str] | None:
    """The ids a table's workflows get in order; None for a closed loop, whose ids depend on the run."""
    arrival, total = section.arrival, section.count
    if arrival.closed is not None:
        return None
    if arrival.poisson is not None or arrival.every is not None or arrival.burst is not None:
        return (f"{section.id}-{n}" for n in (count(1) if total is None else range(1, total + 1)))
    times = len(arrival.file) if isinstance(arrival.file, list) else (total or 1) * len(arrival.at or [0])
    return iter((section.id,)) if times == 1 else (f"{section.id}-{n}" for n in range(1, times + 1))


def may_start(section: WorkflowSection, workflow_id: str) -> bool:
    """Whether this table may start a workflow of this id."""
    ids = workflow_ids(section)
    if section.count is None and ids is not None and (section.arrival.poisson or section.arrival.every or section.arrival.burst):
        return re.fullmatch(re.escape(section.id) + r"-[1-9]\d*", workflow_id) is not None
    if ids is None:
        return re.fullmatch(re.escape(section.id) + r"-[1-9]\d*\.[1-9]\d*", workflow_id) is not None
    return workflow_id in ids
