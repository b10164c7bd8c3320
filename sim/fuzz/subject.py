"""One run of a campaign, and a chunk of them: functions of plain data, so that any process may do them.

A chunk is a fixed row of seeds. What its runs have covered is kept with the seed that was first, so that chunks add up to
the same whatever processes they came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import Struct, field

from sim.faults.nemesis import Plan, crossed
from sim.fuzz.coverage import seen_in
from sim.fuzz.schedulers import Schedule, scheduler
from sim.model.garbage import seldom_collected
from sim.properties.base import Verdict, VerdictKind
from sim.scenario.fuzzing import Ground
from sim.scenario.load import Scenario
from sim.scenario.moments import MOMENTS
from sim.scenario.run import PreparedRun, RunResult
from sim.scenario.run import run as run_scenario
from sim.simulator.digest import Digest
from sim.simulator.simulation import COLLECT_AFTER


class Breach(Struct, frozen=True, array_like=True):
    """A run that broke a property: which, with how many faults, and how it showed first."""

    seed: int
    faults: int
    message: str


class RunRow(Struct, frozen=True, array_like=True):
    """One run. `drawn` and `hit`: how many faults the nemesis drew, and how many of them happened; `kinds`: those that did.

    `broken`: the properties that were; `statuses`: how workflows ended, RUNNING for those that had not.
    """

    seed: int
    digest: str
    ended_at_us: int
    messages: int
    drawn: int
    hit: int
    kinds: tuple[str, ...]
    broken: tuple[str, ...]
    statuses: dict[str, int]
    did_not_end: bool = False
    """Whether it was cut off after as many steps as a run may have; nothing is judged then."""


class Chunk(Struct):
    """What the runs of some seeds came to. Coverage: what was seen -> the seed that saw it first.

    `exercised`: property -> (runs that put it to the test, how often they did). `faults`: kind -> (drawn, happened).
    """

    rows: list[RunRow] = field(default_factory=list)
    exercised: dict[str, tuple[int, int]] = field(default_factory=dict)
    broken: dict[str, list[Breach]] = field(default_factory=dict)
    """Property -> the first run that broke it, and the one of those with the fewest faults that came first."""
    faults: dict[str, tuple[int, int]] = field(default_factory=dict)
    transitions: dict[str, int] = field(default_factory=dict)
    states: dict[int, int] = field(default_factory=dict)
    goals: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Played:
    """One run, with all that is known of it."""

    plan: Plan
    scenario: Scenario
    prepared: PreparedRun
    verdicts: Mapping[str, Verdict]
    digest: str
    deviations: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Seeds:
    """The data of a job: which seeds of which campaign."""

    ground: Ground
    schedule: Schedule
    goals: tuple[str, ...]
    numbers: tuple[int, ...]
    parents: tuple[Plan | None, ...] = ()
    """What each of them starts from instead of its own faults; empty: none does."""


def play(
    ground: Ground,
    seed: int,
    schedule: Schedule,
    goals: Sequence[str] = (),
    seen: dict[str, int] | None = None,
    parent: Plan | None = None,
    before: Callable[[PreparedRun], None] | None = None,
) -> Played:
    """Run a seed.

    Args:
        ground: the scenario.
        seed: decides the faults and the luck of the run.
        schedule: who decides how long messages take.
        goals: names of moments to look out for.
        seen: where to note those that were seen, with the seed.
        parent: faults that those of the seed are crossed with.
        before: called when all is prepared and nothing has happened, by whoever wants to listen.

    Raises:
        WorkflowCodeError, UnknownActivityError: the scenario's own code is wrong.
    """
    plan = ground.plan(seed)
    if parent is not None:
        plan = crossed(plan, parent)
    scenario = ground.with_faults(plan)
    choices = scheduler(schedule, seed, ground)
    prepared = PreparedRun(scenario, seed, choices=choices, digest=Digest(remembering=True))
    for name in goals:
        if name in MOMENTS and seen is not None:
            _look_out(prepared, name, seed, seen)
    if before is not None:
        before(prepared)
    prepared.run()
    verdicts = prepared.verdicts()
    deviations = choices.made if choices is not None else {}
    return Played(plan, scenario, prepared, verdicts, prepared.sim.digest.hexdigest(), deviations)


def again(ground: Ground, seed: int, schedule: Schedule, parent: Plan | None = None) -> RunResult:
    """A run of a campaign once more, as an ordinary run of an ordinary scenario; its tape needs no campaign."""
    played = play(ground, seed, schedule, parent=parent)
    result = run_scenario(played.scenario, seed, deviations=played.deviations)
    if result.digest != played.digest:
        raise RuntimeError(f"seed {seed} of {ground.scenario.name} is not the same run outside of its campaign")
    return result


def run_chunk(seeds: Seeds) -> Chunk:
    """Run the seeds of a chunk, in their order."""
    chunk = Chunk()
    # Around all runs: when the thresholds of the collector come back after a run, it looks at everything.
    with seldom_collected(COLLECT_AFTER):
        for seed, parent in zip(seeds.numbers, seeds.parents or [None] * len(seeds.numbers), strict=True):
            played = play(seeds.ground, seed, seeds.schedule, seeds.goals, chunk.goals, parent)
            _take_in(chunk, seed, played, len(seeds.ground.scenario.model.faults))
            played.prepared.release()
    return chunk


def _look_out(prepared: PreparedRun, name: str, seed: int, seen: dict[str, int]) -> None:
    moment = MOMENTS[name]

    def listener(time: int, node: str, observation: object) -> None:
        if name not in seen and moment.sightings(node, observation, {}):
            seen[name] = seed

    prepared.sim.listen(moment.observation, listener)


def _take_in(chunk: Chunk, seed: int, played: Played, own: int) -> None:
    """Add a run to its chunk; the first `own` faults are the scenario's."""
    prepared = played.prepared
    done = prepared.faults.done[own:]
    kinds = [table["kind"] for table in played.plan.tables]
    for kind, times in zip(kinds, done, strict=True):
        drawn, hit = chunk.faults.get(kind, (0, 0))
        chunk.faults[kind] = (drawn + 1, hit + (times > 0))
    broken = tuple(name for name, verdict in played.verdicts.items() if verdict.kind is VerdictKind.BROKEN)
    for name, verdict in played.verdicts.items():
        runs, times = chunk.exercised.get(name, (0, 0))
        chunk.exercised[name] = (runs + (verdict.exercised > 0), times + verdict.exercised)
        if verdict.kind is VerdictKind.BROKEN:
            _breach(chunk.broken, name, Breach(seed, sum(times > 0 for times in done), verdict.violations[0].message))
    transitions, states = seen_in(prepared.sim.digest)
    chunk.transitions |= dict.fromkeys(transitions.difference(chunk.transitions), seed)
    chunk.states |= dict.fromkeys(states.difference(chunk.states), seed)
    hit_kinds = tuple(dict.fromkeys(kind for kind, times in zip(kinds, done, strict=True) if times))
    statuses = dict(prepared.workflows.statuses)
    if prepared.workflows.open:
        statuses["RUNNING"] = len(prepared.workflows.open)
    chunk.rows.append(
        RunRow(
            seed, played.digest, prepared.sim.now, prepared.sim.messages, len(kinds), sum(times > 0 for times in done), hit_kinds,
            broken, statuses, prepared.cut_off,
        )
    )  # fmt: skip


def merge(into: Chunk, chunk: Chunk) -> None:
    """Add what a later chunk came to."""
    into.rows += chunk.rows
    for mine, other in ((into.exercised, chunk.exercised), (into.faults, chunk.faults)):
        for name, (first, second) in other.items():
            a, b = mine.get(name, (0, 0))
            mine[name] = (a + first, b + second)
    for name, breaches in chunk.broken.items():
        for breach in breaches:
            _breach(into.broken, name, breach)
    _earlier(into.transitions, chunk.transitions)
    _earlier(into.states, chunk.states)
    _earlier(into.goals, chunk.goals)


def _breach(broken: dict[str, list[Breach]], name: str, breach: Breach) -> None:
    """Keep the first, and the one to look at."""
    known = broken.setdefault(name, [])
    if not known or breach.faults < known[-1].faults:
        broken[name] = [known[0] if known else breach, breach]


def _earlier(mine: dict[Any, int], other: Mapping[Any, int]) -> None:
    for name, seed in other.items():
        mine.setdefault(name, seed)
