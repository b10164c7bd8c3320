"""Runs a test's scenario under many seeds, each with the faults that the nemesis has for it, until something breaks."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sim.cli.exits import ignore_abandoned
from sim.cli.watchdog import watched
from sim.faults.nemesis import Plan
from sim.properties import DEMANDS
from sim.properties.base import Property, Violation
from sim.protocol.worker.work import UnknownActivityError
from sim.scenario.fuzzing import TRIAL_SEED, Ground, ground_of, with_tables
from sim.scenario.load import Scenario
from sim.scenario.run import RunResult, run
from sim.scenario.schema import FuzzSection
from sim.testing.arguments import WrongTest
from sim.testing.order import difference
from sim.testing.subject import Subject
from sim.trace.tape import Tape
from sim.workflow.errors import NotModelledError, WorkflowCodeError

RUNS: Final = 200
"""Seeds of a test that does not say how many: a few seconds."""
FIRST_SEED: Final = 1
MOST_ACTIVITIES: Final = 100
"""So many activity types may get a behaviour of their own accord; more would be names that are made up at random."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A run that broke something. `tape` None and `error` set: workflow code did what cannot go on."""

    scenario: Scenario
    seed: int
    promise: Property | None
    violation: Violation | None
    result: RunResult | None = None
    error: str = ""
    faults: str = ""
    """What the nemesis had in store, in a line."""

    @property
    def tape(self) -> Tape | None:
        """The run's tape."""
        return None if self.result is None else self.result.tape


@dataclass(frozen=True, slots=True)
class Campaign:
    """What came of it. `runs`: those that were made; `exercised`: property to how often it was put to the test in all of them."""

    runs: int
    exercised: dict[str, int]
    broken: Broken | None


def campaign(subject: Subject, runs: int | None = None, seed: int | None = None) -> Campaign:
    """Run it without faults, then under `runs` seeds from `seed` on, until something breaks.

    Raises:
        NotModelledError: the workflow uses what is not modelled.
    """
    runs = runs if runs is not None else subject.runs if subject.runs is not None else RUNS
    seed = seed if seed is not None else subject.seed if subject.seed is not None else FIRST_SEED
    return _with_behaviours(subject, lambda subject: _campaign(subject, runs, seed))


def replayed(subject: Subject, tape: Tape) -> Campaign:
    """Run a tape's run with the present code: cluster, faults and luck are the tape's, workflows and activities those of the test.

    Raises:
        WrongTest: the tape is of another scenario, so this test has nothing to say of it.
        ScenarioError: the two do not go together.
        NotModelledError: the workflow uses what is not modelled.
    """
    theirs, ours = tape.scenario.get("name", ""), subject.scenario.model.name
    if theirs != ours:
        raise WrongTest(
            f"the tape is a run of {theirs!r}, this test runs {ours!r}; expected a tape of this test (session-sim replay runs any), "
            "or one test chosen besides, as the command in its report does"
        )
    code = {section.id: section.workflow for section in subject.scenario.model.workflows if section.workflow}

    def again(subject: Subject) -> Campaign:
        tables, present = dict(tape.scenario), subject.scenario.to_dict()
        workflows = [{**w, "workflow": code[w["id"]]} if w.get("workflow") and w["id"] in code else w for w in tables["workflows"]]
        activities = {**present["activities"], **tables.get("activities", {})}
        modules = {**tables.get("modules", {}), **present["modules"]}
        content = {**tables, "activities": activities, "workflows": workflows, "modules": modules, "expect": {}}
        scenario = Scenario.from_dict(content, source="the tape's scenario with the test's code")
        # A tape that was shrunk need not say any more from when on all is well: then nobody can demand an end.
        healed = scenario.model.fuzz is not None and scenario.model.fuzz.quiet_after is not None
        properties = tuple(p for p in subject.properties if healed or p.name not in DEMANDS)
        exercised = dict.fromkeys((p.name for p in properties), 0)
        return Campaign(1, exercised, judged(scenario, tape.seed, properties, exercised, deviations=tape.deviations))

    return _with_behaviours(subject, again)


def _with_behaviours(subject: Subject, attempt: Callable[[Subject], Campaign]) -> Campaign:
    """Try until every activity has a behaviour: which there are nobody knows before they are called."""
    with undisturbed():
        for _ in range(MOST_ACTIVITIES):
            try:
                return attempt(subject)
            except UnknownActivityError as error:
                subject = subject.with_behaviour(error.activity)
    raise NotModelledError(f"more than {MOST_ACTIVITIES} activity types without [activities.TYPE]; expected a table for each")


def _campaign(subject: Subject, runs: int, first: int) -> Campaign:
    exercised = dict.fromkeys((p.name for p in subject.properties), 0)
    subject = subject.judging(_may_break(subject.scenario))
    try:
        ground = ground_with(subject)
    except WorkflowCodeError as error:
        return Campaign(1, exercised, Broken(subject.scenario, TRIAL_SEED, None, None, error=str(error)))
    # Without faults nothing is wrong from the beginning.
    broken = judged(with_tables(ground, (), 0), first, subject.properties, exercised)
    if broken is not None:
        return Campaign(1, exercised, broken)
    for number in range(runs):
        plan = ground.plan(first + number)
        broken = judged(ground.with_faults(plan), first + number, subject.properties, exercised, plan)
        if broken is not None:
            return Campaign(number + 2, exercised, broken)
    otherwise = difference(ground, first, runs)
    if otherwise:
        return Campaign(runs + 1, exercised, Broken(subject.scenario, first, None, None, error=otherwise))
    return Campaign(runs + 1, exercised, None)


def _may_break(scenario: Scenario) -> set[str]:
    """What the scenario expects to be broken, in its own run or in a campaign."""
    fuzz = scenario.model.fuzz
    own = {name for name, verdict in scenario.model.expect.items() if verdict == "broken"}
    return own | (set(fuzz.expect) if fuzz is not None else set())


def ground_with(subject: Subject) -> Ground:
    """What the nemesis is told of the scenario."""
    scenario = subject.scenario
    if subject.kinds is not None:
        told = (scenario.model.fuzz or FuzzSection()).model_dump(mode="json", exclude_none=True)
        scenario = Scenario.from_dict({**scenario.to_dict(), "fuzz": {**told, "kinds": list(subject.kinds)}}, source=scenario.source)
    return ground_of(scenario)


def judged(
    scenario: Scenario,
    seed: int,
    properties: tuple[Property, ...],
    exercised: dict[str, int] | None = None,
    plan: Plan | None = None,
    deviations: Mapping[str, int] | None = None,
) -> Broken | None:
    """One run: what it breaks, None when all is well.

    Raises:
        UnknownActivityError, NotModelledError: it cannot be run.
    """
    said = plan.sentence() if plan is not None else ""
    try:
        result = run(scenario, seed, properties=properties, deviations=deviations)
    except WorkflowCodeError as error:
        return Broken(scenario, seed, None, None, error=str(error), faults=said)
    for one in properties:
        verdict = result.verdicts[one.name]
        if exercised is not None:
            exercised[one.name] += verdict.exercised
        if verdict.broken:
            return Broken(scenario, seed, one, verdict.violations[0], result, faults=said)
    return None


@contextmanager
def undisturbed() -> Iterator[None]:
    """Watch over workflow code that does not give way, and keep quiet about what abandoned code does in the end."""
    before: Callable[[Any], Any] = sys.unraisablehook
    sys.unraisablehook = ignore_abandoned
    # Somebody else's timer, of pytest-timeout for instance, is worth more: it ends endless code as well.
    mine = hasattr(signal, "getitimer") and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    try:
        if mine:
            with watched():
                yield
        else:
            yield
    finally:
        sys.unraisablehook = before
