"""What comes in the end, in a scenario without clocks: `sim.properties.pending` under weak fairness.

Fair is: a timer that may fire all the time does so in the end, unless it would be too early; a pause and a partition end. Nothing has
to go wrong: no fault, no loss. Nothing is said of runs that need one more try of something than the budget allows, nor of
those on which no worker is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sim.checker.intern import Overflow
from sim.checker.liveness import Graph, InTheEnd, leads_to
from sim.checker.result import Verdict
from sim.model.environment import RETRY, Environment
from sim.model.inputs import Move
from sim.model.instant import InstantWorld, is_retry
from sim.model.node import Node
from sim.model.system import System
from sim.model.world import Enabled, State
from sim.properties.pending import SENTENCES, HearsOf, Pending
from sim.protocol.worker.node import Worker
from sim.protocol.worker.stop import Stage
from sim.scenario.arrivals import workflow_ids
from sim.scenario.checked import WATCHER
from sim.scenario.load import Scenario
from sim.scenario.remote import RemoteWorker

LIMIT = 100_000
"""States of the graph of one promise."""


def in_the_end(
    scenario: Scenario, system: System, promises: Sequence[str] = tuple(SENTENCES), limit: int = LIMIT
) -> dict[str, InTheEnd]:  # fmt: skip
    """Which of `SENTENCES` are kept. `system`: the scenario's, without ticks; what it watches is left out.

    Raises ValueError for a promise that there is none of.
    """
    for promise in promises:
        if promise not in SENTENCES:
            raise ValueError(f"there is no promise {promise!r} of what comes in the end; there are: {', '.join(SENTENCES)}")
    watched = waiting(scenario, system, promises)
    try:
        graph = Graph.of(watched.world, limit)
    except Overflow as stop:
        return {promise: InTheEnd(Verdict.UNDECIDABLE, None, limit, str(stop)) for promise in promises}
    return {promise: _judged(watched, graph, promise) for promise in promises}


def _judged(system: System, graph: Graph, promise: str) -> InTheEnd:
    assert isinstance(system.world, InstantWorld)
    states = len(graph.states)
    if not any(Pends(promise, ever=True)(state) for state in graph.states):
        return InTheEnd(Verdict.NOT_EXERCISED, None, states)
    due = Pends(promise)
    lasso = leads_to(system, due, lambda state: not due(state), is_fair, beyond=Beyond(system.world), graph=graph)
    return InTheEnd(Verdict.BROKEN if lasso is not None else Verdict.HELD, lasso, states)


def waiting(scenario: Scenario, system: System, promises: Sequence[str]) -> System:
    """The system with nothing watched but these promises, each once for each workflow."""
    world = system.world
    assert isinstance(world, InstantWorld)
    nodes = {name: node for name, node in world.nodes.items() if name not in world.watchers}
    ids = [workflow for section in scenario.model.workflows for workflow in workflow_ids(section) or ()]
    hears = {f"{WATCHER}/{promise}/{workflow}": HearsOf(workflow) for promise in promises for workflow in ids}
    more: Mapping[str, Node] = {name: Pending(name.split("/")[1]) for name in hears}
    return System(replace(world, nodes={**nodes, **more}, watchers=hears), symmetry=system.symmetry)


def is_fair(choice: Enabled) -> bool:
    """What may not be possible for ever without being done."""
    match choice.event:
        case Move(label=(kind, _)):
            return kind in ("resume", "heal")
        case _:
            return not choice.lost and not choice.slow


@dataclass(frozen=True, slots=True)
class Pends:
    """Whether anything is due by a promise, or with `ever` was so far."""

    promise: str
    ever: bool = False

    def __call__(self, state: State) -> bool:
        return any(self._in(kind.restored(local)) for _, kind, local in state.nodes if issubclass(kind, Pending))

    def _in(self, node: Node) -> bool:
        return isinstance(node, Pending) and node.promise == self.promise and (node.tested if self.ever else bool(node.due))


@dataclass(frozen=True, slots=True)
class Beyond:
    """States in which no worker is left, or something would be tried again and is not, since the budget is spent."""

    world: InstantWorld

    def __call__(self, state: State) -> bool:
        kinds: dict[str, type[Node]] = {name: kind for name, kind, _ in state.nodes}
        nodes = [(kind, local) for _, kind, local in state.nodes if issubclass(kind, Worker | RemoteWorker)]
        if not any(_works(kind.restored(local)) for kind, local in nodes):
            return True
        if not any(is_retry(kinds.get(timer.node), timer.tag) for timer in state.timers):
            return False
        local = next(local for name, _, local in state.nodes if name == self.world.environment)
        environment = kinds[self.world.environment].restored(local)
        return isinstance(environment, Environment) and RETRY.kind not in environment.grants()


def _works(node: Node) -> bool:
    worker = node.worker if isinstance(node, RemoteWorker) else node
    return isinstance(worker, Worker) and worker.stop.stage is Stage.RUNNING
