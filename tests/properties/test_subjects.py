"""Whoever watches one workflow or one process alone comes to the verdict of whoever watches all."""

from __future__ import annotations

from typing import Any

import pytest

from sim import Scenario
from sim.model.inputs import Deliver
from sim.model.outcomes import ScriptedStep
from sim.properties import Judge
from sim.properties.automaton import Audience, Watcher, audience, timeless
from sim.properties.base import Subject
from sim.scenario.arrivals import workflow_ids
from sim.scenario.run import PreparedRun
from sim.scenario.workers import worker_plans

RUNS = [
    ("file_processing_crash", 7), ("two_workers_one_host", 1), ("recreate_continue_as_new", 3), ("partition", 1), ("server_outage", 2),
    ("cancel_with_cleanup", 1), ("jobqueue_waiting", 4),
]  # fmt: skip


def heard(name: str, seed: int) -> tuple[Scenario, list[tuple[str, Any]]]:
    """All that a run lets see, with who did."""
    scenario = Scenario.load(f"scenarios/{name}.toml")
    run = PreparedRun(scenario, seed, properties=[])
    everything: list[tuple[str, Any]] = []
    judge = Judge(names=timeless())

    class Ears:
        def listen(self, kind: type, listener: object) -> None:
            kinds.add(kind)

    kinds: set[type] = set()
    judge.attach(Ears())
    for kind in kinds:
        run.sim.listen(kind, lambda time, node, observation: everything.append((node, observation)))
    run.run()
    return scenario, everything


def verdicts(audiences: list[Audience], everything: list[tuple[str, Any]]) -> set[str]:
    """The names of what is broken, by watchers of these audiences together."""
    watchers = [(hears, Watcher(hears.names)) for hears in audiences]
    for node, observation in everything:
        for hears, watcher in watchers:
            if hears(node, observation):
                watcher.handle(Deliver(observation, node), ScriptedStep("watcher"))
    return {name for _, watcher in watchers for name in watcher.broken}


def whole(everything: list[tuple[str, Any]]) -> set[str]:
    judge = Judge(names=timeless())
    chains: dict[type, list[Any]] = {}

    class Ears:
        def listen(self, kind: type, listener: Any) -> None:
            chains.setdefault(kind, []).append(listener)

    judge.attach(Ears())
    for node, observation in everything:
        for listener in chains.get(type(observation), ()):
            listener(0, node, observation)
    return {name for name, observer in judge.observers.items() if observer.broken}


@pytest.mark.parametrize(("name", "seed"), RUNS, ids=str)
def test_each_subject_on_its_own(name: str, seed: int) -> None:
    scenario, everything = heard(name, seed)
    workflows = [workflow for section in scenario.model.workflows for workflow in workflow_ids(section) or ()]
    processes = dict.fromkeys(plan.spec.home for plan in worker_plans(scenario.model))
    of_workflows = [audience(timeless(), Subject.WORKFLOW, workflow) for workflow in workflows]
    of_processes = [audience(timeless(), Subject.WORKER, process) for process in processes]
    together = verdicts([hears for hears in (*of_workflows, *of_processes) if hears is not None], everything)
    assert together == whole(everything)


def test_some_of_these_runs_break_something() -> None:
    assert {name for case in RUNS[:2] for name in whole(heard(*case)[1])} >= {"failure_is_failure"}
