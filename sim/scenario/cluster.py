"""A running cluster: server, workers in their processes, clients; and everything that can be done to it.

Every start of a process is a new place with new worker objects: new resource ids, new queues, new connections. Names of
processes and workers stay; `place(name)` says where the present incarnation is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sim.model.inputs import Deliver, Fault, Name
from sim.model.laws import Uniform
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.names import SERVER, activity_queue, shard_name, workflow_queue
from sim.protocol.pace import AT_ONCE, Pace
from sim.protocol.queue import TaskQueue
from sim.protocol.resource import RESOURCE, Resource
from sim.protocol.run import Run
from sim.protocol.shard import Shard
from sim.protocol.worker.node import Worker
from sim.protocol.worker.options import WorkerOptions
from sim.protocol.worker.pollers import Kind
from sim.protocol.worker.typed_node import queues_of
from sim.protocol.worker.variants import make_worker
from sim.protocol.worker.work import Behaviour
from sim.scenario.standing import Standing
from sim.simulator import outages
from sim.simulator.places import Clock, Condition, Link, Rule
from sim.simulator.simulation import Simulation
from sim.workflow.definition import Definition
from sim.workflow.environment import Execution, Info
from sim.workflow.sessions import CREATION_QUEUE_SUFFIX
from sim.workflow.variants import Variant

CLIENT = "client"

CLIENT_RETRY = 1_000_000
"""A client that finds the server away tries again after this long."""


EXIT = Uniform(0, 100)
"""How long a process takes to exit once Stop has returned, microseconds: goroutines that were cancelled last may get as far as
the end of their activity, but not to the call that tells it (recorded: 0 of 5, P3.8.1)."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """One worker object of a process."""

    name: str
    host: str
    task_queue: str
    options: WorkerOptions = field(default_factory=WorkerOptions)
    process: str = ""
    """Worker objects of one process share its fate; "" means a process of its own, of the worker's name."""
    clock: Clock = field(default_factory=Clock)

    @property
    def home(self) -> str:
        return self.process or self.name


@dataclass(slots=True)
class Incarnation:
    """A process between its start and its end."""

    place: Name
    workers: dict[str, Name]
    """Worker name -> node."""
    alive: bool = True


class Cluster:
    """Server, processes and clients of one simulation."""

    def __init__(
        self,
        sim: Simulation,
        workers: Sequence[WorkerSpec],
        definitions: Mapping[str, Definition],
        behaviours: Mapping[str, Behaviour],
        partitions: int = 4,
        shards: int = 1,
        task_queues: Sequence[str] = (),
        pace: Pace = AT_ONCE,
    ) -> None:
        self.sim = sim
        self.specs = {spec.name: spec for spec in workers}
        self.definitions = definitions
        self.behaviours = behaviours
        self.partitions = partitions
        self.pace = pace
        self.shards = shards
        self.processes: dict[str, Incarnation] = {}
        self._generations: dict[str, int] = {}
        self.exits_when_stopped: set[str] = set()
        self.requests_waiting = 0
        """Clients' requests that found the server away and will be tried again."""
        self.standing: dict[str, Standing] = {}
        """What is done to a process's machine and network outlives the process."""
        sim.place(SERVER)
        sim.place(CLIENT)
        for number in range(shards):
            sim.add(shard_name(number), Shard(pace=pace), SERVER)
        for queue in dict.fromkeys([*task_queues, *(spec.task_queue for spec in workers)]):
            self._add_queues(queue)
        for spec in workers:
            for queue in demand_queues(spec):
                self._add_queue(queue)
        mutants = tuple(dict.fromkeys(m for spec in workers for m in spec.options.mutants))
        if any(spec.options.variant is Variant.HOST for spec in workers):
            sim.add(RESOURCE, Resource(mutants), RESOURCE)
        sim.listen(obs.WorkerStopped, self._worker_stopped)

    def _add_queues(self, queue: str) -> None:
        for name in (workflow_queue(queue), activity_queue(queue), activity_queue(queue + CREATION_QUEUE_SUFFIX)):
            self._add_queue(name)

    def _add_queue(self, name: Name) -> None:
        if name not in self.sim.seats:
            self.sim.add(name, TaskQueue(self.partitions, forwarding=self.pace.forwarding), SERVER)

    # -- processes -----------------------------------------------------------------------------------------------------

    def start_process(self, process: str) -> None:
        """Start a process with all its worker objects. Nothing happens when it runs."""
        present = self.processes.get(process)
        if present is not None and present.alive:
            return
        generation = self._generations.get(process, 0) + 1
        self._generations[process] = generation
        place = f"{process}.{generation}"
        incarnation = Incarnation(place, {})
        self.processes[process] = incarnation
        standing = self.standing.get(process)
        for spec in self.specs.values():
            if spec.home == process:
                clock = spec.clock if standing is None or standing.clock is None else standing.clock
                self.sim.place(place, Clock(clock.drift_ppm, clock.skew_us))
                incarnation.workers[spec.name] = self._add_worker(spec, place, generation)
        if standing is not None:
            standing.renew(self.up(process), self.down(process))
        self._happened("start", process)
        for node in incarnation.workers.values():
            self.sim.inject(node, Fault("start"))

    def _add_worker(self, spec: WorkerSpec, place: Name, generation: int) -> Name:
        identity = spec.name if generation == 1 else f"{spec.name}'{generation - 1}"
        resource = f"{spec.name}.{generation}"
        worker = make_worker(identity, spec.host, spec.task_queue, resource, spec.options, self.definitions, self.behaviours)
        self.sim.add(worker.executor.sticky_queue, TaskQueue(1, sticky=True), SERVER)
        if spec.options.session_worker:
            self.sim.add(activity_queue(worker.resource_queue), TaskQueue(self.partitions), SERVER)
            host = worker.pollers.queues.get(Kind.HOST)
            if host is not None and host not in self.sim.seats:
                self.sim.add(host, TaskQueue(self.partitions), SERVER)
        node = f"{place}/{spec.name}"
        self.sim.add(node, worker, place)
        return node

    def _standing(self, process: str) -> Standing:
        return self.standing.setdefault(process, Standing())

    def _happened(self, kind: str, target: str, detail: str = "") -> None:
        place = self.processes[target].place if target in self.processes else target
        self.sim.observe(place, obs.FaultHappened(kind, target, place, detail))

    def place(self, process: str) -> Name:
        """The place of the present incarnation. Raises KeyError when the process was never started."""
        return self.processes[process].place

    def workers_of(self, process: str) -> list[Worker]:
        """The live worker objects of a process."""
        nodes = (self.sim.seats.get(node) for node in self.processes[process].workers.values())
        return [seat.node for seat in nodes if seat is not None and isinstance(seat.node, Worker)]

    def kill(self, process: str) -> None:
        """kill -9: the kernel closes the connections."""
        self._end(process, "kill")

    def lose_machine(self, process: str) -> None:
        """The machine is gone, nobody is told."""
        self._end(process, "lose_machine")

    def _end(self, process: str, kind: str) -> None:
        incarnation = self.processes[process]
        if incarnation.alive:
            incarnation.alive = False
            self._happened(kind, process)
            (outages.lose_machine if kind == "lose_machine" else outages.kill)(self.sim, incarnation.place)

    def stop(self, process: str, exits: bool = True) -> None:
        """Stop all workers of a process gracefully; with `exits` the process ends when Stop has returned."""
        incarnation = self.processes[process]
        if not incarnation.alive:
            return
        if exits:
            self.exits_when_stopped.add(process)
        self._happened("stop", process)
        for node in incarnation.workers.values():
            self.sim.inject(node, Fault("stop"))

    def _worker_stopped(self, time: int, node: Name, stopped: object) -> None:
        process = node.partition("/")[0].rpartition(".")[0]
        if process in self.exits_when_stopped and self._is_stopped(process):
            self._exit_soon(process, time)

    def _is_stopped(self, process: str) -> bool:
        return all(w.stop.stage.value == "stopped" for w in self.workers_of(process))

    def exit_when_stopped(self, process: str) -> None:
        """A process whose workers were told to stop ends once they have, which may be now."""
        if self._is_stopped(process):
            self._exit_soon(process, self.sim.now)
        else:
            self.exits_when_stopped.add(process)

    def _exit_soon(self, process: str, now: int) -> None:
        self.exits_when_stopped.discard(process)
        generation = self._generations[process]
        exit_at = now + self.sim.choices.sample_at("exit", process, generation, EXIT)
        self.sim.schedule(exit_at, f"exit {process}", lambda: self._exit(process, generation))

    def _exit(self, process: str, generation: int) -> None:
        """A process that has stopped ends, unless it ended otherwise meanwhile."""
        if self._generations[process] == generation:
            self._end(process, "exit")

    def freeze(self, process: str) -> None:
        """SIGSTOP."""
        self._happened("freeze", process)
        outages.freeze(self.sim, self.place(process))

    def unfreeze(self, process: str) -> None:
        """SIGCONT."""
        self._happened("unfreeze", process)
        outages.unfreeze(self.sim, self.place(process))

    def slow_down(self, process: str, thousandths: int) -> None:
        """Let what the process does itself take longer by this factor, in thousandths (1000: as normal)."""
        self._happened("slow_down", process, f"{thousandths / 1000:g} times")
        self.sim.disturb(self.place(process))
        self.sim.place(self.place(process)).slow_down = thousandths

    # -- the network ---------------------------------------------------------------------------------------------------

    def up(self, process: str) -> Link:
        """The link from the process to the server."""
        return self.sim.link(self.place(process), SERVER)

    def down(self, process: str) -> Link:
        """The link from the server to the process."""
        return self.sim.link(SERVER, self.place(process))

    def hold(self, process: str, up: bool = True, down: bool = True) -> None:
        """Hold what is sent to (`up`) or by (`down`) the server."""
        self._happened("hold", process, _direction(up, down))
        self._standing(process).hold(up, down)
        if up:
            outages.hold(self.sim, self.place(process), SERVER)
        if down:
            outages.hold(self.sim, SERVER, self.place(process))

    def release(self, process: str, up: bool = True, down: bool = True) -> None:
        """Let what was held arrive."""
        self._happened("release", process, _direction(up, down))
        self._standing(process).release(up, down)
        if up:
            outages.release(self.sim, self.place(process), SERVER)
        if down:
            outages.release(self.sim, SERVER, self.place(process))

    def add_rule(self, process: str, up: bool, rule: Rule, detail: str) -> None:
        """Put a fault on single messages to (`up`) or from the server; a process that starts later, or anew, has it too."""
        self._happened("call", process, detail)
        self._standing(process).rules.append((up, rule))
        if process in self.processes:
            self.sim.disturb(self.place(process))
            (self.up(process) if up else self.down(process)).rules.append(rule)

    def remove_rule(self, process: str, up: bool, rule: Rule) -> None:
        """Take it away again."""
        self._standing(process).rules.remove((up, rule))
        if process in self.processes:
            (self.up(process) if up else self.down(process)).rules.remove(rule)

    def set_clock(self, process: str, drift_ppm: int, skew_us: int) -> None:
        """Set the clock of a process's machine (or of the server). Timers that run keep the length they were given."""
        place = self.sim.place(SERVER if process == SERVER else self.place(process))
        self.sim.disturb(place.name)
        place.clock = Clock(drift_ppm, skew_us)
        if process != SERVER:
            self._standing(process).clock = place.clock
        self._happened("clock", process, f"drift {drift_ppm} ppm, {skew_us / 1e6:g} s ahead")

    def stop_server(self) -> None:
        """The server goes away: connections break and are refused; it forgets which task queues were in use."""
        self._happened("server_down", SERVER)
        for name, seat in list(self.sim.seats.items()):
            if isinstance(seat.node, TaskQueue):
                self.sim.inject(name, Fault("unload"))
        outages.stop_serving(self.sim, SERVER)

    def start_server(self) -> None:
        """The server is back."""
        self._happened("server_up", SERVER)
        outages.serve_again(self.sim, SERVER)

    # -- clients -------------------------------------------------------------------------------------------------------

    def shard_of(self, workflow_id: str) -> Name:
        """The shard that owns a workflow."""
        return owner(workflow_id, self.shards)

    def request(self, message: object, workflow_id: str) -> None:
        """A client's request reaches the server: StartWorkflow, RequestCancelWorkflow, TerminateWorkflow, ...

        While the server is away the client tries again and again.
        """
        if self.sim.place(SERVER).condition is not Condition.UP:
            retry = f"client {type(message).__name__} {workflow_id}"
            self.requests_waiting += 1

            def again() -> None:
                self.requests_waiting -= 1
                self.request(message, workflow_id)

            self.sim.schedule(self.sim.now + CLIENT_RETRY, retry, again)
            return
        self.sim.inject(self.shard_of(workflow_id), Deliver(message, CLIENT))

    def query(self, workflow_id: str, name: str, *arguments: object) -> object:
        """Answer a query of an open workflow, from what its completed workflow tasks made of it; nothing changes.

        Raises KeyError when the workflow is not open, or has no handler of this name.
        """
        shard = self.sim.seats[self.shard_of(workflow_id)].node
        assert isinstance(shard, Shard)
        if workflow_id not in shard.current:
            raise KeyError(f"workflow {workflow_id!r} is not open; open ones: {', '.join(sorted(shard.current)) or 'none'}")
        run = self.sim.seats[shard.current[workflow_id]].node
        assert isinstance(run, Run)
        spec = run.spec
        repairs = next((worker.options.repairs for worker in self.specs.values()), ())
        info = Info(workflow_id, shard.current[workflow_id], spec.workflow_type, spec.task_queue, repairs=repairs)
        execution = Execution(self.definitions[spec.workflow_type], spec.input, info)
        execution.replay(run.journal.log)
        return execution.query(name, *arguments)

    def start_workflow(self, start: msg.StartWorkflow) -> None:
        """Start a workflow."""
        self.request(start, start.workflow_id)

    def cancel_workflow(self, workflow_id: str, reason: str = "") -> None:
        """A client asks for a workflow's cancellation."""
        self._happened("cancel", workflow_id, reason)
        self.request(msg.RequestCancelWorkflow(workflow_id, reason=reason), workflow_id)

    def terminate_workflow(self, workflow_id: str, reason: str = "", details: object = None) -> None:
        """A client terminates a workflow."""
        self._happened("terminate", workflow_id, reason)
        self.request(msg.TerminateWorkflow(workflow_id, reason, details=details), workflow_id)

    def signal_workflow(self, workflow_id: str, name: str, payload: object = None) -> None:
        """A client signals a workflow."""
        self._happened("signal", workflow_id, name)
        self.request(msg.SignalWorkflow(workflow_id, name, payload), workflow_id)

    def pause_activity(self, workflow_id: str, activity_type: str, paused: bool = True) -> None:
        """An operator pauses (or unpauses) the open activities of this type of a workflow."""
        self._happened("pause_activity" if paused else "unpause_activity", workflow_id, activity_type)
        self.request(msg.PauseActivity(workflow_id, activity_type, paused), workflow_id)


def demand_queues(spec: WorkerSpec) -> list[Name]:
    """The creation queues of the demands that a worker is open to, beside that of sessions that ask for nothing."""
    demands = spec.options.demands if spec.options.session_worker and spec.options.variant is Variant.HOST else ()
    return [activity_queue(queue) for queue in queues_of(spec.task_queue, demands)]


def owner(workflow_id: str, shards: int) -> Name:
    """The shard, of so many, that owns a workflow."""
    digits = sum((i + 1) * b for i, b in enumerate(workflow_id.encode()))
    return shard_name(digits % shards)


def _direction(up: bool, down: bool) -> str:
    return "both" if up and down else "up" if up else "down"
