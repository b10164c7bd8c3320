"""Runs a scenario under a seed, and runs tapes again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Protocol

from sim import frames
from sim.faults import FaultPlan
from sim.history.events import Wrote
from sim.history.recorder import Recorder
from sim.model.text import as_json
from sim.properties.base import Property, Verdict
from sim.properties.judge import Judge
from sim.protocol.observations import WorkflowClosed
from sim.scenario import judging, shown
from sim.scenario.arrivals import Arrivals
from sim.scenario.behaviours import behaviour_of
from sim.scenario.cluster import Cluster
from sim.scenario.code import definitions_of, find_definition
from sim.scenario.ending import Ending, StepLimit
from sim.scenario.fault_checks import fault_of
from sim.scenario.heartbeats import Heartbeats
from sim.scenario.latencies import busy_of, longest_step_us, pace_of, requests_of, responses_of, spans_of, warming_of
from sim.scenario.load import Scenario
from sim.scenario.metrics import SessionMetrics, Sessions, SlotMetrics, Slots, Waits, WorkflowMetrics, WorkflowResult, waits_of
from sim.scenario.network import Legs, NetworkDelays
from sim.scenario.operations import ClusterOperations
from sim.scenario.processes import Processes
from sim.scenario.schema import ScenarioModel, WorkflowSection
from sim.scenario.tables import RUN, Verdicts, Workflows
from sim.scenario.warming import Warming
from sim.scenario.workers import WorkerPlan, worker_plans
from sim.simulator.choices import Choices
from sim.simulator.digest import Digest
from sim.simulator.quiet import QuietSimulation
from sim.simulator.simulation import Simulation
from sim.trace.tape import Tape
from sim.workflow.script import SCRIPT

if TYPE_CHECKING:
    from pandas import DataFrame

SECOND = 1_000_000


class Watcher(Protocol):
    """Something that watches a run: a timeline, a story, ..."""

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        """Listen from now on."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """What became of a run. Everything is plain data, so that it can be sent to another process."""

    digest: str
    seed: int
    scenario: str
    ended_at_us: int
    properties: dict[str, str]
    """Property -> held, broken, not exercised or undecidable."""
    verdicts: Verdicts
    """Property -> its verdict with the violations; a table."""
    as_expected: bool
    sessions: Sessions
    creation_wait_s: Waits
    slots: Slots
    messages: int
    """Messages delivered between nodes of different places."""
    local_messages: int
    """Messages delivered within a place."""
    workflows: Workflows
    """In the order of their ends, up to 10,000; `statuses` counts all of them. A table."""
    statuses: dict[str, int]
    faults: tuple[int, ...]
    """How often each fault of the scenario happened."""
    unused_deviations: tuple[str, ...]
    """Deviations that no choice of the run has met."""
    tape: Tape
    recorder: Recorder | None = field(default=None, repr=False)
    """Histories, when they were asked for."""
    cut_off: bool = False
    """Whether the run did not end within the steps that the scenario's `fuzz.most_steps` gives it; then no property is judged."""

    def to_json(self) -> dict[str, Any]:
        """The object that `session-sim run --json` prints, without `files`."""
        return {
            "digest": self.digest,
            "seed": self.seed,
            "scenario": self.scenario,
            "ended_at_s": self.ended_at_us / SECOND,
            "properties": dict(self.properties),
            "as_expected": self.as_expected,
            "sessions": asdict(self.sessions),
            "creation_wait_s": asdict(self.creation_wait_s),
            "slots": asdict(self.slots),
            "messages": self.messages,
            "local_messages": self.local_messages,
            "workflows": [_workflow(workflow) for workflow in self.workflows],
            "statuses": dict(self.statuses),
            **({"did_not_end": True} if self.cut_off else {}),
        }

    def to_frame(self) -> DataFrame:
        """The run's figures as a pandas frame of one row. Raises ImportError when pandas is missing."""
        return frames.frame(RUN, [self])

    def _repr_html_(self) -> str:
        """The run in a notebook: figures, verdicts, timeline. The timeline costs a second run, unless this one was a large one."""
        return shown.page(self)


def _delays(model: ScenarioModel, plans: Sequence[WorkerPlan], warming: Warming) -> NetworkDelays:
    """How long messages, requests and responses take."""
    return NetworkDelays(
        everybody=Legs(model.network.request, model.network.response),
        processes={plan.spec.home: Legs(plan.request, plan.response) for plan in plans},
        requests=requests_of(model.latencies, warming),
        responses=responses_of(model.latencies, warming),
        steps_us=longest_step_us(model.latencies),
    )


def _cluster(sim: Simulation, plans: Sequence[WorkerPlan], model: ScenarioModel) -> Cluster:
    """The server's nodes and the workers, with the code of workflows and activities."""
    references = {w.workflow: None for w in model.workflows if w.workflow}
    return Cluster(
        sim,
        [plan.spec for plan in plans],
        definitions_of(references, model.modules),
        {name: behaviour_of(name, section, sim.choices.sample_at) for name, section in model.activities.items()},
        model.cluster.partitions,
        model.cluster.history_shards,
        [model.cluster.task_queue, *model.cluster.task_queues, *(w.task_queue for w in model.workflows if w.task_queue)],
        pace_of(model),
    )


class PreparedRun:
    """One run in the making: everything is attached, nothing has happened yet."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        deviations: Mapping[str, int] | None = None,
        recording: bool = False,
        properties: Sequence[str | Property] | None = None,
        choices: Choices | None = None,
        digest: Digest | None = None,
        elide: bool = False,
    ) -> None:
        # What cuts a run off counts instants, and those of heartbeats are among them.
        elide = elide and (scenario.model.fuzz is None or scenario.model.fuzz.most_steps is None)
        if elide and (deviations or recording or choices or digest):
            raise ValueError("a run that passes over heartbeats has no tape; expected no deviations, choices or digest, and no recording")
        model = scenario.model
        self.scenario = scenario
        self.seed = seed
        self.deviations = dict(deviations or {})
        self.steps = 0
        """Instants at which something happened."""
        self.cut_off = False
        """Whether the run did not end within its steps: then nothing is judged, since what was to come is not known."""
        plans = worker_plans(model)
        warming = warming_of(model.latencies)
        self.delays = _delays(model, plans, warming)
        laws, busy = spans_of(model.latencies), busy_of(model.latencies, seed)
        self.sim: Simulation = (
            QuietSimulation(seed, self.delays, watch=Heartbeats(), laws=laws, busy=busy)
            if elide
            else Simulation(seed, self.delays, deviations, recording, choices=choices, laws=laws, busy=busy, digest=digest)
        )
        if warming.period:
            warming.attach(self.sim)
        self.cluster = _cluster(self.sim, plans, model)
        self.processes = Processes(self.cluster, plans)
        self.operations = ClusterOperations(self.cluster)
        self.faults = FaultPlan([fault_of(section) for section in model.faults], self.sim, self.operations, self.sim.choices.sample_at)
        self.arrivals = [self._arrivals_of(section) for section in model.workflows]
        self.sessions, self.slots = SessionMetrics(), SlotMetrics()
        self.workflows = WorkflowMetrics(self.sessions)
        self.judge = self._judge(properties)
        for metrics in (self.workflows, self.sessions, self.slots):
            metrics.attach(self.cluster, self.sim)
        self.sim.listen(WorkflowClosed, self._note)

    def _note(self, time: int, run: str, closed: WorkflowClosed) -> None:
        """Results count in the digest: two runs may take the same steps at the same times and compute different things."""
        self.sim.digest.note(f"{run} {closed.status} {spelled(closed.outcome)}")

    def _arrivals_of(self, section: WorkflowSection) -> Arrivals:
        model = self.scenario.model
        workflow_type = find_definition(section.workflow, model.modules).name if section.workflow else SCRIPT.name
        return Arrivals(self.cluster, section, workflow_type, section.task_queue or model.cluster.task_queue)

    def _judge(self, names: Sequence[str | Property] | None) -> Judge | None:
        chosen = judging.chosen(self.scenario.model, names)
        if not chosen:
            return None
        judge = Judge(judging.setting_of(self.scenario.model, self.delays), chosen)
        judge.attach(self.sim)
        return judge

    def begin(self) -> Ending:
        """Put everything on the agenda. To be called once."""
        ending = Ending(self.sim, self.arrivals, self.workflows.open, self.scenario.model.grace)
        self.processes.begin()
        for arrivals in self.arrivals:
            arrivals.begin()
        self.faults.begin()
        ending.begin()
        return ending

    def run(self, most: int | None = None) -> None:
        """Let it happen, to the end, or for as many steps as the scenario's `fuzz.most_steps` says, else `most`."""
        fuzz = self.scenario.model.fuzz
        if most is not None and isinstance(self.sim, QuietSimulation):
            raise ValueError(f"at most {most} steps, and it passes over heartbeats; expected no limit")
        limit = StepLimit(self.begin(), fuzz.most_steps if fuzz is not None and fuzz.most_steps is not None else most)
        self.sim.run(self.scenario.model.until, limit)
        self.steps, self.cut_off = limit.steps, limit.reached

    def add_workflows(self, section: WorkflowSection) -> None:
        """Start further workflows of a type that the scenario has already, while it runs."""
        self.arrivals.append(self._arrivals_of(section))
        self.arrivals[-1].begin()

    def verdicts(self) -> dict[str, Verdict]:
        """What became of the properties; of none where the run was cut off."""
        return dict(self.judge.finish(self.sim.now)) if self.judge is not None and not self.cut_off else {}

    def release(self) -> None:
        """Let go of what happened, once everything has been asked of it."""
        self.sim.release()

    def result(self, full_tape: bool, recorder: Recorder | None) -> RunResult:
        """What became of it."""
        sim, model = self.sim, self.scenario.model
        verdicts = self.verdicts()
        properties = {name: verdict.kind.value for name, verdict in verdicts.items()}
        digest = sim.digest.hexdigest()
        choices = sim.choices.recorded if full_tape else None
        tape = Tape(
            scenario=self.scenario.to_dict(), seed=self.seed, deviations=self.deviations, choices=choices, digest=digest,
            ended_at_us=sim.now, made_by=program_version(),
        )  # fmt: skip
        return RunResult(
            digest=digest,
            seed=self.seed,
            scenario=self.scenario.name,
            ended_at_us=sim.now,
            properties=properties,
            verdicts=Verdicts(verdicts, model.expect),
            as_expected=not self.cut_off and judging.as_expected(model, properties),
            sessions=self.sessions.result(),
            creation_wait_s=waits_of(self.sessions.waits),
            slots=self.slots.result(sim.now),
            messages=sim.messages,
            local_messages=sim.local_messages,
            workflows=Workflows(self.workflows.result()),
            statuses=dict(self.workflows.statuses),
            faults=tuple(self.faults.done),
            unused_deviations=tuple(sim.choices.unused()),
            tape=tape,
            recorder=recorder,
            cut_off=self.cut_off,
        )


def run(
    scenario: Scenario,
    seed: int,
    *,
    deviations: Mapping[str, int] | None = None,
    record: bool = False,
    full_tape: bool = False,
    observers: Sequence[Watcher] = (),
    histories: bool = False,
    properties: Sequence[str | Property] | None = None,
    elide: bool = False,
) -> RunResult:
    """Run a scenario.

    Args:
        scenario: what happens.
        seed: the luck: same scenario and seed, same run, to the byte.
        deviations: choices to make otherwise than the seed would, by label, in natural units.
        record: keep every choice by its label while running (`full_tape` does so too).
        full_tape: put every choice on the tape.
        observers: objects whose `attach(cluster, simulation)` is called before anything happens.
        histories: keep Temporal's history of every run.
        properties: names of the properties to judge, or properties of your own, instead of those of the scenario; `()` for none.
        elide: pass over heartbeats that nobody can notice. All is the same but for the digest, which is empty: such a tape cannot be
            held to anything. Observers may listen, but not look at nodes, whose heartbeats may not have happened yet.

    Raises:
        ValueError: a property or a deviation is unknown or impossible; or heartbeats are to be passed over in a run with a tape.
    """
    prepared = PreparedRun(scenario, seed, deviations, record or full_tape, properties, elide=elide)
    recorder = None
    if histories:
        recorder = Recorder(seed)
        prepared.sim.listen(Wrote, recorder)
    for observer in observers:
        observer.attach(prepared.cluster, prepared.sim)
    prepared.run()
    result = prepared.result(full_tape, recorder)
    if not observers:  # who watched may want to look at it
        prepared.release()
    return result


def _workflow(row: WorkflowResult) -> dict[str, Any]:
    return {"id": row.id, "status": row.status, "wait_s": row.wait_s, "outcome": as_json(row.outcome)}


def spelled(outcome: object) -> str:
    """A value of workflow code as text that does not depend on where it lies in memory."""
    try:
        text = repr(outcome)
    except (ValueError, RecursionError):  # a number of thousands of digits, or nested without end
        return type(outcome).__name__
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text) if " at 0x" in text else text


@cache
def program_version() -> str:
    """This program's version, for tapes. Looking it up reads a file, which would be a fifth of a small run."""
    try:
        return f"session-sim {version('session-sim')}"
    except PackageNotFoundError:
        return "session-sim (not installed)"


__all__ = ["PreparedRun", "RunResult", "Watcher", "program_version", "run"]
