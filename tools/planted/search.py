"""Looking for one bug: seed by seed, until a promise breaks with it that the same faults do not break without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from sim.faults.nemesis import Plan
from sim.fuzz.corpus import ROUND, Corpus
from sim.fuzz.coverage import seen_in
from sim.fuzz.schedulers import Schedule, of_name
from sim.fuzz.subject import Played, again, play
from sim.properties.base import VerdictKind
from sim.properties.own import named
from sim.scenario.fuzzing import Ground, ground_of
from sim.scenario.load import Scenario
from sim.scenario.run import run
from sim.scenario.schema import PropertiesSection
from sim.shrink import shrink
from sim.shrink.measure import Deviations
from tools.planted.bugs import Bug

TRIES: Final = 300
"""Runs that shrinking may take."""


@dataclass(frozen=True, slots=True)
class Found:
    """`runs`: how many seeds it took, the last of which is `seed`; `name`: the property that it breaks there.

    `differing`: after how many runs one was another than without the bug; None: none was. Without a seed no promise tells the bug.
    """

    runs: int
    seed: int | None
    name: str
    differing: int | None
    parent: Plan | None = None


@dataclass(frozen=True, slots=True)
class Small:
    """What is left of a run that shows a bug. `needs_it`: whether the same run without the bug keeps the promise."""

    deviations: Deviations
    needs_it: bool


@lru_cache(maxsize=64)
def _ground(bug: Bug, planted: bool) -> Ground:
    """With what is around in the scenario without the bug, so that a seed has the same faults with and without it."""
    sound = ground_of(bug.scenario(False))
    if bug.sign is not None:
        enabled = PropertiesSection(enable=[bug.sign.name])
        return replace(sound, scenario=_only(bug.scenario(planted), enabled))
    return replace(sound, scenario=bug.scenario(True)) if planted else sound


def _only(scenario: Scenario, properties: PropertiesSection) -> Scenario:
    return Scenario(scenario.model.model_copy(update={"properties": properties}), scenario.source)


def _broken(played: Played) -> list[str]:
    return sorted(name for name, verdict in played.verdicts.items() if verdict.kind is VerdictKind.BROKEN)


def search(bug: Bug, schedule: str, first: int, most: int) -> Found:
    """The first seed that shows a bug, among `most`."""
    with named((bug.sign,) if bug.sign is not None else ()):
        return _search(bug, schedule, first, most)


def _search(bug: Bug, schedule: str, first: int, most: int) -> Found:
    chosen = of_name(schedule)
    corpus, known, differing = Corpus(_ground(bug, True)), dict[Any, int](), None
    for seed in range(first, first + most):
        parent = corpus.parents([seed])[0] if schedule == "guided" else None
        played = play(_ground(bug, True), seed, chosen, parent=parent)
        candidates = [name for name in _broken(played) if not bug.properties or name in bug.properties]
        if candidates or not bug.properties:
            sound = play(_ground(bug, False), seed, chosen, parent=parent)
            if differing is None and sound.digest != played.digest:
                differing = seed - first + 1
            kept = _broken(sound)
            for name in candidates:
                if name not in kept:
                    return Found(seed - first + 1, seed, name, differing, parent)
        if schedule == "guided":
            for what in [*seen_in(played.prepared.sim.digest)[0], *seen_in(played.prepared.sim.digest)[1]]:
                known.setdefault(what, seed)
            if (seed - first + 1) % ROUND == 0:
                corpus.learn(range(seed - ROUND + 1, seed + 1), known.values())
    return Found(most, None, "", differing)


def small(bug: Bug, found: Found, schedule: Schedule) -> Small:
    """Shrink the run that shows a bug."""
    with named((bug.sign,) if bug.sign is not None else ()):
        return _small(bug, found, schedule)


def _small(bug: Bug, found: Found, schedule: Schedule) -> Small:
    assert found.seed is not None
    tape = again(_ground(bug, True), found.seed, schedule, found.parent).tape
    shrunk = shrink(tape, found.name, tries=TRIES, seeds=0)
    content = dict(shrunk.tape.scenario)
    content["workers"] = [{key: value for key, value in worker.items() if key != "mutants"} for worker in content["workers"]]
    if bug.mended:
        content["cluster"] = {**content["cluster"], "sdk_version": bug.mended[0].partition("=")[2]}
    without = run(Scenario.from_dict(content), shrunk.tape.seed, deviations=shrunk.tape.deviations)
    return Small(shrunk.deviations, without.properties.get(found.name) != "broken")
