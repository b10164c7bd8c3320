"""A scenario as the nemesis sees it, and with the faults that the nemesis drew for a seed.

What comes out is a scenario like any other: `run`, tapes, `explain` and `diff` need to know nothing of campaigns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sim.faults import KINDS
from sim.faults.nemesis import Plan, Surroundings, Tuning
from sim.faults.nemesis import plan as drawn
from sim.model.durations import format_duration
from sim.scenario.aims import aims_of
from sim.scenario.arrivals import workflow_ids
from sim.scenario.calls import METHODS
from sim.scenario.fault_checks import check_fault
from sim.scenario.judging import FINISH_WITHIN
from sim.scenario.load import Scenario
from sim.scenario.moments import MOMENTS
from sim.scenario.problems import ScenarioError
from sim.scenario.run import PreparedRun
from sim.scenario.schema import FaultSection, FuzzSection, ScenarioModel

TRIAL_SEED: Final = 0
"""The luck of the run that shows how long a scenario takes and which moments there are."""
FEWEST_STEPS: Final = 300_000
STEPS_OF_TRIAL: Final = 20
"""A run that has as many times the steps of one without further faults, and at least `FEWEST_STEPS`, does not end."""
TRIAL_STEPS: Final = 3_000_000
"""Steps of that run itself at most."""
MOST_WORKFLOWS: Final = 64
"""So many workflows, of those that a scenario has, are named to the nemesis."""
CODES: Final = ("Unavailable", "Unavailable", "ResourceExhausted", "DeadlineExceeded")
"""Errors that a sound server may answer with, whatever the call."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a campaign stands on: a scenario, what is in it, and how it is to be fuzzed. Plain data, for other processes.

    `endless`: whether the scenario's runs end by its `until` only. `most_steps`: after so many a run has not ended.
    """

    scenario: Scenario
    surroundings: Surroundings
    tuning: Tuning
    finish_within_us: int | None
    endless: bool
    most_steps: int = 300_000

    def plan(self, seed: int) -> Plan:
        """What this seed has in store."""
        return drawn(seed, self.surroundings, self.tuning)

    def with_faults(self, plan: Plan) -> Scenario:
        """The scenario of one run: its own faults and those of the plan, and the demand that what is open then ends."""
        return with_tables(self, plan.tables, plan.quiet_us)


def ground_of(scenario: Scenario) -> Ground:
    """Look at a scenario: it is run once, without further faults, to see how long it takes and which moments there are.

    Raises:
        WorkflowCodeError, UnknownActivityError: a workflow or an activity of it cannot be run.
    """
    model = scenario.model
    fuzz = model.fuzz or FuzzSection()
    trial, moments = _trial(scenario)
    ended = trial.sim.now
    endless = ended >= model.until
    horizon = max(ended - (0 if endless else model.grace), 1)
    ids = [workflow for section in model.workflows for workflow in islice(workflow_ids(section) or (), MOST_WORKFLOWS)]
    surroundings = Surroundings(
        processes=processes_of(model),
        horizon_us=horizon,
        workflows=tuple(ids[:MOST_WORKFLOWS]),
        activities=tuple(model.activities),
        signals=tuple(fuzz.signals),
        moments=moments,
        methods=tuple(METHODS),
        queues=("session", model.cluster.task_queue),
        codes=CODES,
        aims=aims_of(fuzz.aims),
    )
    allowed = tuple(kind for kind in (fuzz.kinds if fuzz.kinds is not None else KINDS) if kind not in fuzz.without)
    tuning = Tuning(allowed, round(fuzz.strength * 1000), fuzz.window)
    demanded = fuzz.finish_within
    if demanded is None and not _never_heals(model):
        demanded = max(FINISH_WITHIN, 3 * horizon)
    most = fuzz.most_steps if fuzz.most_steps is not None else max(FEWEST_STEPS, STEPS_OF_TRIAL * trial.steps)
    return Ground(scenario, surroundings, tuning, demanded, endless, most)


def processes_of(model: ScenarioModel) -> tuple[str, ...]:
    """The names of all processes, in the order of the file."""
    from sim.scenario.workers import worker_names

    return tuple(dict.fromkeys(w.process or name for w in model.workers for name in worker_names(w)))


def with_tables(ground: Ground, tables: Iterable[Mapping[str, Any]], quiet_us: int) -> Scenario:
    """A scenario with further `[[faults]]` tables, all of them over at `quiet_us`.

    Raises:
        ScenarioError: a table does not say what its kind needs.
    """
    model = ground.scenario.model
    faults = [FaultSection.model_validate(table) for table in tables]
    first = len(model.faults)
    problems = [problem for i, fault in enumerate(faults) for problem in check_fault(fault, ("faults", first + i))]
    if problems:
        raise ScenarioError(ground.scenario.source, problems)
    within = ground.finish_within_us
    demands: dict[str, Any] = {"most_steps": ground.most_steps}
    changes: dict[str, Any] = {"faults": [*model.faults, *faults]}
    if within is not None:
        demands |= {"quiet_after": format_duration(quiet_us), "finish_within": format_duration(within)}
        if not ground.endless:
            changes["until"] = quiet_us + within + model.grace
    changes["fuzz"] = FuzzSection.model_validate(demands)
    return Scenario(model.model_copy(update=changes), ground.scenario.source)


def _trial(scenario: Scenario) -> tuple[PreparedRun, dict[str, int]]:
    """A run, and how often each moment is seen in it."""
    fuzz = scenario.model.fuzz or FuzzSection()
    bounded = fuzz.model_copy(update={"most_steps": fuzz.most_steps or TRIAL_STEPS})
    prepared = PreparedRun(Scenario(scenario.model.model_copy(update={"fuzz": bounded}), scenario.source), TRIAL_SEED, properties=())
    seen: dict[str, int] = {}
    for name in MOMENTS.names:
        moment = MOMENTS[name]

        def listener(time: int, node: str, observation: object, name: str = name) -> None:
            number = len(MOMENTS[name].sightings(node, observation, {}))
            if number:
                seen[name] = seen.get(name, 0) + number

        prepared.sim.listen(moment.observation, listener)
    prepared.run()
    return prepared, {name: seen[name] for name in MOMENTS.names if name in seen}


def _never_heals(model: ScenarioModel) -> bool:
    """Whether the scenario has faults of its own that do not end: nobody can demand then that all goes well again."""
    return any(
        KINDS[fault.kind].undone and fault.lasts is None and not (fault.kind in ("kill", "lose_machine") and _restarts(model))
        for fault in model.faults
    )  # fmt: skip


def _restarts(model: ScenarioModel) -> bool:
    return all(section.restart_after >= 0 for section in model.workers)
