"""What is searched: small clusters, what their workflows do, and how often what may happen; without a clock, and in ticks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from sim import Scenario
from sim.model.windows import Ticks
from tools.finding_scopes import AGAIN, LONG_WORK, PROGRAM, cluster
from tools.repairs.variants import Variant

SECOND: Final = 1_000_000
Program = list[dict[str, Any]]


def _work(ms: int, **more: Any) -> dict[str, Any]:
    return {"op": "act", "in": "s", "work": {"name": "work", "ms": ms, **more.pop("work", {})}, **more}


def _create(creation: str = "40s", execution: str = "60s", **more: Any) -> dict[str, Any]:
    return {"op": "create", "as": "s", "creation": creation, "execution": execution, **more}


def _obeying(program: Program) -> Program:
    """The same, with activities that end when their context does."""
    changed: Program = json.loads(json.dumps(program).replace(f'"ms": {LONG_WORK}', f'"ms": {LONG_WORK}, "obey": true'))
    return changed


COMPLETE: Final = {"op": "complete", "in": "s"}
DEFER: Final = {"op": "defer_complete", "in": "s"}
OBEYS: Final = {"work": {"obey": True}}
ONE, AGAIN_AFTER, OBEYING = "one session", "once more after a failure", "once more, obeying"
SHORT_AGAIN, SHORT, SHORT_OBEYING = "once more, 30 s of work, obeying", "30 s of work", "30 s of work, obeying"
QUIET, STOPPED, LASTING = "25 s of work", "10 s of work, 30 s to stop", "50 s of work, 30 s to run, obeying"
AWAITED, CANCELLED = "1 s of work, completed, H = 3 s", "40 s of work, then a cleanup of 60 s, workflow code elsewhere"
FULL = "recreated beside itself, C = 6 s, H = 15 s"
PROGRAMS: Final[dict[str, Program]] = {
    ONE: PROGRAM,
    AGAIN_AFTER: AGAIN,
    OBEYING: _obeying(AGAIN),
    SHORT_AGAIN: [{"op": "until_ok", "times": 2, "ms": 0, "steps": [_create(), _work(LONG_WORK, **OBEYS), COMPLETE]}],
    SHORT: [_create(), DEFER, _work(LONG_WORK)],
    SHORT_OBEYING: [_create(), DEFER, _work(LONG_WORK, **OBEYS)],
    QUIET: [_create(), DEFER, _work(25_000, attempts=1)],
    STOPPED: [_create(), DEFER, _work(10_000)],
    LASTING: [_create(execution="30s"), DEFER, _work(50_000, attempts=1, **OBEYS)],
    AWAITED: [_create("20s", heartbeat="3s"), _work(1_000, attempts=1), COMPLETE, {"op": "sleep", "ms": 30_000}],
    CANCELLED: [
        _create("20s"), _work(40_000, attempts=1, ignore=True),
        {"op": "disconnected", "as": "d"}, {"op": "sleep", "in": "d", "ms": 60_000},
    ],
    FULL: [
        _create("6s", "120s", heartbeat="15s"), {"op": "token", "in": "s", "as": "t"},
        {**_create("6s", "120s", heartbeat="15s"), "op": "recreate", "as": "s2", "signal": "t", "ignore": True},
    ],
}  # fmt: skip
"""An obeying activity ends when its context does; otherwise it works on to its end. Those with lengths in their names are for a clock."""
WORKERS: Final[dict[str, dict[str, Any]]] = {STOPPED: {"worker_stop_timeout": "30s"}, CANCELLED: {"disable_workflow_worker": True}}
"""What workers are told beside, where a program needs it."""
BESIDE: Final[dict[str, list[dict[str, Any]]]] = {CANCELLED: [{"name": "v", "count": 2, "enable_session_worker": False}]}
"""Workers that are not counted, where a program needs them."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is searched: a program, (workers, slots, workflows), and how often what may happen.

    `mends`: the repairs that mend what the original breaks there; None where nobody looks at single repairs.
    `unit`: seconds of a tick; 0 where there is no clock. `only`: the properties that are looked at; all without.
    """

    program: str
    size: tuple[int, int, int]
    budget: tuple[tuple[str, int], ...] = ()
    mends: tuple[str, ...] | None = None
    unit: int = 0
    only: tuple[str, ...] = ()

    def __str__(self) -> str:
        budget = ", ".join(_times(count, kind) for kind, count in self.budget) or "no fault"
        clock = f", ticks of {self.unit} s" if self.unit else ""
        return f"{' x '.join(map(str, self.size))}, {self.program}, {budget}{clock}"

    @property
    def ticks(self) -> Ticks | None:
        """How time passes."""
        return Ticks(self.unit * SECOND) if self.unit else None

    def scenario(self, variant: Variant) -> Scenario:
        """The scenario of a variant."""
        tables = cluster(self.size, PROGRAMS[self.program], **WORKERS.get(self.program, {}))
        tables["workers"] += BESIDE.get(self.program, [])
        return Scenario.from_dict(variant.of({"name": "scope", **tables}))


def _times(count: int, kind: str) -> str:
    """A budget in words: `1 lost request`, `2 stops`."""
    named = kind.replace("_", " ")
    return f"{count} {named.removesuffix('es' if named.endswith('shes') else 's') if count == 1 else named}"


SCOPES: Final = (
    Scope(ONE, (1, 1, 1), (("stops", 1),), ("slot_until_idle",)),
    Scope(ONE, (1, 1, 1), (("lost_requests", 1),), ("failure_not_canceled",)),
    Scope(ONE, (1, 1, 1), (("crashes", 1),)),
    Scope(ONE, (1, 1, 1), (("cancels", 1),)),
    Scope(ONE, (1, 1, 1), (("lost_responses", 1),)),
    Scope(ONE, (2, 1, 1), (("stops", 1),)),
    Scope(ONE, (2, 1, 1), (("crashes", 1),)),
    Scope(ONE, (2, 1, 1), (("cancels", 1),)),
    Scope(ONE, (2, 1, 1), (("crashes", 1), ("restarts", 1))),
    Scope(ONE, (2, 1, 1), (("cancels", 1), ("crashes", 1)), ("closed_stays_closed", "watched_to_the_end")),
    Scope(ONE, (2, 1, 1), (("crashes", 1), ("stops", 1))),
    Scope(ONE, (2, 1, 1), (("lost_requests", 1),)),
    Scope(ONE, (2, 1, 1), (("lost_responses", 1),), ("signal_until_known",)),
    Scope(AGAIN_AFTER, (2, 1, 1), (("stops", 1),), ("slot_until_idle",)),
    Scope(OBEYING, (2, 1, 1), (("stops", 1),)),
    Scope(OBEYING, (2, 1, 1), (("crashes", 1),)),
    Scope(ONE, (2, 1, 2), (("stops", 1),)),
    Scope(ONE, (2, 1, 2), (("crashes", 1),)),
)
"""Without a clock, small ones first."""
STOP, CRASH, LOST = ("stops", 1), ("crashes", 1), ("lost_responses", 1)
ABOUT_TIME: Final = ("failure_propagation", "creation_bounded", "completion_frees_slot")
IN_TICKS: Final = (
    Scope(SHORT_AGAIN, (2, 1, 1), (STOP,), ("slot_until_idle",), 10, ("exclusive_work",)),
    Scope(SHORT_AGAIN, (2, 1, 1), (CRASH,), (), 10, ("exclusive_work",)),
    Scope(LASTING, (1, 1, 1), (), ("slot_until_idle",), 10, ("execution_timeout_is_total",)),
    Scope(STOPPED, (1, 1, 1), (STOP,), ("stop_waits_for_sessions",), 10, ("graceful_stop_waits",)),
    Scope(FULL, (1, 1, 1), (("retries", 8),), ("creation_timer",), 1, ("creation_bounded",)),
    Scope(SHORT, (2, 1, 1), (STOP,), ("slot_until_idle",), 10, ABOUT_TIME),
    Scope(SHORT_OBEYING, (2, 1, 1), (STOP,), (), 10, ABOUT_TIME),
    Scope(SHORT, (2, 1, 1), (CRASH,), (), 10, ABOUT_TIME),
    Scope(QUIET, (1, 1, 1), (LOST,), ("heartbeats_go_on",), 1, ("no_false_alarm",)),
    Scope(AWAITED, (1, 1, 1), (LOST,), ("signal_until_known", "heartbeats_go_on"), 1, ("completion_frees_slot",)),
    Scope(CANCELLED, (1, 1, 1), (("cancels", 1), CRASH), ("watched_to_the_end",), 10, ("failure_propagation",)),
)
"""With a clock that moves in ticks, each for a few properties: what holds there holds for all clocks."""
