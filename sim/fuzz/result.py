"""What a campaign comes to: plain data, which can be pickled and becomes frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from sim import frames
from sim.frames import Columns, FixedRows
from sim.fuzz.subject import Chunk, RunRow

if TYPE_CHECKING:
    from pandas import DataFrame

THOUSAND = 1_000


class Runs(FixedRows[RunRow]):
    """The runs, in the order of their seeds."""

    __slots__ = ()
    columns: ClassVar[Columns[RunRow]] = (
        frames.count("seed", lambda r: r.seed),
        frames.text("digest", lambda r: r.digest),
        frames.seconds("ended_at_s", lambda r: r.ended_at_us),
        frames.count("messages", lambda r: r.messages),
        frames.count("faults_drawn", lambda r: r.drawn),
        frames.count("faults_happened", lambda r: r.hit),
        frames.text("kinds", lambda r: " ".join(r.kinds)),
        frames.text("broken", lambda r: " ".join(r.broken)),
        frames.count("workflows", lambda r: sum(r.statuses.values())),
        frames.count("workflows_running", lambda r: r.statuses.get("RUNNING", 0)),
        frames.flag("did_not_end", lambda r: r.did_not_end),
    )


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """What became of a property in a campaign.

    `exercised_runs`: runs that put it to the test; `broken_runs`: those in which it was broken. `at_least`, `at_most`: the share of
    the runs that put it to the test in which it breaks, with 95 % confidence, exactly; without a break the upper bound is one-sided.
    `seed`: of the run to look at, one of those with the fewest faults; `tape`: where that run was written, "" nowhere.
    `allowed`: whether the scenario expects that it may break. `known`: why the real protocol is known to break it, "" when not.
    """

    name: str
    exercised_runs: int
    exercised: int
    broken_runs: int
    at_least: float
    at_most: float
    first_seed: int | None = None
    seed: int | None = None
    violation: str = ""
    tape: str = ""
    shrunk: Shrunk | None = None
    allowed: bool = False
    known: str = ""

    @property
    def verdict(self) -> str:
        """In a word, as everywhere."""
        return "broken" if self.broken_runs else "held" if self.exercised_runs else "not exercised"

    @property
    def as_expected(self) -> bool:
        """Whether the scenario has nothing against it."""
        return not self.broken_runs or self.allowed


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A run made small. `deviations`: how many are left; `guilty`: the faults without which the property holds, in words.

    `complete`: whether nothing more can be left out; otherwise the search was stopped.
    """

    deviations: int
    tape: str
    faults: int
    guilty: tuple[str, ...] = ()
    complete: bool = True


class Properties(FixedRows[PropertyRow]):
    """What became of every property."""

    __slots__ = ()
    columns: ClassVar[Columns[PropertyRow]] = (
        frames.text("property", lambda p: p.name),
        frames.text("verdict", lambda p: p.verdict),
        frames.flag("as_expected", lambda p: p.as_expected),
        frames.count("exercised_runs", lambda p: p.exercised_runs),
        frames.count("exercised", lambda p: p.exercised),
        frames.count("broken_runs", lambda p: p.broken_runs),
        frames.number("at_least", lambda p: p.at_least),
        frames.number("at_most", lambda p: p.at_most),
        frames.number("first_seed", lambda p: p.first_seed),
        frames.number("seed", lambda p: p.seed),
        frames.text("violation", lambda p: p.violation),
        frames.text("tape", lambda p: p.tape),
        frames.text("known", lambda p: p.known),
    )


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the runs have seen. `transitions`, `states`, `goals`: what -> the seed that saw it first; `faults`: kind -> (drawn, happened).

    `missing`: goals that no run has met.
    """

    transitions: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[int, int] = field(default_factory=dict)
    faults: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    goals: Mapping[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    first: int = 0
    runs: int = 0

    def new_states(self, per: int = THOUSAND) -> list[int]:
        """How many states each `per` seeds saw first."""
        return _by(self.states.values(), self.first, self.runs, per)

    def new_transitions(self, per: int = THOUSAND) -> list[int]:
        """How many transitions each `per` seeds saw first."""
        return _by(self.transitions.values(), self.first, self.runs, per)

    def to_json(self) -> dict[str, Any]:
        """As `fuzz --json` prints it: transitions and states by number only."""
        return {
            "transitions": len(self.transitions),
            "states": len(self.states),
            "new_states_per_1000_seeds": self.new_states(),
            "new_transitions_per_1000_seeds": self.new_transitions(),
            "faults": {kind: {"drawn": drawn, "happened": hit} for kind, (drawn, hit) in sorted(self.faults.items())},
            "goals": {name: self.goals.get(name) for name in sorted([*self.goals, *self.missing])},
        }


def _by(seeds: Any, first: int, runs: int, per: int) -> list[int]:
    found = [0] * -(-runs // per)
    for seed in seeds:
        found[(seed - first) // per] += 1
    return found


@dataclass(frozen=True, slots=True)
class Guarded:
    """Seeds that were run again in a fresh process with another PYTHONHASHSEED. `difference`: the first event that differs."""

    seeds: tuple[int, ...] = ()
    differing: tuple[int, ...] = ()
    difference: str = ""


@dataclass(frozen=True, slots=True)
class FuzzResult:
    """A campaign. `seconds`: of the runs, by the wall; `resumed`: runs that were in the store already.

    `stopped`: why it ended before all runs were done: "", "plateau" or "interrupted".
    """

    scenario: str
    first_seed: int
    runs: Runs
    properties: Properties
    coverage: Coverage
    guard: Guarded
    seconds: float
    jobs: int
    resumed: int = 0
    stopped: str = ""
    schedule: str = "uniform"
    most_steps: int = 0
    endless_tape: str = ""
    """The first run that did not end within `most_steps`; "" where none was written."""

    @property
    def did_not_end(self) -> list[int]:
        """The seeds of runs that were cut off after `most_steps` instants at which something happened: nothing was judged in them."""
        return [row.seed for row in self.runs if row.did_not_end]

    @property
    def broken(self) -> list[PropertyRow]:
        """The properties that were broken, those first that nobody expected."""
        found = [row for row in self.properties if row.broken_runs]
        return sorted(found, key=lambda row: (row.allowed, bool(row.known), row.name))

    @property
    def not_exercised(self) -> list[str]:
        """Properties that no run has put to the test."""
        return [row.name for row in self.properties if not row.exercised_runs]

    @property
    def as_expected(self) -> bool:
        """Whether nothing broke that the scenario does not allow to, every run ended, and was the same in another process."""
        return all(row.as_expected for row in self.properties) and not self.did_not_end and not self.guard.differing

    @property
    def seeds_per_second(self) -> float:
        """Runs that were done now, by the second."""
        return (len(self.runs) - self.resumed) / self.seconds if self.seconds > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """The object that `session-sim fuzz --json` prints."""
        return {
            "scenario": self.scenario,
            "runs": len(self.runs),
            "first_seed": self.first_seed,
            "seeds_per_second": round(self.seeds_per_second, 3),
            "seconds": round(self.seconds, 3),
            "jobs": self.jobs,
            "resumed": self.resumed,
            "stopped": self.stopped,
            "schedule": self.schedule,
            "as_expected": self.as_expected,
            "broken": [_broken(row) for row in self.broken],
            "not_exercised": self.not_exercised,
            "did_not_end": {"runs": len(self.did_not_end), "within_steps": self.most_steps, **self._first_endless()},
            "properties": {row.name: _numbers(row) for row in self.properties},
            "coverage": self.coverage.to_json(),
            "guard": {
                "seeds": list(self.guard.seeds), "differing": list(self.guard.differing), "first_difference": self.guard.difference or None,
            },
        }  # fmt: skip

    def _first_endless(self) -> dict[str, Any]:
        return {"first_seed": next(iter(self.did_not_end), None), "tape": self.endless_tape or None}

    def to_frame(self) -> DataFrame:
        """A row for every run. Raises ImportError when pandas is missing."""
        return self.runs.to_frame()


def _broken(row: PropertyRow) -> dict[str, Any]:
    shrunk = row.shrunk
    return {
        "property": row.name,
        "seed": row.seed,
        "tape": row.tape or None,
        "shrunk": None
        if shrunk is None
        else {
            "deviations": shrunk.deviations,
            "tape": shrunk.tape,
            "faults": shrunk.faults,
            "complete": shrunk.complete,
        },
        "guilty": [] if shrunk is None else list(shrunk.guilty),
        "runs": row.broken_runs,
        "first_seed": row.first_seed,
        "violation": row.violation,
        "expected": row.allowed,
        "known": row.known or None,
    }


def _numbers(row: PropertyRow) -> dict[str, Any]:
    return {
        "verdict": row.verdict,
        "runs_exercised": row.exercised_runs,
        "exercised": row.exercised,
        "runs_broken": row.broken_runs,
        "share_95": [round(row.at_least, 6), round(row.at_most, 6)],
    }


__all__ = ["Chunk", "Coverage", "FuzzResult", "Guarded", "Properties", "PropertyRow", "Runs", "Shrunk"]
