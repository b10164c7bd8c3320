"""Which planted bugs the checker finds, and with how few steps: ``python -m tools.planted_checked [--out reports/checker]``.

Each bug is looked for in one small cluster, with one promise watched, and the same cluster is searched without it. Bugs that no order
of events shows without a clock are looked for where time passes in ticks, and those that keep something from coming for ever by lassos.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sim import Scenario
from sim.checker.checking import Options, check
from sim.checker.result import Verdict
from sim.model.instant import InstantWorld
from sim.model.windows import Ticks
from sim.protocol.mutants import Mutant
from sim.scenario.checked import Bounds, system_of
from sim.scenario.findings import findings
from sim.scenario.liveness import in_the_end

CREATE: Final = {"op": "create", "as": "s", "creation": "60s", "execution": "600s"}
TOKEN: Final = {"op": "token", "in": "s", "as": "t"}
RECREATE: Final = {"op": "recreate", "signal": "t", "as": "s2", "creation": "60s", "execution": "600s"}
COMPLETE: Final = {"op": "complete", "in": "s"}
DEFER: Final = {"op": "defer_complete", "in": "s"}
ACT: Final = {"op": "act", "in": "s", "work": {"ms": 2000}}
FAILS: Final = {"op": "act", "in": "s", "work": {"ms": 2000, "fail": "non_retryable"}, "ignore": True}
LONG: Final = {"op": "act", "in": "s", "work": {"ms": 30_000}, "stc": "60s"}
SLEEP: Final = {"op": "sleep", "ms": 60_000}
SIMPLE: Final = [CREATE, DEFER, ACT]
LEFT: Final = {"op": "start", "in": "s", "fut": "f", "hb": "20s", "work": {"ms": 300_000, "name": "left", "beat_ms": 5000, "obey": True}}
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

UNTIMED, WINDOWS, IN_THE_END = "untimed", "windows", "in the end"
UNIT: Final = 5_000_000
"""Of windows, microseconds."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A bug, the promise that it breaks, and where: `anyway` says why that is broken there without it, too."""

    promise: str
    mutant: Mutant
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

    def scenario(self, planted: bool) -> Scenario:
        """With or without the bug."""
        mutants = [self.mutant.name.lower()] if planted else []
        worker = {"max_concurrent_session_execution_size": self.slots, "mutants": mutants, **self.worker}
        return Scenario.from_dict(
            {
                "workers": [
                    {"name": f"w{n}", **worker, **({"task_queue": self.queues[n]} if self.queues else {})} for n in range(self.workers)
                ],
                "workflows": [{"id": "job", "count": self.workflows, "program": self.program}],
                "cluster": {"task_queues": ["other"]},
            }
        )

    @property
    def scope(self) -> str:
        faults = " and ".join(f"one of {name.replace('_', ' ')}" for name in self.budgets) or "no fault"
        return f"{self.workers} x {self.slots} x {self.workflows}, {faults}"


@dataclass(frozen=True, slots=True)
class Found:
    """`steps`: of the shortest way, None where the promise is kept; `confirmed`: whether a run with a clock breaks it."""

    verdict: Verdict
    steps: int | None = None
    confirmed: bool = False


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
)  # fmt: skip
"""A bug for every promise that the checker can watch, and every bug that breaks one."""

ONLY_TIME: Final = {
    Mutant.RESOURCE_QUEUE_NOT_POLLED: "`session_activities_start`: the activity waits until the ExecutionTimeout, which is too long",
    Mutant.CREATION_POLLED_ONCE: "`creation_uses_free_slots`: CreateSession waits for its timeout although a slot is free",
}
"""Bugs that show in a length of time alone, by a promise that ticks do not watch; simulations find them (reports/fuzz/planted.md)."""


def searched(planted: Planted, with_bug: bool, confirmed: bool = True) -> Found:
    """What a search of the cluster says of the promise; with `confirmed`, whether a run does, too."""
    scenario = planted.scenario(with_bug)
    if planted.time == IN_THE_END:
        end = in_the_end(scenario, system_of(scenario, Bounds(**planted.budgets), []), [planted.promise])[planted.promise]
        return Found(end.verdict, len(end.lasso.stem) + len(end.lasso.cycle) if end.lasso is not None else None)
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
    return Found(judgement.verdict, judgement.length, finding.tape is not None)


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
    yield "lasso, under fairness. Steps are those of the shortest way; confirmed is what a run with a clock breaks, too.\n"
    yield "| bug | promise | time | scope | steps | confirmed | without the bug |"
    yield "|---|---|---|---|---:|---|---|"
    for row in rows:
        yield _row(*row)
    yield "\nNot found, since only a length of time that nobody watches here is wrong:\n"
    for mutant, why in ONLY_TIME.items():
        yield f"* {mutant.value}: {why}."


def _row(planted: Planted, found: Found, without: Found) -> str:
    confirmed = "held to no clock" if planted.time == IN_THE_END else "yes" if found.confirmed else "no"
    if found.steps is None:
        confirmed = ""
    kept = f"{without.steps} steps: {planted.anyway}" if without.steps is not None else without.verdict.value
    steps = found.steps if found.steps is not None else "not found"
    return f"| {planted.mutant.value} | `{planted.promise}` | {planted.time} | {planted.scope} | {steps} | {confirmed} | {kept} |"


if __name__ == "__main__":
    main()
