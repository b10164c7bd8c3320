"""What sessions ask for against what workers have: types that nobody has, demands that nobody could ever serve, too many pollers.

Only programs say what they ask for before they run. A demand of a Python workflow that nobody serves waits until CreationTimeout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sim.scenario.problems import Key, Problem, did_you_mean
from sim.scenario.schema import ScenarioModel, WorkerSection, WorkflowSection
from sim.workflow.resources import MOST_SHAPES, amounts, count_shapes, covers, spelled
from sim.workflow.variants import Variant


def check_resources(model: ScenarioModel) -> Iterator[Problem]:
    """Everything that is wrong about resources of a scenario."""
    for i, section in enumerate(model.workers):
        yield from _check_worker(model, section, ("workers", i))
    for i, workflow in enumerate(model.workflows):
        for key, step in _creations(workflow.program or (), ("workflows", i, "program")):
            yield from _check_demand(model, workflow, step, (*key, "resources"))


def _check_worker(model: ScenarioModel, section: WorkerSection, key: Key) -> Iterator[Problem]:
    if not section.session_resources:
        if section.session_shapes:
            yield Problem((*key, "session_shapes"), "says nothing without session_resources; expected those, too")
        return
    if Variant(model.protocol) is not Variant.HOST:
        yield Problem((*key, "session_resources"), 'are known to host sessions only; expected protocol = "host" at the top of the file')
    if not section.enable_session_worker:
        yield Problem((*key, "session_resources"), "are of use to sessions only; expected enable_session_worker = true")
    for j, shape in enumerate(section.session_shapes):
        if not covers(section.session_resources, amounts(shape)) or not shape:
            has = spelled(amounts(section.session_resources))
            yield Problem((*key, "session_shapes", j), f"is {spelled(amounts(shape)) or 'empty'}; expected some of what it has, {has}")
    count = len(section.session_shapes) or count_shapes(amounts(section.session_resources))
    if count > MOST_SHAPES:
        yield Problem(
            (*key, "session_shapes"),
            f"{count} different demands, each with two polls of its own; expected at most {MOST_SHAPES}: name those that sessions have, "
            'such as session_shapes = [{ gpu = 1 }, { gpu = 1, disk = 2 }]',
        )  # fmt: skip


def _creations(steps: Sequence[Any], key: Key) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    """All steps that create sessions which ask for something, however deep they are, as far as they are sound."""
    for i, step in enumerate(steps):
        if not isinstance(step, Mapping):
            continue
        here = (*key, i)
        if step.get("op") in ("create", "recreate") and isinstance(step.get("resources"), Mapping):
            yield here, step
        if isinstance(step.get("steps"), list):
            yield from _creations(step["steps"], (*here, "steps"))
        for j, branch in enumerate(step["branches"] if isinstance(step.get("branches"), list) else ()):
            if isinstance(branch, list):
                yield from _creations(branch, (*here, "branches", j))


def _check_demand(model: ScenarioModel, workflow: WorkflowSection, step: Mapping[str, Any], key: Key) -> Iterator[Problem]:
    wanted: Mapping[str, Any] = step["resources"]
    if not all(isinstance(amount, int) and amount > 0 for amount in wanted.values()):
        return
    if Variant(model.protocol) is not Variant.HOST:
        yield Problem(key, 'are known to host sessions only; expected protocol = "host" at the top of the file')
        return
    queue = step.get("queue") or workflow.task_queue or model.cluster.task_queue
    # A session in another's context, or recreated, may go to other queues than the workflow's.
    anywhere = step["op"] == "recreate" or (bool(step.get("in")) and not step.get("queue"))
    workers = [w for w in model.workers if w.enable_session_worker and (anywhere or (w.task_queue or model.cluster.task_queue) == queue)]
    known = sorted({kind for worker in workers for kind in worker.session_resources})
    unknown = [kind for kind in wanted if kind not in known]
    for kind in unknown:
        has = did_you_mean(kind, known) if known else "none of them has session_resources"
        yield Problem((*key, kind), f"no worker of the queue {queue!r} has a resource {kind!r}; {has}")
    demand = amounts(wanted)
    if not unknown and not any(_serves(worker, demand) for worker in workers):
        has = "; ".join(dict.fromkeys(f"{w.name} has {spelled(amounts(w.session_resources))}" for w in workers if w.session_resources))
        shaped = " and its session_shapes name what it is open to" if any(w.session_shapes for w in workers) else ""
        yield Problem(key, f"no worker could ever serve {spelled(demand)}; {has}{shaped}")


def _serves(worker: WorkerSection, demand: tuple[tuple[str, int], ...]) -> bool:
    if worker.session_shapes:
        return any(amounts(shape) == demand for shape in worker.session_shapes)
    return covers(worker.session_resources, demand)
