"""What is searched for findings: small clusters, what workflows do in them, and which faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sim import Scenario
from sim.scenario.checked import Bounds

SIZES: Final = ((1, 1, 1), (2, 1, 1), (2, 1, 2), (2, 2, 3))
"""Workers, slots of each, workflows."""
FAULTS: Final = ((), ("cancels",), ("stops",), ("crashes",), ("lost_requests",), ("lost_responses",), ("slow",))
PAIRS: Final = (("crashes", "stops"), ("crashes", "slow"), ("crashes", "restarts"), ("stops", "slow"), ("cancels", "crashes"))
"""With these, up to two workers and one workflow."""
FEW: Final = ((), ("stops",), ("crashes",))
"""The faults that the largest cluster is searched with."""
LONG_WORK: Final = 30_000
"""Milliseconds that the activity lasts: longer than a call's budget and a heartbeat timeout."""
PROGRAM: Final[list[dict[str, Any]]] = [
    {"op": "create", "as": "s", "creation": "60s", "execution": "600s"},
    {"op": "defer_complete", "in": "s"},
    {"op": "act", "in": "s", "work": {"name": "work", "ms": LONG_WORK}},
]
AGAIN: Final = [{"op": "until_ok", "times": 2, "ms": 0, "steps": [*PROGRAM[:1], *PROGRAM[2:], {"op": "complete", "in": "s"}]}]
"""The whole session once more when it failed."""
RECREATED: Final = [
    PROGRAM[0],
    {"op": "token", "in": "s", "as": "t"},
    {
        "op": "continue_as_new",
        "steps": [{"op": "recreate", "as": "s", "signal": "t", "creation": "60s", "execution": "600s"}, *PROGRAM[1:]],
    },
]
FAILING: Final = [
    *PROGRAM[:2],
    {"op": "act", "in": "s", "work": {"name": "fails", "ms": 2_000, "fail": "non_retryable"}, "ignore": True},
    PROGRAM[2],
]
"""An activity fails by itself, before the other one."""
ASKED_TWICE: Final = [*PROGRAM[:2], {**PROGRAM[0], "as": "s2", "in": "s", "ignore": True}, PROGRAM[2]]
"""One more session is asked for with the context of an open one."""
PROGRAMS: Final = {
    "one session": PROGRAM,
    "once more after a failure": AGAIN,
    "recreated over ContinueAsNew": RECREATED,
    "an activity fails": FAILING,
    "asked for twice": ASKED_TWICE,
    "with time to stop": PROGRAM,
}
INVITING: Final[dict[str, tuple[str, list[dict[str, Any]]]]] = {
    "work outlives its session": (
        "ExecutionTimeout is 20 s, and the session's activity works for a minute",
        [{**PROGRAM[0], "execution": "20s"}, PROGRAM[1], {"op": "act", "in": "s", "work": {"name": "work", "ms": 60_000}}],
    ),
    "completed while work goes on": (
        "an activity of a minute is begun, the session completed after 2 s, and another one created, with an activity of 10 s",
        [
            PROGRAM[0],
            {"op": "start", "in": "s", "fut": "left", "work": {"name": "left", "ms": 60_000}},
            {"op": "sleep", "ms": 2_000},
            {"op": "complete", "in": "s"},
            {**PROGRAM[0], "as": "s2"},
            {"op": "act", "in": "s2", "work": {"name": "work", "ms": 10_000}},
        ],
    ),
    "recreated beside itself": (
        "the session is recreated on its worker, with a CreationTimeout of 5 s, before it is completed; five retries of activities",
        [
            *PROGRAM[:2],
            {"op": "token", "in": "s", "as": "t"},
            {"op": "recreate", "as": "s2", "signal": "t", "creation": "5s", "execution": "600s"},
        ],
    ),
}
"""Workflows that somebody may well write, with what they do: no fault is needed to break something. No activity heartbeats."""
RETRIES: Final = {"recreated beside itself": 5}
"""Of activities, by program; elsewhere as many as `Bounds` has."""
WORKERS: Final[dict[str, dict[str, Any]]] = {"with time to stop": {"worker_stop_timeout": "60s"}}
"""What workers have besides, by program."""
LOST: Final = {"lost_requests", "lost_responses"}


@dataclass(frozen=True, slots=True)
class Scope:
    """What was searched."""

    program: str
    size: tuple[int, int, int]
    faults: tuple[str, ...]

    def __str__(self) -> str:
        return named(self.size, self.program, self.faults)

    def scenario(self) -> Scenario:
        tables = cluster(self.size, self.steps, **WORKERS.get(self.program, {}))
        return Scenario.from_dict({"name": "scope", "title": str(self), **tables})

    @property
    def steps(self) -> list[dict[str, Any]]:
        """What each workflow does."""
        return INVITING[self.program][1] if self.program in INVITING else PROGRAMS[self.program]

    def bounds(self) -> Bounds:
        """One of each fault."""
        retries = {"retries": RETRIES[self.program]} if self.program in RETRIES else {}
        return Bounds(**dict.fromkeys(self.faults, 1), **retries)


def named(size: tuple[int, int, int], program: str, faults: Sequence[str]) -> str:
    """What is searched, with budgets of one each, in words."""
    budgets = " and ".join(f"one of {fault.replace('_', ' ')}" for fault in faults) or "no fault"
    return f"{' x '.join(map(str, size))}, {program}, {budgets}"


def cluster(size: tuple[int, int, int], steps: list[dict[str, Any]], **worker: Any) -> dict[str, Any]:
    """The tables of so many workers, of so many slots each, and workflows that begin at once; `worker`: what else each worker is told."""
    workers, slots, workflows = size
    return {
        "workers": [{"name": "w", "count": workers, "max_concurrent_session_execution_size": slots, **worker}],
        "workflows": [{"id": "job", "count": workflows, "program": steps, "arrival": {"at": ["0s"]}}],
    }


def without_faults(sizes: int) -> Iterator[Scope]:
    """Workflows that need none, small clusters first."""
    return (Scope(program, size, ()) for size in SIZES[:sizes] for program in INVITING)


def with_few_faults(sizes: int, timed: bool) -> Iterator[Scope]:
    """Small ones first: without faults, then with one, then with two, then more of everything."""
    for size in SIZES[:sizes]:
        for faults in FEW if size == SIZES[-1] else (*FAULTS, *(PAIRS if size[2] == 1 else ())):
            for program in _programs(size, faults, timed):
                yield Scope(program, size, faults)


def _programs(size: tuple[int, int, int], faults: tuple[str, ...], timed: bool) -> Sequence[str]:
    """What workflows do there. In windows two workers and lost calls have some million states by all but the simplest."""
    if size[2] > 1 or faults in PAIRS or (timed and LOST & set(faults) and size != SIZES[0]):
        return ("one session",)
    return [name for name in PROGRAMS if name not in WORKERS or (timed and "stops" in faults)]
