"""A scenario as a system to check: its workers and workflows without exact clocks, and budgets in place of its faults.

All workflows are started at first; delays, latencies and arrivals are none. How long timers and activities last counts
only where time passes in ticks.
Each worker has as few pollers as it can work with, since further ones do nothing that these cannot; this and what else is left out
since it changes no verdict can be put back (`Reductions`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from sim.model.canon import freeze
from sim.model.inputs import Deliver, Fault, Name, Reply
from sim.model.instant import InstantWorld
from sim.model.laws import Constant, Law
from sim.model.node import Node
from sim.model.outcomes import Remembered
from sim.model.promises import Everywhere
from sim.model.renaming import rename
from sim.model.system import System
from sim.model.windows import Ticks
from sim.model.words import Words, ambiguous
from sim.model.world import Network, Parcel
from sim.properties import KNOWN, is_own
from sim.properties.automaton import Audience, Watcher, audience, in_ticks, timeless
from sim.properties.base import Subject
from sim.protocol import messages as msg
from sim.protocol.names import SERVER, activity_queue, host_queue, shard_name, workflow_queue
from sim.protocol.pace import Pace
from sim.protocol.queue import TaskQueue
from sim.protocol.resource import RESOURCE, Resource
from sim.protocol.shard import Shard
from sim.scenario.arrivals import workflow_ids
from sim.scenario.behaviours import behaviour_of
from sim.scenario.cluster import CLIENT, demand_queues, owner
from sim.scenario.code import definitions_of, find_definition
from sim.scenario.load import Scenario
from sim.scenario.operator import (
    CANCELS,
    CRASHES,
    DUPLICATES,
    LOST_MACHINES,
    PARTITIONS,
    PAUSES,
    RESTARTS,
    STOPS,
    Blueprint,
    Operator,
)
from sim.scenario.schema import ScenarioModel
from sim.scenario.workers import worker_plans
from sim.workflow.script import SCRIPT
from sim.workflow.sessions import CREATION_QUEUE_SUFFIX
from sim.workflow.variants import Variant

OPERATOR, WATCHER = "operator", "watcher"
UNLIMITED: Final = -1
A_MOMENT: Final = Pace(workflow_task=Constant(1_000))
"""A workflow task is started and completed in two steps: much can come between."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How often what may happen; -1 for as often as it likes. `slow`: timers that fire although something comes before them.

    `retries`: of activities, and of workflow tasks that timed out, all together; with any number there is no end of states.
    """

    crashes: int = 0
    restarts: int = 0
    stops: int = 0
    cancels: int = 0
    lost_requests: int = 0
    lost_responses: int = 0
    lost_machines: int = 0
    pauses: int = 0
    partitions: int = 0
    duplicates: int = 0
    slow: int = 0
    retries: int = 3

    def budgets(self) -> dict[str, int]:
        """As the environment counts them."""
        return {
            CRASHES: self.crashes, RESTARTS: self.restarts, STOPS: self.stops, CANCELS: self.cancels,
            "lost request": self.lost_requests, "lost response": self.lost_responses, "slow": self.slow, "retry": self.retries,
            **self._seldom(),
        }  # fmt: skip

    def _seldom(self) -> dict[str, int]:
        """Those for which workers need more than themselves: only if they may happen."""
        kinds = {LOST_MACHINES: self.lost_machines, PAUSES: self.pauses, PARTITIONS: self.partitions, DUPLICATES: self.duplicates}
        return {kind: count for kind, count in kinds.items() if count}


@dataclass(frozen=True, slots=True)
class Reductions:
    """What is left out of a world since it changes no verdict. Nodes in parts are the search's (`Options.parts`)."""

    chains: bool = True
    """What one choice sets off is carried out at once; else each delivery is a choice, and what is between two of them a state."""
    queues: bool = True
    """Deliveries are not numbered, open polls have no order and no end; else as the server has them."""
    pollers: bool = True
    """As few as a worker can work with; else as its options say."""

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are made."""
        return tuple(name for name, made in asdict(self).items() if made)


NO_REDUCTIONS: Final = Reductions(chains=False, queues=False, pollers=False)


class NotCheckable(ValueError):
    """The scenario cannot be checked; the message lists all reasons."""


def system_of(
    scenario: Scenario, bounds: Bounds, properties: Sequence[str] | None = None, reductions: Reductions = Reductions(),
    ticks: Ticks | None = None, travel: bool = False,
) -> System:  # fmt: skip
    """The system, with the properties that a watcher can judge there as its promises: without ticks those that are not about time.

    With `ticks`, timers last as long as they do, to within a unit (`sim.model.windows`); without, they fire at any moment.
    With `travel`, what goes between workers and the server is on its way for a while, each message for itself: it arrives in any
    order, but before any timer fires unless that comes before its time (`slow`). Without, it arrives at once, in the order of sending.

    Raises:
        NotCheckable: it has an endless number of workflows, or activities that fail by chance.
        ValueError: a property of this name does not exist, or is about time; messages travel that are to arrive one by one.
    """
    if travel and not reductions.chains:
        raise ValueError("messages that travel are choices of their own: expected the reduction `chains`, or messages at once")
    model = scenario.model
    reasons = list(_reasons(model))
    if reasons:
        raise NotCheckable(f"{scenario.source} cannot be checked:\n" + "\n".join(f"  {reason}" for reason in reasons))
    variant = Variant(model.protocol)
    names = _chosen(properties, bounds, ticks, variant)
    empties = bool(bounds.lost_requests or bounds.lost_responses) and reductions.queues
    nodes: dict[Name, Node] = {shard_name(n): Shard(plain=True) for n in range(model.cluster.history_shards)}
    nodes |= {queue: TaskQueue(1, plain=reductions.queues, answers_empty=empties) for queue in _queues(model)}
    if variant is Variant.HOST:
        nodes[RESOURCE] = Resource(tuple(dict.fromkeys(m for plan in worker_plans(model) for m in plan.spec.options.mutants)))
    first = [Parcel(CLIENT, OPERATOR, Fault("start")), *_starts(model)]
    ids = [workflow for section in model.workflows for workflow in workflow_ids(section) or ()]
    shards = {workflow: owner(workflow, model.cluster.history_shards) for workflow in ids if bounds.cancels}
    blueprints = _blueprints(model, reductions)
    nodes[OPERATOR] = Operator(bounds.budgets(), blueprints, workflows=shards, plain_queues=reductions.queues, answers_empty=empties)
    watchers = _watchers(model, names, ids)
    horizon = ticks.horizon if ticks is not None else 0
    nodes |= {name: Watcher(audience.names, horizon=horizon) for name, audience in watchers.items()}
    world = InstantWorld(
        nodes, Network.BAG if reductions.chains else Network.QUEUE, crosses, OPERATOR, travels=crosses if travel else None,
        handler=Remembered(), watchers=watchers, words=True, stepwise=not reductions.chains, first=tuple(first), ticks=ticks,
        mail_first=travel,
    )  # fmt: skip
    promises = {name: Everywhere(Watcher, _Kept(name)) for name in names}
    groups = _groups(model, world)
    bounded = said(bounds, ticks, travel)
    return System(world, promises, symmetry=groups, exercised=frozenset(names), bounds=bounded, reductions=reductions.names)


def _groups(model: ScenarioModel, world: InstantWorld) -> list[list[str]]:
    """Processes and workflows that are interchangeable: swapping their names, wherever they stand, gives the same world."""
    candidates = [
        list(dict.fromkeys(plan.spec.home for plan in worker_plans(model))),
        *(list(workflow_ids(section) or ()) for section in model.workflows),
    ]
    groups: list[list[str]] = []
    for names in candidates:
        group = names[:1]
        for name in names[1:]:
            if not _same_world(world, group[-1], name):
                groups.append(group)
                group = []
            group.append(name)
        groups.append(group)
    groups = [group for group in groups if len(group) > 1]
    return [] if ambiguous([name for group in groups for name in group]) else groups


def _same_world(world: InstantWorld, one: str, other: str) -> bool:
    if ambiguous([one, other]):
        return False
    swap = Words({one: other, other: one})
    nodes = {name: (type(node), node.snapshot()) for name, node in world.nodes.items()}
    renamed = {swap.get(name): (kind, kind.rename(local, swap)) for name, (kind, local) in nodes.items()}
    first = sorted(repr(rename(parcel, swap)) for parcel in world.first)
    return nodes == renamed and first == sorted(map(repr, world.first))


def _watchers(model: ScenarioModel, names: Sequence[str], workflows: Sequence[str]) -> dict[Name, Audience]:
    """One for each workflow and for each process, with what it hears of."""
    processes = dict.fromkeys(plan.spec.home for plan in worker_plans(model))
    about = [*((Subject.WORKFLOW, workflow) for workflow in workflows), *((Subject.WORKER, process) for process in processes)]
    found = {f"{WATCHER}/{subject.value}/{who}": audience(names, subject, who) for subject, who in about}
    return {name: hears for name, hears in found.items() if hears is not None}


def said(bounds: Bounds, ticks: Ticks | None, travel: bool = False) -> dict[str, object]:
    """The bounds as they stand beside a verdict."""
    counts: dict[str, object] = {"messages": "travel"} if travel else {}
    counts |= {name.replace("_", " "): "any" if count < 0 else count for name, count in asdict(bounds).items()}
    if ticks is not None:
        return {**ticks.said(), **counts}
    return {"time": "free" if bounds.slow < 0 else "untimed", **counts}


@dataclass(frozen=True, slots=True)
class _Kept:
    """Whether a watcher's promise was kept; a class, so that equal systems are equal."""

    name: str

    def __call__(self, watcher: Watcher) -> bool:
        return watcher.keeps(self.name)


def crosses(parcel: Parcel) -> bool:
    """Whether a message goes between the server and a worker, where it may be lost."""
    places = {parcel.source.partition("/")[0], parcel.to.partition("/")[0]}
    return isinstance(parcel.event, Deliver | Reply) and SERVER in places and len(places) == 2 and not places & {OPERATOR, WATCHER, CLIENT}


def _chosen(properties: Sequence[str] | None, bounds: Bounds, ticks: Ticks | None, variant: Variant) -> tuple[str, ...]:
    outages = bool(bounds.pauses or bounds.partitions)
    known = timeless(variant) if ticks is None else in_ticks(variant, outages)
    for name in properties or ():
        if name not in known and not (is_own(name) and KNOWN[name].can_be_watched(ticks is not None, outages)):
            clock = "without a clock" if ticks is None else "with a clock that moves in ticks"
            raise ValueError(f"the property {name!r} cannot be checked {clock}; those that can are {', '.join(known)}")
    return tuple(known if properties is None else properties)


def _reasons(model: ScenarioModel) -> Iterator[str]:
    for section in model.workflows:
        arrival = section.arrival
        endless = section.count is None and (arrival.poisson or arrival.every or arrival.burst)
        if endless or arrival.closed is not None:
            yield f"workflows {section.id}: as many as the run has time for; expected a `count` and no closed loop"
    for name, activity in model.activities.items():
        if 0 < activity.failure_probability < 1:
            yield f"activities.{name}: failure_probability is {activity.failure_probability}; expected 0 or 1, since nothing is drawn"


def _queues(model: ScenarioModel) -> Iterator[Name]:
    cluster = model.cluster
    named = [cluster.task_queue, *cluster.task_queues, *(w.task_queue for w in model.workflows if w.task_queue)]
    plans = worker_plans(model)
    for queue in dict.fromkeys([*named, *(plan.spec.task_queue for plan in plans)]):
        yield from (workflow_queue(queue), activity_queue(queue), activity_queue(queue + CREATION_QUEUE_SUFFIX))
    specs = [plan.spec for plan in plans if plan.spec.options.variant is Variant.HOST and plan.spec.options.session_worker]
    yield from dict.fromkeys(activity_queue(host_queue(s.options.resource_id or s.host, s.task_queue)) for s in specs)
    yield from dict.fromkeys(queue for spec in specs for queue in demand_queues(spec))


def _blueprints(model: ScenarioModel, reductions: Reductions) -> dict[str, Blueprint]:
    references = {w.workflow: None for w in model.workflows if w.workflow}
    definitions = tuple(definitions_of(references, model.modules).items())
    behaviours = tuple((name, behaviour_of(name, section, _always)) for name, section in model.activities.items())
    found = {}
    for plan in worker_plans(model):
        options = replace(plan.spec.options, sticky_workflow_cache_size=0, pace=A_MOMENT)
        if reductions.pollers:
            options = replace(options, max_concurrent_activity_task_pollers=1, max_concurrent_workflow_task_pollers=2)
        spec = plan.spec
        found[spec.name] = Blueprint(spec.name, spec.home, spec.host, spec.task_queue, options, definitions, behaviours)
    return found


def _always(purpose: str, entity: str, ordinal: int, law: Law) -> int:
    """What fails with probability 1 fails."""
    return 0


def _starts(model: ScenarioModel) -> Iterator[Parcel]:
    for section in model.workflows:
        workflow_type = find_definition(section.workflow, model.modules).name if section.workflow else SCRIPT.name
        argument = section.input if section.program is None else {"steps": section.program}
        for workflow in workflow_ids(section) or ():
            start = msg.StartWorkflow(
                workflow, workflow_type, section.task_queue or model.cluster.task_queue, argument, section.execution_timeout,
                section.run_timeout, section.task_timeout,
            )  # fmt: skip
            yield Parcel(CLIENT, owner(workflow, model.cluster.history_shards), freeze(Deliver(start, CLIENT)))  # type: ignore[arg-type]
