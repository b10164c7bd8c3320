"""Which planted bugs the checker finds, and with how few steps: ``python -m tools.planted_checked [--out reports/checker]``.

Each bug is looked for in one small cluster, with one promise watched, and the same cluster is searched without it. Bugs that no order
of events shows without a clock are looked for where time passes in ticks, and those that keep something from coming for ever by lassos.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from sim import Scenario
from sim.checker.checking import Options, check
from sim.checker.result import Verdict
from sim.model.instant import InstantWorld
from sim.model.windows import Ticks
from sim.properties import KNOWN
from sim.properties.base import Property
from sim.properties.own import named
from sim.protocol.mutants import Mutant
from sim.scenario.checked import Bounds, system_of
from sim.scenario.findings import findings
from sim.scenario.liveness import in_the_end
from sim.shrink.measure import Deviations
from sim.trace.tape import Tape
from tools.planted.bugs import STOPS, VERSIONS, Bug
from tools.planted.least import Least, counted, held_to_a_clock
from tools.planted.signs import CANCELLED_IS_NO_SHUTDOWN, PANIC_COMMITS_NOTHING, SESSIONS_HAVE_SLOTS, STOP_IS_TOLD

CREATE: Final = {"op": "create", "as": "s", "creation": "60s", "execution": "600s"}
TOKEN: Final = {"op": "token", "in": "s", "as": "t"}
RECREATE: Final = {"op": "recreate", "signal": "t", "as": "s2", "creation": "60s", "execution": "600s"}
COMPLETE: Final = {"op": "complete", "in": "s"}
DEFER: Final = {"op": "defer_complete", "in": "s"}
ACT: Final = {"op": "act", "in": "s", "work": {"ms": 2000}}
FAILS: Final = {"op": "act", "in": "s", "work": {"ms": 2000, "fail": "non_retryable"}, "ignore": True}
LONG: Final = {"op": "act", "in": "s", "work": {"ms": 30_000}, "stc": "60s"}
SLEEP: Final = {"op": "sleep", "ms": 60_000}
NAP: Final = {"op": "sleep", "ms": 10_000}
SIMPLE: Final = [CREATE, DEFER, ACT]
WAITS: Final = {**LONG, "wait_for_cancellation": True}
NORMAL: Final = {"op": "start", "fut": "n", "work": {"name": "normal", "ms": 60_000}, "stc": "120s"}
"""An activity that belongs to no session."""
LEFT: Final = {"op": "start", "in": "s", "fut": "f", "hb": "25s", "work": {"ms": 300_000, "name": "left", "beat_ms": 5000, "obey": True}}
"""An activity that is left behind; it heartbeats, and ends when it is told to."""
MOVES_ON: Final = [
    CREATE,
    LEFT,
    {"op": "sleep", "ms": 10_000},
    COMPLETE,
    SLEEP,
    {**CREATE, "as": "s2", "queue": "other"},
    {**LONG, "in": "s2"},
]

MENDED: Final = {old: new for old, new, _ in VERSIONS}
UNTIMED, WINDOWS, IN_THE_END = "untimed", "windows", "in the end"
UNIT: Final = 5_000_000
"""Of windows, microseconds."""
FREE_SLOTS: Final = replace(
    KNOWN["creation_uses_free_slots"], times=("Worker.started_at", "Worker.free_since", "Place.reachable_since"),
)  # fmt: skip
ACTIVITIES_START: Final = replace(
    KNOWN["session_activities_start"], times=("Activity.ready_at", "Worker.started_at", "Worker.idle_since", "Place.reachable_since"),
)  # fmt: skip
"""Promises that checks do not watch, since whoever watches one workflow does not hear of what others do on its worker. Here is but one."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A bug (one that is planted, or the last SDK version with it), the promise that it breaks, and where.

    `anyway`: why that is broken there without it, too.
    """

    promise: str
    bug: Mutant | str
    program: list[dict[str, Any]]
    budgets: dict[str, int] = field(default_factory=dict)
    workers: int = 1
    slots: int = 1
    workflows: int = 1
    time: str = UNTIMED
    worker: dict[str, Any] = field(default_factory=dict)
    queues: tuple[str, ...] = ()
    """Of the workers, if they have different ones."""
    anyway: str = ""
    sign: Property | None = None
    """What shows of it, if that is no promise that checks watch."""
    workflow: str = ""
    """A function beside `versions.toml`, in place of a program."""

    def scenario(self, planted: bool) -> Scenario:
        """With or without the bug."""
        mutants = [self.bug.name.lower()] if planted and isinstance(self.bug, Mutant) else []
        version = "" if isinstance(self.bug, Mutant) else self.bug if planted else MENDED[self.bug]
        worker = {"max_concurrent_session_execution_size": self.slots, "mutants": mutants, **self.worker}
        code: dict[str, Any] = {"workflow": self.workflow} if self.workflow else {"program": self.program}
        file = self.workflow.partition(":")[0]
        modules = {"modules": {file: (STOPS.parent / file).read_text("utf-8")}} if file else {}
        return Scenario.from_dict(
            {
                "workers": [
                    {"name": f"w{n}", **worker, **({"task_queue": self.queues[n]} if self.queues else {})} for n in range(self.workers)
                ],
                "workflows": [{"id": "job", "count": self.workflows, **code}],
                **modules,
                "cluster": {"task_queues": ["other"], **({"sdk_version": version} if version else {})},
            }
        )

    @property
    def name(self) -> str:
        return self.bug.name.lower() if isinstance(self.bug, Mutant) else f"SDK {self.bug}"

    @property
    def what(self) -> str:
        return (
            self.bug.value if isinstance(self.bug, Mutant) else next(f"SDK {old}: {what}" for old, _, what in VERSIONS if old == self.bug)
        )

    @property
    def scope(self) -> str:
        faults = " and ".join(f"one of {name.replace('_', ' ')}" for name in self.budgets) or "no fault"
        return f"{self.workers} x {self.slots} x {self.workflows}, {faults}"


@dataclass(frozen=True, slots=True)
class Found:
    """What a search says. `steps`: of the shortest way, None where the promise is kept; `needs`: of a run with a clock that
    breaks it, too; else `why` there is none.
    """

    verdict: Verdict
    steps: int | None = None
    needs: Deviations | None = None
    why: str = ""


TWO_SLOTS: Final = [CREATE, DEFER, {**CREATE, "as": "s2", "in": "s", "ignore": True}]
PLANTED: Final = (
    Planted("slot_limit", Mutant.RECREATE_TAKES_NO_TOKEN, [CREATE, TOKEN, RECREATE]),
    Planted("token_conservation", Mutant.TOKEN_KEPT_ON_HEARTBEAT_ABORT, [CREATE, DEFER, LONG], {"lost_responses": 1}),
    Planted("same_worker", Mutant.SESSION_ACTIVITIES_ON_BASE_QUEUE, SIMPLE, workers=2),
    Planted("recreate_same_worker", Mutant.RECREATE_ON_CREATION_QUEUE, [CREATE, TOKEN, COMPLETE, RECREATE], workers=2),
    Planted("one_binding", Mutant.ATTEMPT_FAILS_AFTER_SIGNAL, SIMPLE, workers=2),
    Planted("activity_needs_slot", Mutant.TOKEN_RETURNED_AFTER_SIGNAL, SIMPLE, anyway="an ExecutionTimeout that passes is enough"),
    Planted(
        "exclusive_work", Mutant.ACTIVITY_HEARTBEATS_DEAF, MOVES_ON, workers=2, time=WINDOWS, queues=("tasks", "other"),
    ),
    Planted(
        "failure_is_failure", Mutant.FAILED_SESSION_LOOKS_CANCELED, [CREATE, SLEEP, ACT], {"crashes": 1}, 2,
        anyway="a crash while an activity runs is enough",
    ),
    Planted("activity_failure_keeps_session", Mutant.ACTIVITY_ERROR_FAILS_SESSION, [CREATE, DEFER, FAILS, ACT]),
    Planted("closed_is_final", Mutant.COMPLETING_TWICE_FAILS_SESSION, [CREATE, COMPLETE, COMPLETE]),
    Planted("complete_is_safe", Mutant.COMPLETE_KEEPS_CONTEXT, SIMPLE),
    Planted("complete_is_safe", Mutant.COMPLETES_FAILED_SESSIONS, [CREATE, SLEEP, COMPLETE], {"crashes": 1}, 2),
    Planted("closed_is_final", Mutant.COMPLETING_TWICE_FAILS_SESSION, [CREATE, COMPLETE, NAP, COMPLETE], time=WINDOWS),
    Planted("complete_is_safe", Mutant.COMPLETE_KEEPS_CONTEXT, [CREATE, ACT, COMPLETE, NAP], time=WINDOWS),
    Planted("open_session_refused", Mutant.OPEN_SESSION_NOT_REFUSED, TWO_SLOTS, slots=2),
    Planted("creation_queue", Mutant.CREATION_IGNORES_OPTIONS, [{**CREATE, "queue": "other"}, DEFER, ACT]),
    Planted(
        "creation_returns", Mutant.CREATION_FAILURE_NOT_AWAITED, SIMPLE, time=IN_THE_END, worker={"enable_session_worker": False},
    ),
    Planted("failure_is_seen", Mutant.WATCHER_IGNORES_FAILURES, SIMPLE, {"crashes": 1}, 2, time=IN_THE_END),
    Planted(
        "failure_propagation", Mutant.WATCHER_IGNORES_FAILURES, [CREATE, SLEEP, ACT], {"crashes": 1}, time=WINDOWS,
        anyway="with one worker nobody is left who could tell the workflow",
    ),
    Planted("no_false_alarm", Mutant.SESSION_HEARTBEATS_NOT_SENT, [CREATE, DEFER, LONG], time=WINDOWS),
    Planted("creation_bounded", Mutant.CREATION_TIMEOUT_NOT_SENT, [{**CREATE, "creation": "20s"}, DEFER, LONG], workflows=2, time=WINDOWS),
    Planted("completion_frees_slot", Mutant.CREATION_ACTIVITY_DEAF, [CREATE, ACT, COMPLETE, SLEEP], time=WINDOWS),
    Planted(
        "graceful_stop_waits", Mutant.STOP_CANCELS_AT_ONCE, [CREATE, DEFER, LONG], {"stops": 1}, time=WINDOWS,
        worker={"worker_stop_timeout": "40s"}, anyway="the session is cancelled at once, and its activities with it (P3.8.1)",
    ),
    Planted(
        "execution_timeout_is_total", Mutant.EXECUTION_TIMEOUT_NOT_SENT, [{**CREATE, "execution": "20s"}, DEFER, LONG, LONG], time=WINDOWS,
        anyway="an activity without heartbeats runs on (P3.6.6)",
    ),
    Planted(
        FREE_SLOTS.name, Mutant.CREATION_POLLED_ONCE, [CREATE, COMPLETE, {**CREATE, "as": "s2", "creation": "20s", "ignore": True}],
        time=WINDOWS, sign=FREE_SLOTS,
    ),
    Planted(ACTIVITIES_START.name, Mutant.RESOURCE_QUEUE_NOT_POLLED, [CREATE, ACT], time=WINDOWS, sign=ACTIVITIES_START),
    Planted(
        "execution_timeout_is_total", "1.13.0", [{**CREATE, "execution": "20s"}, {"op": "sleep", "ms": 30_000}, ACT], slots=2, time=WINDOWS,
    ),
    Planted(
        SESSIONS_HAVE_SLOTS.name, "1.30.1", [NORMAL, CREATE, ACT], time=WINDOWS, worker={"max_concurrent_activity_execution_size": 1},
        sign=SESSIONS_HAVE_SLOTS,
    ),
    Planted(
        STOP_IS_TOLD.name, "1.34.0", [CREATE, SLEEP], {"stops": 1}, 2, time=WINDOWS, sign=STOP_IS_TOLD, anyway="no clock allows it",
    ),
    Planted(CANCELLED_IS_NO_SHUTDOWN.name, "1.36.0", [CREATE, WAITS], {"cancels": 1}, time=WINDOWS, sign=CANCELLED_IS_NO_SHUTDOWN),
    Planted(PANIC_COMMITS_NOTHING.name, "1.41.0", [], sign=PANIC_COMMITS_NOTHING, workflow="versions.py:panics"),
)  # fmt: skip
"""A bug for every promise that the checker can watch, and every bug that a check can show."""

NOT_ASKED: Final = {
    "1.41.1": "nothing shows of it, not even what is called: ShutdownWorker is no part of checks",
    "1.46.0": "not asked: the poller is woken by the token that the cancelled session gives back, so the stop takes longer only where that "
    "takes longer than WorkerStopTimeout; checks give it the 20 to 286 us that were measured, whatever a scenario's latencies say",
}
"""Last version with a bug that no check can show -> why."""


def searched(planted: Planted, with_bug: bool, confirmed: bool = True) -> Found:
    """What a search of the cluster says of the promise; with `confirmed`, whether a run does, too."""
    with named((planted.sign,) if planted.sign is not None else (), instead=True):
        return _searched(planted, with_bug, confirmed)


def _searched(planted: Planted, with_bug: bool, confirmed: bool) -> Found:
    scenario = planted.scenario(with_bug)
    if planted.time == IN_THE_END:
        return _in_the_end(planted, scenario, confirmed)
    ticks = Ticks(UNIT) if planted.time == WINDOWS else None
    system = system_of(scenario, Bounds(**planted.budgets), [planted.promise], ticks=ticks)
    result = check(system, Options(jobs=1))
    assert result.complete, result.stopped
    judgement = result.properties[planted.promise]
    if judgement.verdict is not Verdict.BROKEN:
        return Found(judgement.verdict)
    if not confirmed:
        return Found(judgement.verdict, judgement.length)
    assert isinstance(system.world, InstantWorld)
    finding = findings(scenario, system.world, result)[planted.promise]
    return Found(judgement.verdict, len(finding.path), _needs(finding.tape, planted), finding.why)


def _needs(tape: Tape | None, planted: Planted) -> Deviations | None:
    return counted(tape, planted.promise) if tape is not None else None


def _in_the_end(planted: Planted, scenario: Scenario, confirmed: bool) -> Found:
    """By a lasso; what confirms it is a run with a clock along its stem."""
    system = system_of(scenario, Bounds(**planted.budgets), [])
    end = in_the_end(scenario, system, [planted.promise])[planted.promise]
    if end.lasso is None:
        return Found(end.verdict)
    assert isinstance(system.world, InstantWorld)
    tape = held_to_a_clock(scenario, system.world, planted.promise, end.lasso.stem) if confirmed else None
    return Found(
        end.verdict, len(end.lasso.stem) + len(end.lasso.cycle), _needs(tape, planted), "no run with a clock was found along the lasso"
    )


def least(bug: Bug) -> Least:
    """The fewest deviations with which a run with a clock confirms that the checker finds a bug."""
    found = [searched(planted, True) for planted in PLANTED if planted.name == bug.name]
    confirmed = [(one.needs.total, one.steps or 0, one.needs) for one in found if one.needs is not None]
    if confirmed:
        _, steps, needs = min(confirmed, key=lambda one: one[:2])
        return Least(needs, steps)
    if found:
        return Least(why="found, and no run with a clock confirms it")
    return Least(why=NOT_ASKED[bug.name.removeprefix("SDK ")])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports/checker"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for planted in PLANTED:
        rows.append((planted, searched(planted, True), searched(planted, False)))
        print(_row(*rows[-1]), flush=True)
    (options.out / "planted.md").write_text("\n".join(page(rows)) + "\n")


def page(rows: list[tuple[Planted, Found, Found]]) -> Iterator[str]:
    """The table."""
    yield "# Planted bugs that the checker finds\n"
    yield "`python -m tools.planted_checked`: one bug at a time in small clusters (workers x slots x workflows), one promise watched, and"
    yield "the same cluster without the bug. `untimed`: any timer at any moment; `windows`: time passes in ticks of 5 s; `in the end`: a"
    yield "lasso, under fairness. Some changes between SDK versions break no promise that checks watch; what shows of them is a property of"
    yield "`tools/planted/signs.py`. Steps are those of the shortest way that a run with a clock confirms, else of the shortest of all."
    yield "Deviations are those of that run: its faults, and choices that cannot be the default schedule's (`tools/planted/least.py`).\n"
    yield "| bug | promise | time | scope | steps | confirmed | deviations | without the bug |"
    yield "|---|---|---|---|---:|---|---:|---|"
    for row in rows:
        yield _row(*row)
    yield "\nNot found:\n"
    for version, why in NOT_ASKED.items():
        yield f"* SDK {version}: {why}."


def _row(planted: Planted, found: Found, without: Found) -> str:
    confirmed = "" if found.steps is None else "no" if found.needs is None else "yes"
    needs = f"{found.needs.faults} + {found.needs.choices}" if found.needs is not None else ""
    kept = f"{without.steps} steps: {planted.anyway}" if without.steps is not None else without.verdict.value
    steps = found.steps if found.steps is not None else "not found"
    return f"| {planted.what} | `{planted.promise}` | {planted.time} | {planted.scope} | {steps} | {confirmed} | {needs} | {kept} |"


if __name__ == "__main__":
    main()
