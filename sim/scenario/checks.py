"""What can only be seen in a scenario as a whole: names that mean nothing, workflows that nobody would ever run, ..."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from sim.faults.kinds import KINDS
from sim.scenario.aims import AIMS
from sim.scenario.arrivals import may_start
from sim.scenario.code import definitions_of, find_definition
from sim.scenario.fault_checks import check_fault
from sim.scenario.judging import property_names
from sim.scenario.moments import MOMENTS
from sim.scenario.problems import Problem, did_you_mean
from sim.scenario.programs import check_program
from sim.scenario.schema import ArrivalSection, ScenarioModel
from sim.scenario.values import NEVER
from sim.scenario.workers import worker_names

_OWN_NAMES = ("server", "client", "resource")
ARRIVALS = ("at", "poisson", "every", "burst", "closed", "file")


def check(model: ScenarioModel) -> list[Problem]:
    """Everything that is wrong with a scenario whose values are fine one by one."""
    checks: tuple[Callable[[ScenarioModel], Iterator[Problem]], ...] = (
        _check_workers, _check_processes, _check_workflows, _check_code, _check_queues, _check_faults, _check_properties, _check_fuzz,
    )  # fmt: skip
    return [problem for one in checks for problem in one(model)]


def _check_workers(model: ScenarioModel) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for i, section in enumerate(model.workers):
        for name in worker_names(section):
            if name in seen:
                yield Problem(("workers", i, "name"), f"there are two workers called {name!r} (the other is workers[{seen[name]}])")
            seen[name] = i
        if section.process in _OWN_NAMES or section.name in _OWN_NAMES:
            names = ", ".join(_OWN_NAMES)
            yield Problem(("workers", i, "name"), f'{names} are names of the simulation\'s own; expected another, such as "w1"')
        if section.disable_workflow_worker and section.local_activity_worker_only:
            yield Problem(("workers", i), "neither polls workflow tasks nor activities; set one of disable_workflow_worker, "
                          "local_activity_worker_only to false")  # fmt: skip


def _check_processes(model: ScenarioModel) -> Iterator[Problem]:
    """Workers of one process start together, on one machine."""
    first: dict[str, int] = {}
    for i, section in enumerate(model.workers):
        if not section.process:
            continue
        j = first.setdefault(section.process, i)
        for name in ("start_at", "restart_after", "clock", "network"):
            if getattr(model.workers[j], name) != getattr(section, name):
                yield Problem(("workers", i, name), f"differs from that of workers[{j}], which is in the same process {section.process!r}")


def _check_workflows(model: ScenarioModel) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for i, section in enumerate(model.workflows):
        key = ("workflows", i)
        if section.id in seen:
            yield Problem((*key, "id"), f"there are two workflows called {section.id!r} (the other is workflows[{seen[section.id]}])")
        seen[section.id] = i
        if bool(section.workflow) == (section.program is not None):
            yield Problem(key, 'expected either workflow = "file.py:function" or program = [steps]')
        if section.program is not None:
            if section.input is not None:
                yield Problem((*key, "input"), "a program takes no input; leave it out")
            yield from check_program(section.program, (*key, "program"))
        yield from _check_arrival(section.arrival, section.count, (*key, "arrival"))


def _check_arrival(arrival: ArrivalSection, count: int | None, key: tuple[str | int, ...]) -> Iterator[Problem]:
    given = [name for name in ARRIVALS if getattr(arrival, name) is not None]
    if len(given) > 1:
        yield Problem(key, f"has {', '.join(given)}; expected one of {', '.join(ARRIVALS)}")
    if arrival.like is not None:
        yield Problem(
            (*key, "like"), f"the file of latencies is not at hand here, so nobody knows {arrival.like!r}; expected a law in `every`"
        )
    if isinstance(arrival.file, str):
        yield Problem((*key, "file"), f'the file {arrival.file} is not at hand here; expected the times themselves, such as ["0s", "2s"]')
    if count is not None and (arrival.closed is not None or arrival.file is not None):
        yield Problem((*key[:-1], "count"), "says nothing here: a closed loop has population and total, a file its lines; leave it out")
    if arrival.every is not None and arrival.every.bounds()[1] == 0:
        yield Problem((*key, "every"), "is always 0s; expected a law of times above 0")


def _check_code(model: ScenarioModel) -> Iterator[Problem]:
    sound: dict[str, None] = {}
    for i, section in enumerate(model.workflows):
        key = ("workflows", i, "workflow")
        if not section.workflow:
            continue
        file, colon, function = section.workflow.partition(":")
        if not colon or not function or PurePosixPath(file).suffix != ".py":
            yield Problem(key, f'is {section.workflow!r}; expected "file.py:function", such as "file_processing.py:file_processing"')
        elif file not in model.modules:
            yield Problem(key, f"the file {file} does not exist; expected a Python file beside the scenario")
        else:
            try:
                find_definition(section.workflow, model.modules)
                sound[section.workflow] = None
            except ValueError as error:
                yield Problem(key, str(error))
    try:
        definitions_of(sound, model.modules)
    except ValueError as error:
        yield Problem(("workflows",), str(error))


def _check_queues(model: ScenarioModel) -> Iterator[Problem]:
    """A workflow nobody would ever run."""
    started = {fault.target for fault in model.faults if fault.kind in ("start", "restart")}
    polled: dict[str, None] = {}
    for worker in model.workers:
        homes = [worker.process] if worker.process else worker_names(worker)
        if not worker.disable_workflow_worker and (worker.start_at != NEVER or any(home in started for home in homes)):
            polled[worker.task_queue or model.cluster.task_queue] = None
    for i, section in enumerate(model.workflows):
        queue = section.task_queue or model.cluster.task_queue
        if queue not in polled:
            known = f"polled are {', '.join(sorted(polled))}" if polled else "no worker that runs workflows ever starts"
            yield Problem(("workflows", i, "task_queue"), f"nobody ever polls the queue {queue!r} for workflow tasks; {known}")


def _check_faults(model: ScenarioModel) -> Iterator[Problem]:
    processes = list(dict.fromkeys(w.process or name for w in model.workers for name in worker_names(w)))
    for i, fault in enumerate(model.faults):
        yield from check_fault(fault, ("faults", i))
        if fault.target.startswith("@") or not fault.target:
            continue
        what = KINDS[fault.kind].target
        if what == "process" and fault.target not in [*processes, *(["server"] if fault.kind == "clock" else [])]:
            known = did_you_mean(fault.target, [*processes, "@busy", "@idle"])
            yield Problem(("faults", i, "target"), f"there is no process {fault.target!r}; {known}")
        elif what == "workflow" and not any(may_start(section, fault.target) for section in model.workflows):
            known = did_you_mean(fault.target, [section.id for section in model.workflows])
            yield Problem(("faults", i, "target"), f"there is no workflow {fault.target!r}; {known}")


def _check_fuzz(model: ScenarioModel) -> Iterator[Problem]:
    """Names of aims, goals and properties."""
    fuzz, properties = model.fuzz, property_names()
    if fuzz is None:
        return
    aims = [aim.name for aim in AIMS]
    for i, name in enumerate(fuzz.aims or []):
        if name not in aims:
            yield Problem(("fuzz", "aims", i), f"there is no aim {name!r}; {did_you_mean(name, aims)}")
    for i, name in enumerate(fuzz.goals):
        if name not in MOMENTS and name not in properties:
            known = did_you_mean(name, [*MOMENTS.names, *properties])
            yield Problem(("fuzz", "goals", i), f"there is no moment and no property {name!r}; {known}")
    for name in fuzz.expect:
        if name not in properties:
            yield Problem(("fuzz", "expect", name), f"there is no property {name!r}; {did_you_mean(name, properties)}")


def _check_properties(model: ScenarioModel) -> Iterator[Problem]:
    known = property_names()
    named = [(("expect", name), name) for name in model.expect]
    named += [(("properties", "disable", i), name) for i, name in enumerate(model.properties.disable)]  # type: ignore[misc]
    named += [(("properties", "enable", i), name) for i, name in enumerate(model.properties.enable or [])]  # type: ignore[misc]
    for key, name in named:
        if name not in known:
            yield Problem(key, f"there is no property {name!r}; {did_you_mean(name, known)}")
