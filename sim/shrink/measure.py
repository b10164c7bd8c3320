"""How large a sketch is: the order in which smaller is meant.

Shortlex: first how much there is, then how simple it is. A run in the default schedule comes before any under a seed, since of the
latter nobody can say what is unusual about it. The further parts, each a natural number, in the order in which they are compared:

1. deviations: what happens that would not happen by itself. A fault counts as often as it happens. A choice counts when it is
   not that of the default schedule, in which everything takes the median of its law and what came first is taken first.
2. workers, 3. workflows that are started, 4. session slots of all workers
5. steps: of programs, and activities that the scenario describes
6. settings: values that differ from the defaults; one that is left to a law counts twice, and so does what comes again and again
7. digits: significant digits of all times and numbers, so that 20s is simpler than 12.7s
8. how large numbers are that are no lengths of time, in all
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sim.model.durations import parse_duration
from sim.shrink.programs import Table
from sim.shrink.search import Measure
from sim.shrink.sketch import PROTOCOL, Seen, Sketch

UNLIMITED_SLOTS: Final = 1000
"""`MaxConcurrentSessionExecutionSize` of a worker that does not say."""

MILLISECONDS: Final = frozenset({"ms", "beat_ms"})
"""Keys whose numbers are lengths of time, in milliseconds."""

BESIDE: Final = frozenset({"schema_version", "name", "until", "grace", "modules"})
"""Tables and keys of a scenario that are not counted: they say nothing about what happens before it goes wrong."""


@dataclass(frozen=True, slots=True)
class Deviations:
    """How much of a run would not happen by itself.

    `faults`: how many faults happen. `choices`: how many choices are not those of the default schedule.
    """

    faults: int
    choices: int

    @property
    def total(self) -> int:
        return self.faults + self.choices


def deviations_of(sketch: Sketch, seen: Seen) -> Deviations:
    """The deviations of a run. Of one that is not quiet the choices are not counted: all of them are the seed's."""
    tables = len(sketch.tables.get("faults", ()))
    # A table counts even if nothing came of it: it is there to be read.
    idle = tables - len({one.fault for one in seen.occurrences})
    return Deviations(len(seen.occurrences) + idle, len(sketch.deviations) if sketch.quiet else 0)


def measure(sketch: Sketch, seen: Seen) -> Measure:
    """The measure of a sketch that was run."""
    tables, leaves = sketch.tables, list(_leaves(sketch.tables))
    numbers = [number for _, value in leaves if (number := number_of(value)) is not None]
    counts = [value for key, value in leaves if isinstance(value, int) and not isinstance(value, bool) and key not in MILLISECONDS]
    workers = tables["workers"]
    return (
        int(not sketch.quiet),
        deviations_of(sketch, seen).total,
        sum(worker.get("count", 1) for worker in workers),
        sum(seen.result.statuses.values()),
        sum(worker.get("count", 1) * slots(worker) for worker in workers),
        _steps(tables),
        len(leaves),
        sum(map(digits, [*numbers, *sketch.deviations.values()])),
        sum(map(abs, counts)),
    )


def slots(worker: Table) -> int:
    """The session slots of a worker. A size of 0 means the SDK's own."""
    if not worker.get("enable_session_worker", True):
        return 0
    return int(worker.get("max_concurrent_session_execution_size") or UNLIMITED_SLOTS)


def digits(number: int) -> int:
    """Significant decimal digits: 20,000,000 has one."""
    return len(str(abs(number)).rstrip("0"))


def number_of(value: object) -> int | None:
    """What a value of a scenario counts as: a time in microseconds, a number (a fraction in millionths), or nothing."""
    match value:
        case bool():
            return None
        case int():
            return value
        case float():
            return round(value * 1_000_000)
        case str():
            try:
                return parse_duration(value)
            except ValueError:
                return None
        case _:
            return None


def is_law(value: object) -> bool:
    """Whether this is a law of lengths of time, and not one length."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("uniform", "exponential", "lognormal", "empirical")


def _leaves(tables: Table) -> Iterator[tuple[str, Any]]:
    """All values of the tables that count, with their keys."""
    for key, value in tables.items():
        if key not in BESIDE:
            yield from _within(key, value)


def _within(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if key == "every":
        yield key, None  # again and again is less simple than once
    match value:
        case dict() if value:
            if is_law(value):
                yield key, None  # a law is less simple than a length of time
            for name, inner in value.items():
                if name not in PROTOCOL:
                    yield from _within(name, inner)
        case list() if value:
            for inner in value:
                yield from _within(key, inner)
        case _:
            yield key, value


def _steps(tables: Table) -> int:
    programs = sum(_program(workflow.get("program") or ()) for workflow in tables["workflows"])
    return programs + len(tables.get("activities", ()))


def _program(steps: Any) -> int:
    """The steps of a program, at all depths."""
    return sum(1 + _program(step.get("steps", ())) + sum(map(_program, step.get("branches", ()))) for step in steps)


def at(tables: Mapping[Any, Any], path: tuple[str | int, ...]) -> Any:
    """The value at a place of tables."""
    here: Any = tables
    for part in path:
        here = here[part]
    return here


__all__ = ["MILLISECONDS", "Deviations", "at", "deviations_of", "digits", "is_law", "measure", "number_of", "slots"]
