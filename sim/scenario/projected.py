"""What a running simulation looks like to the checker: each node in the canonical form that a checked world keeps it in.

A checked world's nodes are `plain` (`sim.scenario.checked`): they leave out what only clocks and numbers of deliveries tell
apart. A simulation's nodes are brought to that form here, one by one, by what a plain node would hold in their place:

* a queue's polls wait in no order, its deliveries are not numbered, and no timer ends a poll unless calls may be lost;
* a run has a timer for each of its deadlines, whatever timer tasks the server has written;
* a workflow task on a worker carries the log as it was when the task started;
* nothing has a time on it: whoever compares lets the simulation's wall clocks stand still (`StoppedClock`).

Nothing else is left out: local states, armed timers and open calls of all nodes are compared whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from msgspec import structs

from sim.model.canon import Frozen
from sim.model.inputs import Name, Tag
from sim.model.node import Node
from sim.protocol import task_requests
from sim.protocol.messages import WorkflowTask
from sim.protocol.pace import AT_ONCE
from sim.protocol.queue import TaskQueue
from sim.protocol.run import Run
from sim.protocol.shard import Shard
from sim.protocol.worker.node import Worker
from sim.simulator.places import Clock
from sim.simulator.seats import Deadline, Seat

DEADLINES = ("written", "user timers")
"""First words of the timers that the server writes for deadlines: a plain run has one for each."""


@dataclass(slots=True)
class StoppedClock(Clock):
    """A clock whose wall always shows 0, as in a checked world; durations run at `rate` thousandths of true time's speed."""

    rate: int = 1000

    def __post_init__(self) -> None:
        # Whoever reads a clock without drift takes a shortcut past its methods.
        self.drift_ppm = 1

    def true(self, us: int) -> int:
        return us * 1000 // self.rate

    def local(self, us: int) -> int:
        return us * self.rate // 1000

    def wall(self, now: int) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Station:
    """All that is known of one node: class, local state, timers that may fire, and open calls with their callees."""

    name: Name
    kind: type[Node]
    local: Frozen
    timers: frozenset[Tag]
    calls: frozenset[tuple[Tag, Name]]


def station_of(seat: Seat, answers_empty: bool) -> Station:
    """A node of a simulation as a checked world has it. `answers_empty`: of that world's queues (see `TaskQueue`)."""
    node = plainly(seat.node, answers_empty)
    timers = {tag for tag, timer in seat.timers.items() if not isinstance(timer, Deadline)}
    if isinstance(node, Run):
        written = (("written", record.ordinal, kind) for record in node.activities.values() for kind in record.written)
        timers = {tag for tag in timers if _word(tag) not in DEADLINES} | {*written, *(("user timers", o) for o in node.timers)}
    elif isinstance(node, TaskQueue) and not answers_empty:
        timers = {tag for tag in timers if _word(tag) != "poll"}
    calls = frozenset((tag, callee) for tag, (_, callee, _) in seat.calls.items())
    return Station(seat.name, type(node), node.snapshot(), frozenset(timers), calls)


def _word(tag: Tag) -> object:
    return tag[0] if isinstance(tag, tuple) else tag


def plainly(node: Node, answers_empty: bool) -> Node:
    """The node with nothing in it that a plain one does not keep."""
    match node:
        case TaskQueue():
            return replace(
                node, partitions=1, root=type(node.root)(), local={}, deliveries=0, counts=[], forwarding=None, plain=True,
                answers_empty=answers_empty,
            )  # fmt: skip
        case Shard():
            return replace(node, pace=AT_ONCE, plain=True)
        case Run():
            return _run(node)
        case Worker():
            return _worker(node)
        case _:
            return node


def _worker(worker: Worker) -> Worker:
    executor = worker.executor
    return replace(
        worker,
        executor=replace(
            executor,
            coming={run: _as_sent(task) for run, task in executor.coming.items()},
            fetching={run: _as_sent(task) for run, task in executor.fetching.items()},
            waiting={run: [_as_sent(task) for task in tasks] for run, tasks in executor.waiting.items()},
        ),
    )


def _as_sent(task: WorkflowTask) -> WorkflowTask:
    """The task without what its run has written since: within one program both have the same list, of which a task reads its part."""
    return structs.replace(task, log=task.log[: task.upto])


def _run(run: Run) -> Run:
    activities = {
        ordinal: replace(record, request="", written=set(record.deadlines())) for ordinal, record in run.activities.items()
    }  # fmt: skip
    inline = run.task.request == task_requests.INLINE
    return replace(
        run,
        spec=structs.replace(run.spec, plain=True, transaction=None),
        task=replace(run.task, request=run.task.request if inline else ""),
        activities=activities,
        timers=dict.fromkeys(run.timers, True),
    )
