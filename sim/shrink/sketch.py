"""What is made smaller: a scenario's tables, a seed, and deviations; and what was seen when they were run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sim.model.draws import NO_CHANCE
from sim.protocol.worker.work import UnknownActivityError
from sim.scenario.load import Scenario
from sim.scenario.problems import ScenarioError
from sim.scenario.run import PreparedRun, RunResult
from sim.shrink.programs import Table
from sim.simulator.choices import Choices
from sim.workflow.errors import NotModelledError, WorkflowCodeError

NOT_A_RUN: Final = (ScenarioError, UnknownActivityError, WorkflowCodeError, NotModelledError, ValueError)
"""What says that a candidate is no possible run: it is passed over. ValueError: a deviation that no choice can follow."""


PROTOCOL: Final = frozenset({"mutants", "sdk_version"})
"""Keys that say which protocol runs. A shrinker has to leave the protocol as it is."""


MOST_STEPS: Final = 1_000_000
"""A run with more steps is none to look at: a fault without its `count` may bring itself about for ever."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A run to be: `tables` of a scenario with what differs from the defaults, the seed, and choices made otherwise by label."""

    tables: Table
    seed: int
    deviations: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The same for equal sketches."""
        return json.dumps([self.tables, self.seed, dict(self.deviations)], sort_keys=True)

    @property
    def quiet(self) -> bool:
        """Whether nothing but the deviations is left to chance."""
        return self.seed == NO_CHANCE

    def changed(self, **tables: Any) -> Sketch:
        """The same with other tables; an empty one is none."""
        rest = {name: value for name, value in {**self.tables, **tables}.items() if value not in ([], {}, None)}
        return Sketch(rest, self.seed, self.deviations)


def tables_of(scenario: Scenario) -> Table:
    """A scenario's tables, only with what differs from the defaults; without what is said of it and expected of it."""
    tables: Table = scenario.model.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    for name in ("title", "description", "expect", "properties"):
        tables.pop(name, None)
    return tables


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A fault happened: the number of its table, when in microseconds, and whom it hit."""

    fault: int
    time: int
    target: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a run that breaks the property.

    `made`: what the choices were that differ from the default schedule; complete only if the sketch is quiet.
    """

    result: RunResult
    occurrences: tuple[Occurrence, ...]
    made: Mapping[str, int]


class NotingChoices(Choices):
    """Choices that note which of them were made otherwise than the seed says."""

    __slots__ = ("otherwise",)

    def __init__(self, seed: int, deviations: Mapping[str, int] | None = None, recording: bool = False) -> None:
        super().__init__(seed, deviations, recording)
        self.otherwise: dict[str, int] = {}

    def settle(self, label: str, value: int, about: object = None) -> int:
        """What is chosen where the seed says `value`."""
        chosen = super().settle(label, value, about)
        if chosen != value:
            self.otherwise[label] = chosen
        return chosen


@dataclass(frozen=True, slots=True)
class Trial:
    """Runs sketches, and looks whether they break `property`.

    With `planted` it has to be planted bugs that break it, or an old SDK: without them the same run has to keep the property.
    """

    property: str
    planted: bool = False

    @classmethod
    def of(cls, start: Sketch, property: str) -> Trial:
        """The trial of all that is smaller than this one: what bugs break here, they have to break there."""
        mended = mend(start)
        return cls(property, mended != start and not Trial(property).broken(mended))

    def seen(self, sketch: Sketch) -> Seen | None:
        """What was seen of the run; None when it does not break the property, or is no possible run.

        Without its faults it has to be possible, too: what workflows do when all is well is described as well.
        """
        try:
            seen = run_sketch(sketch, (self.property,))
            if seen.result.properties[self.property] != "broken" or (self.planted and self.broken(mend(sketch))):
                return None
            if sketch.tables.get("faults"):
                run_sketch(Sketch(sketch.changed(faults=[]).tables, sketch.seed), ())
        except NOT_A_RUN:
            return None
        return seen

    def broken(self, sketch: Sketch) -> bool:
        """Whether a run breaks the property; one that is not possible does not.

        What was an option may be none in another run: then the run is the one without deviations.
        """
        for tried in (sketch, Sketch(sketch.tables, sketch.seed)):
            try:
                return run_sketch(tried, (self.property,)).result.properties[self.property] == "broken"
            except NOT_A_RUN:
                continue
        return False


def mend(sketch: Sketch) -> Sketch:
    """The sketch without planted bugs, and with the present version of the SDK."""
    workers = [{key: value for key, value in worker.items() if key not in PROTOCOL} for worker in sketch.tables["workers"]]
    cluster = {key: value for key, value in sketch.tables.get("cluster", {}).items() if key not in PROTOCOL}
    return sketch.changed(workers=workers, cluster=cluster)


def run_sketch(sketch: Sketch, properties: tuple[str, ...], recording: bool = False) -> Seen:
    """Run a sketch. With `recording` the tape of the result has all choices.

    Raises:
        ScenarioError, ValueError and others of `NOT_A_RUN`: it is no possible run.
    """
    scenario = Scenario.from_dict(sketch.tables, source="the scenario")
    choices = NotingChoices(sketch.seed, sketch.deviations, recording)
    prepared = PreparedRun(scenario, sketch.seed, sketch.deviations, recording, properties, choices)
    prepared.run(MOST_STEPS)
    if prepared.cut_off:
        raise ValueError(f"the run does not end within {MOST_STEPS:,} steps")
    occurrences = tuple(Occurrence(*one) for one in prepared.faults.happened)
    return Seen(prepared.result(recording, None), occurrences, choices.otherwise)
