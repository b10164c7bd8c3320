"""The workers of a scenario: what its tables come to when every `count` is spelled out."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sim.model.laws import Law
from sim.protocol.mutants import Mutant
from sim.protocol.worker.options import WorkerOptions
from sim.scenario.cluster import WorkerSpec
from sim.scenario.latencies import pace_of
from sim.scenario.schema import ScenarioModel, WorkerSection
from sim.scenario.values import NEVER
from sim.simulator.places import Clock
from sim.workflow.repairs import repairs_of
from sim.workflow.resources import amounts
from sim.workflow.sdk import SdkVersion
from sim.workflow.variants import Variant

_MADE = ("sdk", "mutants", "repairs", "pace", "variant", "session_resources", "session_shapes")
_OPTIONS = tuple(f.name for f in fields(WorkerOptions) if f.name not in _MADE)


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """A worker object, and what its process does. Times in microseconds, None for never."""

    spec: WorkerSpec
    start_at: int | None
    restart_after: int | None
    request: Law
    response: Law


def worker_names(section: WorkerSection) -> list[str]:
    """The names of a table's workers."""
    return [section.name] if section.count == 1 else [f"{section.name}{n}" for n in range(1, section.count + 1)]


def worker_plans(model: ScenarioModel) -> list[WorkerPlan]:
    """All worker objects, in the order of the file."""
    tables = [(section, options_of(model, section)) for section in model.workers]
    return [_plan(model, section, name, options) for section, options in tables for name in worker_names(section)]


def options_of(model: ScenarioModel, section: WorkerSection) -> WorkerOptions:
    """The options of a table's workers."""
    sdk = SdkVersion.parse(section.sdk_version or model.cluster.sdk_version)
    mutants = tuple(Mutant[name.upper()] for name in section.mutants)
    return WorkerOptions(
        **{name: getattr(section, name) for name in _OPTIONS}, sdk=sdk, mutants=mutants, pace=pace_of(model),
        repairs=repairs_of(model.repairs), variant=Variant(model.protocol), session_resources=amounts(section.session_resources),
        session_shapes=tuple(amounts(shape) for shape in section.session_shapes),
    )  # fmt: skip


def _plan(model: ScenarioModel, section: WorkerSection, name: str, options: WorkerOptions) -> WorkerPlan:
    spec = WorkerSpec(
        name=name,
        host=section.host or f"host-{name}",
        task_queue=section.task_queue or model.cluster.task_queue,
        options=options,
        process=section.process,
        clock=Clock(section.clock.drift_ppm, section.clock.skew),
    )
    network = section.network
    request, response = network.request or model.network.request, network.response or model.network.response
    return WorkerPlan(spec, _or_none(section.start_at), _or_none(section.restart_after), request, response)


def _or_none(us: int) -> int | None:
    return None if us == NEVER else us
