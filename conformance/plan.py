"""What of a scenario can be done to a real cluster: workers, workflows and faults, as a recording carries them out.

A case is a scenario. The simulator takes all that a scenario may say; a real cluster has its own clock, network and
machine, and this rig one worker object a process, programs as workflows, and the faults below. `plan_of` reads a scenario
and lists everything in it that cannot be recorded, so that nothing is left out silently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sim import Scenario
from sim.model.durations import format_duration
from sim.model.laws import Constant
from sim.scenario.arrivals import workflow_ids
from sim.scenario.schema import FaultSection, ScenarioModel, WorkerSection, WorkflowSection
from sim.scenario.values import NEVER
from sim.scenario.workers import worker_names

OPTIONS: Final = {
    "max_concurrent_session_execution_size": "sessions",
    "max_concurrent_activity_execution_size": "activities",
    "worker_stop_timeout": "stop_timeout",
}
"""Options of a worker as a case names them; what has the SDK's default is left out."""

PROCESS_FAULTS: Final = ("kill", "lose_machine", "start", "restart", "stop", "pause", "partition")
CALL_FAULTS: Final = ("lose_request", "lose_response", "delay_request", "delay_response", "error")
CLIENT_FAULTS: Final = ("cancel", "terminate", "signal")
SERVER_FAULTS: Final = ("server_outage",)
KINDS: Final = (*PROCESS_FAULTS, *CALL_FAULTS, *CLIENT_FAULTS, *SERVER_FAULTS)

MOMENTS: Final[Mapping[str, tuple[str, str]]] = {
    "activity runs": ("activity_start", ""),
    "activity ends": ("activity_end", ""),
    "creation activity runs": ("activity_start", "internalSessionCreationActivity"),
    "completion activity runs": ("activity_start", "internalSessionCompletionActivity"),
}
"""Moments that a worker's log shows: name -> (kind of entry, activity type or any)."""

WHERE: Final[Mapping[str, str]] = {"label": "name", "activity_type": "type", "attempt": "attempt", "workflow": "workflow"}
"""What a moment's `where` may ask, and what a log entry calls it."""


class NotRecordable(Exception):
    """The scenario cannot be recorded; the message lists all reasons."""

    def __init__(self, name: str, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__(f"{name} cannot be recorded:\n" + "\n".join(f"  {reason}" for reason in reasons))


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """A worker. `options`: as the case names them; `start_at_us`: None when only a fault starts it."""

    name: str
    host: str
    options: Mapping[str, Any]
    start_at_us: int | None = 0


@dataclass(frozen=True, slots=True)
class FlowPlan:
    """A workflow. Timeouts in microseconds, 0 for none."""

    id: str
    steps: list[Mapping[str, Any]]
    at_us: int = 0
    execution_timeout_us: int = 0
    run_timeout_us: int = 0
    task_timeout_us: int = 0


@dataclass(frozen=True, slots=True)
class MomentPlan:
    """The `nth` log entry of this kind that has these fields, and so long after it."""

    event: str
    fields: Mapping[str, Any]
    nth: int
    after_us: int


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """What is done, to whom, when (a time, microseconds, or a moment), and until when."""

    kind: str
    target: str
    when: int | MomentPlan
    lasts_us: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole case. `until_us`: when it is over at the latest; `grace_us`: how long it goes on after the last close."""

    name: str
    what: str
    workers: list[WorkerPlan]
    flows: list[FlowPlan]
    faults: list[FaultPlan]
    until_us: int
    grace_us: int


def plan_of(scenario: Scenario) -> Plan:
    """The plan that a scenario comes to. Raises NotRecordable."""
    model = scenario.model
    reasons = list(_reasons(model))
    if reasons:
        raise NotRecordable(scenario.name, reasons)
    return Plan(
        name=scenario.name,
        what=model.title or model.description or scenario.name,
        workers=[_worker(section, name) for section in model.workers for name in worker_names(section)],
        flows=sorted((flow for section in model.workflows for flow in _flows(section)), key=lambda flow: flow.at_us),
        faults=[_fault(section) for section in model.faults],
        until_us=model.until,
        grace_us=model.grace,
    )


def _worker(section: WorkerSection, name: str) -> WorkerPlan:
    options: dict[str, Any] = {}
    for key, called in OPTIONS.items():
        value = getattr(section, key)
        if value != WorkerSection.model_fields[key].default:
            options[called] = format_duration(value) if key == "worker_stop_timeout" else value
    if section.disable_workflow_worker:
        options["no_workflow"] = True
    if not section.enable_session_worker:
        options["no_session"] = True
    return WorkerPlan(name, section.host or f"host-{name.lower()}", options, None if section.start_at == NEVER else section.start_at)


def _flows(section: WorkflowSection) -> Iterator[FlowPlan]:
    ids = workflow_ids(section)
    assert ids is not None
    times = [section.arrival.start + at for at in sorted(section.arrival.at or [0]) for _ in range(section.count or 1)]
    for at, workflow in zip(times, ids, strict=True):
        yield FlowPlan(workflow, list(section.program or []), at, section.execution_timeout, section.run_timeout, section.task_timeout)


_PARAMETERS: Final = (
    "delay", "direction", "method", "queue", "nth", "calls", "noticed_after", "code", "graceful", "exits", "name", "payload", "reason",
)  # fmt: skip


def _fault(section: FaultSection) -> FaultPlan:
    given = {name: getattr(section, name) for name in _PARAMETERS if getattr(section, name) is not None}
    return FaultPlan(section.kind, section.target, _when(section), section.lasts, given)


def _when(section: FaultSection) -> int | MomentPlan:
    if section.moment is None:
        assert section.at is not None
        return section.at
    event, activity_type = MOMENTS[section.moment.name]
    fields = {WHERE[key]: value for key, value in section.moment.where.items()}
    return MomentPlan(event, fields | ({"type": activity_type} if activity_type else {}), section.moment.nth, section.moment.after)


# -- what cannot be recorded -------------------------------------------------------------------------------------------


def _reasons(model: ScenarioModel) -> Iterator[str]:
    for section in model.workers:
        yield from _about_worker(section)
    for workflow in model.workflows:
        yield from _about_workflow(workflow)
    for number, fault in enumerate(model.faults):
        yield from (f"faults[{number}]: {reason}" for reason in _about_fault(fault))
    if model.cluster.history_shards != 1:
        yield "cluster.history_shards: the real server has one shard; leave it out"
    if model.activities:
        yield f"[activities.{next(iter(model.activities))}]: a real worker has only DoWork; say in `work` what it does"


_LIKE_THE_SDK: Final = ("enable_session_worker", "disable_workflow_worker", *OPTIONS)
_NOT_OPTIONS: Final = ("name", "count", "host", "start_at", "sdk_version", *_LIKE_THE_SDK)


def _about_worker(section: WorkerSection) -> Iterator[str]:
    for name, known in WorkerSection.model_fields.items():
        if name not in _NOT_OPTIONS and getattr(section, name) != known.get_default(call_default_factory=True):
            yield f"worker {section.name}: {name} cannot be recorded; leave it out"


def _about_workflow(section: WorkflowSection) -> Iterator[str]:
    if section.program is None:
        yield f"workflow {section.id}: only a `program` runs on a real worker"
    if section.task_queue:
        yield f"workflow {section.id}: all workflows have the case's task queue; leave task_queue out"
    arrival = section.arrival
    if arrival.poisson or arrival.every or arrival.burst or arrival.closed or arrival.file:
        yield f'workflow {section.id}: expected given times, arrival = {{ at = ["0s", "2s"] }}'


def _about_fault(fault: FaultSection) -> Iterator[str]:
    if fault.kind not in KINDS:
        yield f"the kind {fault.kind!r} cannot be recorded; those that can are {', '.join(KINDS)}"
    if fault.kind in SERVER_FAULTS and fault.lasts is None:
        yield 'expected how long the server is away, such as for = "5s": one that does not come back cannot be asked for histories'
    if fault.every is not None and not isinstance(fault.every, Constant):
        yield "expected a time or a moment instead of a rate"
    elif fault.every is not None:
        yield "expected `at`, once for each time, instead of `every`"
    if fault.target.startswith("@") and fault.target not in ("@there", "@workflow"):
        yield f"the target {fault.target!r} is not visible from outside; expected a name or @there"
    moment = fault.moment
    if moment is not None and moment.name not in MOMENTS:
        called = moment.name or moment.observation
        yield f"the moment {called!r} is not visible from outside; those that are are {', '.join(MOMENTS)}"
    if moment is not None and (fault.count not in (None, 1) or fault.until is not None):
        yield "a moment counts once; leave `count` and `until` out"
    for key in moment.where if moment is not None else ():
        if key not in WHERE:
            yield f"the moment's {key!r} is not in a worker's log; expected {', '.join(WHERE)}"


__all__ = ["FaultPlan", "FlowPlan", "MomentPlan", "NotRecordable", "Plan", "WorkerPlan", "plan_of"]
