"""What a test is about: a scenario, made of what its marker says."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sim.properties import DEMANDS, DUTIES, KNOWN
from sim.properties.base import Property
from sim.properties.own import check
from sim.scenario.load import Scenario
from sim.scenario.problems import did_you_mean
from sim.testing.arguments import WrongTest
from sim.workflow.definition import Definition

BEHAVIOUR: Final[Mapping[str, Any]] = {
    "duration": {"uniform": ["2s", "20s"]}, "heartbeat_every": "2s", "obeys_cancellation": True, "failure_probability": 0.1,
}  # fmt: skip
"""What an activity does of which nobody says what it does."""

WORKERS: Final[Mapping[str, Any]] = {"name": "w", "count": 2, "max_concurrent_session_execution_size": 2, "restart_after": "5s"}
"""The workers of a test that names none."""

DEFAULT: Final = ("failure_is_failure", *DUTIES, *DEMANDS)
"""What is judged unless a test says otherwise: what a workflow's author can see to, whatever happens to its workers."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is run, and by what it is judged."""

    scenario: Scenario
    properties: tuple[Property, ...]
    runs: int | None = None
    seed: int | None = None
    kinds: tuple[str, ...] | None = None

    def with_behaviour(self, activity: str) -> Subject:
        """The same with a behaviour for an activity type that has none."""
        tables = self.scenario.to_dict()
        tables["activities"] = {**tables.get("activities", {}), activity: dict(BEHAVIOUR)}
        return replace(self, scenario=Scenario.from_dict(tables, source=self.scenario.source))

    def judging(self, but: Collection[str]) -> Subject:
        """The same without some of the properties."""
        return replace(self, properties=tuple(one for one in self.properties if one.name not in but))


def subject_of(
    directory: Path,
    name: str,
    scenario: str | Path | Mapping[str, Any] | Scenario | None = None,
    *,
    workflow: str | Definition | None = None,
    input: Any = None,
    count: int = 1,
    workers: int | Sequence[Mapping[str, Any]] | None = None,
    activities: Mapping[str, Mapping[str, Any]] | None = None,
    properties: Sequence[str | Property | Any] | None = None,
    runs: int | None = None,
    seed: int | None = None,
    faults: Sequence[str] | None = None,
    set: Sequence[str] = (),
) -> Subject:
    """Make what a test is about.

    Args:
        directory: where files are sought.
        name: what the scenario is called if it has no name.
        scenario: a TOML file, its tables, or a scenario; or else:
        workflow: `"file.py:function"`, or the workflow itself.
        input: its argument.
        count: how many of them start at once.
        workers: how many workers, or their tables.
        activities: `[activities.TYPE]` tables by type; those that are missing have a behaviour of their own accord.
        properties: names, properties of your own, or functions for `sim.properties.own.check`; by default `DEFAULT`.
        runs: how many seeds.
        seed: the first seed.
        faults: kinds of faults that may happen; all by default.
        set: keys of the scenario to set, `"workers.w.count=3"`.

    Raises:
        WrongTest: there is neither a scenario nor a workflow, or both, or a property is unknown.
        ScenarioError: something in the scenario is wrong.
    """
    if (scenario is None) == (workflow is None):
        raise WrongTest('expected a scenario, session_sim("file.toml"), or a workflow, session_sim(workflow="file.py:function")')
    match scenario:
        case Scenario():
            made = Scenario.from_dict(scenario.to_dict(), set, scenario.source)
        case str() | Path():
            made = Scenario.load(directory / scenario, set)
        case Mapping():
            made = Scenario.from_dict({"name": name, **scenario}, set, name)
        case None:
            assert workflow is not None
            reference, modules = _code(workflow, directory)
            table: dict[str, Any] = {"id": "job", "workflow": reference}
            table |= ({"input": input} if input is not None else {}) | ({"count": count} if count > 1 else {})
            tables = {"name": name, "workers": _workers(workers), "workflows": [table], "modules": modules, "activities": activities or {}}
            made = Scenario.from_dict(tables, set, name)
    judged = tuple(_property(one) for one in (DEFAULT if properties is None else properties))
    return Subject(made, judged, runs, seed, None if faults is None else tuple(faults))


def _workers(workers: int | Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    match workers:
        case None:
            return [dict(WORKERS)]
        case int():
            return [{**WORKERS, "count": workers}]
        case _:
            return [dict(worker) for worker in workers]


def _code(workflow: str | Definition, directory: Path) -> tuple[str, dict[str, str]]:
    """`file.py:function` and the text of the file. A tape stands alone: it has the text, not the function."""
    if isinstance(workflow, Definition):
        file = inspect.getsourcefile(workflow.function)
        if file is None:
            raise WrongTest(f"the file of the workflow {workflow.name!r} is not known; expected workflow='file.py:{workflow.name}'")
        path, function = Path(file), workflow.function.__name__
    else:
        text, _, function = workflow.partition(":")
        path = directory / text
    if not path.is_file() or not function:
        raise WrongTest(f"workflow={workflow!r}: there is no such file beside the test; expected 'file.py:function'")
    return f"{path.name}:{function}", {path.name: path.read_text("utf-8")}


def _property(one: str | Property | Any) -> Property:
    if isinstance(one, Property):
        return one
    if isinstance(one, str):
        if one not in KNOWN:
            raise WrongTest(f"there is no property {one!r}; {did_you_mean(one, list(KNOWN))}")
        return KNOWN[one]
    if callable(one):
        return check(one)
    raise WrongTest(f"properties has {one!r}; expected names, properties, or functions that look at a run")
