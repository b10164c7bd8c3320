"""Looking for one bug: seed by seed, until a promise breaks with it that the same faults do not break without it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from sim.fuzz.schedulers import Schedule, of_name
from sim.fuzz.subject import again, play
from sim.properties.base import VerdictKind
from sim.scenario.fuzzing import Ground, ground_of
from sim.scenario.load import Scenario
from sim.shrink import shrink
from tools.planted.bugs import Bug

TRIES: Final = 300
"""Runs that shrinking may take."""


@dataclass(frozen=True, slots=True)
class Found:
    """`runs`: how many seeds it took, the last of which is `seed`; `name`: the property that it breaks there."""

    runs: int
    seed: int
    name: str


@dataclass(frozen=True, slots=True)
class Small:
    """What is left of a run that shows a bug. `needs_it`: whether the same run without the bug keeps the promise."""

    faults: int
    choices: int
    needs_it: bool


@cache
def _ground(bug: Bug, planted: bool) -> Ground:
    """Both with the surroundings of the sound scenario, so that a seed has the same faults in both."""
    sound = ground_of(bug.scenario(False))
    return sound if not planted else Ground(
        bug.scenario(True), sound.surroundings, sound.tuning, sound.finish_within_us, sound.endless
    )  # fmt: skip


@lru_cache(maxsize=100_000)
def _sound(ground: Ground, seed: int, schedule: Schedule) -> frozenset[str]:
    return _broken(ground, seed, schedule)


def _broken(ground: Ground, seed: int, schedule: Schedule) -> frozenset[str]:
    verdicts = play(ground, seed, schedule).verdicts
    return frozenset(name for name, verdict in verdicts.items() if verdict.kind is VerdictKind.BROKEN)


def search(bug: Bug, schedule: str, first: int, most: int) -> Found | None:
    """The first seed that shows a bug; None when none of `most` does."""
    chosen = of_name(schedule)
    sound: dict[int, frozenset[str]] = {}
    for seed in range(first, first + most):
        broken = _broken(_ground(bug, True), seed, chosen)
        candidates = [name for name in sorted(broken) if not bug.properties or name in bug.properties]
        if candidates:
            sound[seed] = _broken(_ground(bug, False), seed, chosen)
            for name in candidates:
                if name not in sound[seed]:
                    return Found(seed - first + 1, seed, name)
    return None


def small(bug: Bug, found: Found, schedule: str) -> Small:
    """Shrink the run that shows a bug."""
    tape = again(_ground(bug, True), found.seed, of_name(schedule)).tape
    shrunk = shrink(tape, found.name, tries=TRIES, seeds=0)
    content = dict(shrunk.tape.scenario)
    workers = [{key: value for key, value in worker.items() if key != "mutants"} for worker in content["workers"]]
    version = {"sdk_version": _version(bug)} if _version(bug) else {}
    without = Scenario.from_dict({**content, "workers": workers, "cluster": {**content["cluster"], **version}})
    from sim.scenario.run import run

    kept = run(without, shrunk.tape.seed, deviations=shrunk.tape.deviations).properties.get(found.name) != "broken"
    return Small(shrunk.deviations.faults, shrunk.deviations.choices, kept)


def _version(bug: Bug) -> str:
    return bug.mended[0].partition("=")[2] if bug.mended else ""
