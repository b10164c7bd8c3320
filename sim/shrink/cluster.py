"""Passes over workers, workflows and activities: fewer of them, with fewer slots and steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sim.shrink.faults import Shrinking, earlier, rehomed, retargeted
from sim.shrink.measure import slots
from sim.shrink.programs import Table, shorter_programs, simpler_programs
from sim.shrink.search import delete_items, lower
from sim.shrink.sketch import Sketch


def fewer_workers(search: Shrinking) -> None:
    """Fewer tables of workers, fewer workers in each, fewer slots of each."""
    for number in range(len(search.value.tables["workers"]) - 1, -1, -1):
        workers = search.value.tables["workers"]
        if len(workers) > 1:
            _with_workers(search, [*workers[:number], *workers[number + 1 :]])
    for number in range(len(search.value.tables["workers"])):
        count = search.value.tables["workers"][number].get("count", 1)
        for fewer in dict.fromkeys((1, 2, count // 2, count - 1)):
            if 1 <= fewer < search.value.tables["workers"][number].get("count", 1):
                workers = search.value.tables["workers"]
                changed = {key: value for key, value in workers[number].items() if key != "count"}
                changed |= {"count": fewer} if fewer > 1 else {}
                _with_workers(search, [*workers[:number], changed, *workers[number + 1 :]])


def _with_workers(search: Shrinking, workers: list[Table]) -> None:
    tables = search.value.tables
    for faults in retargeted(tables, _processes(workers)):
        if search.consider(search.value.changed(workers=workers, faults=faults)):
            return


def _processes(workers: Sequence[Table]) -> list[str]:
    """The names of all processes."""
    found: dict[str, None] = {}
    for worker in workers:
        count = worker.get("count", 1)
        names = [worker["name"]] if count == 1 else [f"{worker['name']}{n}" for n in range(1, count + 1)]
        found |= dict.fromkeys([worker["process"]] if worker.get("process") else names)
    return list(found)


def fewer_slots(search: Shrinking) -> None:
    """Fewer session slots of every worker."""
    for number, worker in enumerate(search.value.tables["workers"]):
        lower(search, slots(worker), 1, partial(_with_slots, number=number))


def _with_slots(sketch: Sketch, count: int, number: int) -> Sketch:
    workers = list(sketch.tables["workers"])
    workers[number] = {**workers[number], "max_concurrent_session_execution_size": count}
    return sketch.changed(workers=workers)


def fewer_workflows(search: Shrinking) -> None:
    """Fewer tables of workflows, fewer workflows in each, all of them from the start."""
    for number in range(len(search.value.tables["workflows"]) - 1, -1, -1):
        workflows = search.value.tables["workflows"]
        if len(workflows) > 1:
            _with_workflows(search, [*workflows[:number], *workflows[number + 1 :]], workflows[number]["id"], ())
    for number in range(len(search.value.tables["workflows"])):
        for changed, ids in _less_often(search.value.tables["workflows"][number]):
            workflows = search.value.tables["workflows"]
            if _with_workflows(search, [*workflows[:number], changed, *workflows[number + 1 :]], changed["id"], ids):
                break


def _less_often(workflow: Table) -> list[tuple[Table, tuple[str, ...]]]:
    """The same workflow started less often, with the ids it has then; the smallest first."""
    once = {key: value for key, value in workflow.items() if key not in ("count", "arrival")}
    name = workflow["id"]
    found: list[tuple[Table, tuple[str, ...]]] = [(once, (name,))]
    arrival, count = workflow.get("arrival", {}), workflow.get("count", 1)
    times = arrival.get("at") or arrival.get("file") or []
    if len(times) == 1:
        found.append(({**once, "arrival": {"at": list(times)}}, (name,)))
    for fewer in dict.fromkeys((1, 2, 3, count // 2, count - 1)):
        ids = (name,) if fewer == 1 else tuple(f"{name}-{n}" for n in range(1, fewer + 1))
        if 1 < fewer < count or (fewer == 1 and count > 1 and arrival):
            found += [({**once, "count": fewer}, ids), ({**workflow, "count": fewer}, ids)]
    if len(times) > 1:
        found += [({**workflow, "arrival": {**arrival, "at": times[:n]}}, (name,)) for n in range(1, len(times))]
    return [(table, ids) for table, ids in found if table != workflow]


def _with_workflows(search: Shrinking, workflows: list[Table], changed: str, ids: Sequence[str]) -> bool:
    for faults in rehomed(search.value.tables, changed, ids):
        if search.consider(search.value.changed(workflows=workflows, faults=faults)):
            return True
        # With fewer workflows the slots are held at other times.
        if any(search.consider(search.value.changed(workflows=workflows, faults=sooner)) for sooner in earlier(faults)):
            return True
    return False


def shorter(search: Shrinking) -> None:
    """Fewer and simpler steps of programs, and fewer activities."""
    for number in range(len(search.value.tables["workflows"])):
        while _shorter_program(search, number):
            pass
    names = list(search.value.tables.get("activities", {}))
    delete_items(search, names, partial(_without_activities, names=names))


def _shorter_program(search: Shrinking, number: int) -> bool:
    """Take the first program that will do."""
    program = search.value.tables["workflows"][number].get("program")
    if program is None:
        return False
    for _, smaller in (*shorter_programs(program), *simpler_programs(program)):
        workflows = list(search.value.tables["workflows"])
        workflows[number] = {**workflows[number], "program": smaller}
        if search.consider(search.value.changed(workflows=workflows)):
            return True
    return False


def _without_activities(sketch: Sketch, numbers: Sequence[int], names: Sequence[str]) -> Sketch:
    gone = {names[number] for number in numbers}
    activities = sketch.tables.get("activities", {})
    return sketch.changed(activities={name: table for name, table in activities.items() if name not in gone})
