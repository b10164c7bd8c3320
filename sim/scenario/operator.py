"""What may happen to a cluster from outside, as one node of a world without a clock."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from sim.model.environment import Environment
from sim.model.inputs import Fault, Input, Move, Name
from sim.model.instant import CRASH
from sim.model.node import Step
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.names import activity_queue
from sim.protocol.queue import TaskQueue
from sim.protocol.worker.options import WorkerOptions
from sim.protocol.worker.variants import make_worker
from sim.protocol.worker.work import Behaviour
from sim.scenario.remote import DUPLICATE, FREEZE, HOLD, RELEASE, UNFREEZE, RemoteWorker
from sim.workflow.definition import Definition

CRASHES, RESTARTS, STOPS, CANCELS = "crash", "restart", "stop", "cancel"
LOST_MACHINES, PAUSES, PARTITIONS, DUPLICATES = "lose machine", "pause", "partition", "duplicate"
_BEGINS = {PAUSES: FREEZE, PARTITIONS: HOLD}
_ENDS = {"resume": (PAUSES, UNFREEZE), "heal": (PARTITIONS, RELEASE)}
"""What ends by itself some time: which faults, and how processes get to know."""

_CLAUSES = {
    CRASHES: "the process of {} crashes",
    RESTARTS: "the process of {} is started again",
    STOPS: "the process of {} is told to stop",
    CANCELS: "somebody asks for the cancellation of {}",
    LOST_MACHINES: "the machine of {} vanishes",
    PAUSES: "the process of {} stands still",
    PARTITIONS: "the process of {} cannot reach the server",
    DUPLICATES: "a call of {} is to arrive twice",
    "resume": "the process of {} goes on",
    "heal": "the process of {} reaches the server again",
}


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A worker object, as every process that has it starts it."""

    name: str
    process: str
    host: str
    task_queue: str
    options: WorkerOptions
    definitions: tuple[tuple[str, Definition], ...]
    behaviours: tuple[tuple[str, Behaviour], ...]


@dataclass(slots=True)
class Operator(Environment):
    """Starts, stops, kills and disturbs processes, and asks for cancellations.

    `generations`: process -> how often it was started; `alive` are those that run, `stopping` those of them that were told
    to stop. `blueprints`: by name of the worker. `workflows`: those that may be cancelled, by id, with their shards.
    `lasting`: (kind, process) of the pauses and partitions that are not over.
    """

    blueprints: dict[str, Blueprint] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)
    alive: set[str] = field(default_factory=set)
    stopping: set[str] = field(default_factory=set)
    workflows: dict[str, Name] = field(default_factory=dict)
    plain_queues: bool = True
    """Of the queues that come with a worker."""
    answers_empty: bool = False
    """Of these queues, too: see `TaskQueue`."""
    lasting: set[tuple[str, str]] = field(default_factory=set)

    def handle(self, event: Input, step: Step) -> None:
        if event == Fault("start"):
            for process in dict.fromkeys(blueprint.process for blueprint in self.blueprints.values()):
                self._start(process, step)
        else:
            # Not super(): a class with slots is made anew by its decorator.
            Environment.handle(self, event, step)

    def moves(self) -> Sequence[Hashable]:
        ends = [(end, process) for end, (kind, _) in _ENDS.items() for lasts, process in sorted(self.lasting) if lasts == kind]
        return [*Environment.moves(self), *ends]

    def clause(self, event: Input) -> str:
        match event:
            case Move(label=(str(kind), target)) if kind in _CLAUSES:
                return _CLAUSES[kind].format(target)
            case _:
                return ""

    def spend(self, kind: str) -> None:
        # What has begun ends.
        if kind not in _ENDS:
            Environment.spend(self, kind)

    def targets(self, kind: str) -> Sequence[Hashable]:
        match kind:
            case "crash" | "lose machine" | "duplicate":
                return sorted(self.alive)
            case "pause" | "partition":
                return sorted(process for process in self.alive if (kind, process) not in self.lasting)
            case "restart":
                return sorted(self.generations.keys() - self.alive)
            case "stop":
                return sorted(self.alive - self.stopping)
            case "cancel":
                return sorted(self.workflows)
            case _:
                return ()

    def do(self, kind: str, target: Hashable, step: Step) -> None:
        name = str(target)
        match kind:
            case "crash":
                self._gone(name)
                self._happened("kill", name, step)
                self._tell(name, CRASH, step)
            case "lose machine":
                self._gone(name)
                self._happened("lose_machine", name, step)
                for node in self._nodes(name):
                    step.retire(node)
            case "pause" | "partition":
                self.lasting.add((kind, name))
                self._happens(_BEGINS[kind], name, step)
            case "resume" | "heal":
                lasts, over = _ENDS[kind]
                self.lasting.discard((lasts, name))
                self._happens(over, name, step)
            case "duplicate":
                self._happened("call", name, step, "one call arrives twice")
                self._tell(name, DUPLICATE, step)
            case "restart":
                self._start(name, step)
            case "stop":
                self.stopping.add(name)
                self._happened("stop", name, step)
                self._tell(name, Fault("stop"), step)
            case "cancel":
                step.emit(obs.FaultHappened("cancel", name))
                step.send(self.workflows.pop(name), msg.RequestCancelWorkflow(name))
            case _:
                raise ValueError(f"an operator does not know {kind!r}")

    def _place(self, process: str) -> Name:
        return f"{process}.{self.generations[process]}"

    def _happened(self, kind: str, process: str, step: Step, detail: str = "") -> None:
        step.emit(obs.FaultHappened(kind, process, self._place(process), detail))

    def _happens(self, fault: Fault, process: str, step: Step) -> None:
        self._happened(fault.kind, process, step, "both" if fault in (HOLD, RELEASE) else "")
        self._tell(process, fault, step)

    def _gone(self, process: str) -> None:
        self.alive.discard(process)
        self.stopping.discard(process)
        self.lasting = {(kind, other) for kind, other in self.lasting if other != process}

    def _tell(self, process: str, fault: Fault, step: Step) -> None:
        for node in self._nodes(process):
            step.send(node, fault)

    def _nodes(self, process: str) -> list[Name]:
        """All worker objects of a process."""
        return [f"{self._place(process)}/{b.name}" for b in self.blueprints.values() if b.process == process]

    def _start(self, process: str, step: Step) -> None:
        generation = self.generations.get(process, 0) + 1
        self.generations[process] = generation
        self.alive.add(process)
        self._happened("start", process, step)
        for blueprint in self.blueprints.values():
            if blueprint.process == process:
                self._spawn(blueprint, generation, step)
        self._tell(process, Fault("start"), step)

    def _spawn(self, blueprint: Blueprint, generation: int, step: Step) -> None:
        """A worker object and the queues that only it polls."""
        name = blueprint.name
        worker = make_worker(
            name if generation == 1 else f"{name}'{generation - 1}", blueprint.host, blueprint.task_queue, f"{name}.{generation}",
            blueprint.options, dict(blueprint.definitions), dict(blueprint.behaviours),
        )  # fmt: skip
        plain, empties = self.plain_queues, self.answers_empty
        step.spawn(worker.executor.sticky_queue, TaskQueue(1, sticky=True, plain=plain, answers_empty=empties))
        if blueprint.options.session_worker:
            step.spawn(activity_queue(worker.resource_queue), TaskQueue(1, plain=plain, answers_empty=empties))
        remote = self.budgets.keys() & {PAUSES, PARTITIONS, DUPLICATES}
        step.spawn(f"{self._place(blueprint.process)}/{name}", RemoteWorker(worker) if remote else worker)
