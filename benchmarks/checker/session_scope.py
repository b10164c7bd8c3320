"""How large the session protocol is without a clock and without any reduction: `python -m benchmarks.checker.session_scope`.

The nodes are those that simulations run (shard, task queues, runs, workers), in a world in which any timer may fire at
any time. What is printed is where the states come from: local states by class of node, handler calls, mail, and how
the search grows until it is stopped.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from sim.checker.keys import Fingerprints
from sim.checker.predicates import Predicates
from sim.checker.rules import Change, Rules
from sim.checker.search import Progress, Search
from sim.checker.warm import warm
from sim.model.canon import freeze, sort_key
from sim.model.inputs import Deliver, Fault, Fired, Reply
from sim.model.node import Node
from sim.model.world import Enabled, Network, Parcel, State, World
from sim.protocol import messages as msg
from sim.protocol.names import activity_queue, shard_name, workflow_queue
from sim.protocol.queue import TaskQueue
from sim.protocol.shard import Shard
from sim.protocol.worker.options import WorkerOptions
from sim.protocol.worker.variants import make_worker
from sim.workflow.script import SCRIPT
from sim.workflow.sessions import CREATION_QUEUE_SUFFIX

PROGRAM = [
    {"op": "create", "as": "s", "creation": "60s", "execution": "600s"},
    {"op": "defer_complete", "in": "s"},
    {"op": "act", "in": "s", "work": {"name": "work", "ms": 2000}},
]


@dataclass(frozen=True, slots=True)
class Begun(World):
    """A world that begins in a state of its own: processes are started, clients have asked."""

    first: State | None = None

    def initial(self) -> State:
        assert self.first is not None
        return self.first


def protocol(workers: int, slots: int, workflows: int, network: Network) -> Begun:
    """A cluster of this size, each worker with as few pollers as it can work with, and all clients' requests on their way."""
    options = WorkerOptions(
        max_concurrent_session_execution_size=slots,
        max_concurrent_activity_task_pollers=1,
        max_concurrent_workflow_task_pollers=2,
        max_concurrent_workflow_task_execution_size=2,
    )
    nodes: dict[str, Node] = {shard_name(0): Shard()}
    for queue in (workflow_queue("q"), activity_queue("q"), activity_queue("q" + CREATION_QUEUE_SUFFIX)):
        nodes[queue] = TaskQueue(1)
    names = []
    for number in range(1, workers + 1):
        worker = make_worker(f"w{number}", f"host{number}", "q", f"w{number}.1", options, {"Script": SCRIPT}, {})
        nodes[worker.executor.sticky_queue] = TaskQueue(1, sticky=True)
        nodes[activity_queue(worker.resource_queue)] = TaskQueue(1)
        names.append(f"w{number}.1/w{number}")
        nodes[names[-1]] = worker
    plain = World(nodes, network)
    state = plain.initial()
    for name in names:
        ((_, state),) = plain.apply(state, Enabled(name, Fault("start")))
    asked = [
        Parcel("client", shard_name(0), Deliver(msg.StartWorkflow(f"job{n}", "Script", "q", {"steps": PROGRAM}), "client"))
        for n in range(1, workflows + 1)
    ]
    return Begun(nodes, network, None, replace_mail(state, asked))


def replace_mail(state: State, more: list[Parcel]) -> State:
    """The state with more mail."""
    frozen = [Parcel(p.source, p.to, freeze(p.event)) for p in more]  # type: ignore[arg-type]
    return State(state.nodes, tuple(sorted([*state.mail, *frozen], key=sort_key)), state.timers, state.calls)


class Quiet(Rules):
    """Rules under which timers whose tag begins with one of these words never fire: what a guard for them would save."""

    never: frozenset[str] = frozenset()

    def by_itself(self, number: int) -> list[Change]:
        return [
            change
            for change in super().by_itself(number)
            if not isinstance(change.event, Fired) or kind_of(change.event.tag) not in self.never
        ]


def kind_of(tag: object) -> str:
    """The first word of a timer's tag."""
    return str(tag[0] if isinstance(tag, tuple) else tag)


class Enough(Exception):
    """The time is over."""


def main() -> None:
    """Search for a while, and say what was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--workflows", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--memory", type=float, default=4, help="GiB")
    parser.add_argument("--network", choices=[network.name.lower() for network in Network], default="bag")
    parser.add_argument("--never", nargs="*", default=[], help="timers that never fire, by the first word of their tag")
    arguments = parser.parse_args()
    world = protocol(arguments.workers, arguments.slots, arguments.workflows, Network[arguments.network.upper()])
    warm(world)
    began = perf_counter()
    depths: list[tuple[int, int]] = []

    def watch(progress: Progress) -> None:
        if not depths or depths[-1][0] != progress.depth:
            depths.append((progress.depth, progress.states))
        if perf_counter() - began > arguments.seconds:
            raise Enough

    search = Search(world, Fingerprints(), Predicates({}, {}), memory=int(arguments.memory * 2**30), watch=watch)
    rules = Quiet(world, search.compiler.interner, search.compiler.handlers)
    rules.never = frozenset(arguments.never)
    search.compiler.rules = rules
    stopped = "complete"
    try:
        stopped = search.run().stopped or stopped
    except Enough:
        stopped = f"{arguments.seconds:g} s"
    report(search, depths, perf_counter() - began, stopped)


def report(search: Search, depths: list[tuple[int, int]], seconds: float, stopped: str) -> None:
    """Print where states come from."""
    found, interner = search.found, search.compiler.interner
    print(f"{found.states:,} states, {found.generated:,} successors, depth {found.depth}, {seconds:.1f} s; stopped by: {stopped}")
    print("states by depth: " + ", ".join(f"{depth}: {states:,}" for depth, states in depths[:: max(1, len(depths) // 12)]))
    stations, locals_ = Counter[str](), Counter[str]()
    seen: set[Any] = set()
    for station in interner.stations:
        if station is not None and station.kind is not None:
            stations[station.kind.__name__] += 1
            if (station.kind, station.local) not in seen:
                seen.add((station.kind, station.local))
                locals_[station.kind.__name__] += 1
    for kind in stations:
        calls = sum(n for k, n in search.compiler.handlers.calls.items() if k.__name__ == kind)
        print(f"  {kind}: {locals_[kind]:,} local states, {stations[kind]:,} with timers and calls, {calls:,} handler calls")
    inputs = Counter(type(change.event).__name__ for change in search.compiler.changes)
    print(f"outcomes by input: {dict(inputs)}; {len(interner.parcels):,} different messages, mail up to {search.layer.mail} long")
    fired = Counter(kind_of(change.event.tag) for change in search.compiler.changes if isinstance(change.event, Fired))
    print(f"timers that fire: {dict(fired.most_common(12))}")
    kinds = Counter(type(p.event.message).__name__ for p in interner.parcels if p is not None and isinstance(p.event, Deliver | Reply))
    print(f"messages by class: {dict(kinds.most_common(12))}")


if __name__ == "__main__":
    main()
