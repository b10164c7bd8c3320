"""Planted bugs: each promise that the checker watches is broken by one, found by a search of a small cluster, and kept without it."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim import Scenario
from sim.checker.checking import Options, check
from sim.checker.result import Judgement, Verdict
from sim.model.windows import Ticks
from sim.properties.automaton import in_ticks, timeless
from sim.protocol.mutants import Mutant
from sim.scenario.checked import Bounds, system_of

CREATE = {"op": "create", "as": "s", "creation": "60s", "execution": "600s"}
TOKEN = {"op": "token", "in": "s", "as": "t"}
RECREATE = {"op": "recreate", "signal": "t", "as": "s2", "creation": "60s", "execution": "600s"}
COMPLETE, DEFER = {"op": "complete", "in": "s"}, {"op": "defer_complete", "in": "s"}
ACT = {"op": "act", "in": "s", "work": {"ms": 2000}}
FAILS = {"op": "act", "in": "s", "work": {"ms": 2000, "fail": "non_retryable"}, "ignore": True}
SIMPLE = [CREATE, DEFER, ACT]

PLANTED: dict[str, tuple[Mutant, int, list[dict[str, Any]], dict[str, int]]] = {
    "slot_limit": (Mutant.RECREATE_TAKES_NO_TOKEN, 1, [CREATE, TOKEN, RECREATE], {}),
    "token_conservation": (Mutant.TOKEN_KEPT_ON_HEARTBEAT_ABORT, 1, SIMPLE, {"lost_responses": 1}),
    "same_worker": (Mutant.SESSION_ACTIVITIES_ON_BASE_QUEUE, 2, SIMPLE, {}),
    "recreate_same_worker": (Mutant.RECREATE_ON_CREATION_QUEUE, 2, [CREATE, TOKEN, COMPLETE, RECREATE], {}),
    "one_binding": (Mutant.ATTEMPT_FAILS_AFTER_SIGNAL, 2, SIMPLE, {}),
    "activity_needs_slot": (Mutant.TOKEN_RETURNED_AFTER_SIGNAL, 1, SIMPLE, {}),
    "failure_is_failure": (Mutant.FAILED_SESSION_LOOKS_CANCELED, 2, [CREATE, {"op": "sleep", "ms": 60_000}, ACT], {"crashes": 1}),
    "activity_failure_keeps_session": (Mutant.ACTIVITY_ERROR_FAILS_SESSION, 1, [CREATE, DEFER, FAILS, ACT], {}),
    "closed_is_final": (Mutant.COMPLETING_TWICE_FAILS_SESSION, 1, [CREATE, COMPLETE, COMPLETE], {}),
    "complete_is_safe": (Mutant.COMPLETE_KEEPS_CONTEXT, 1, SIMPLE, {}),
    "open_session_refused": (Mutant.OPEN_SESSION_NOT_REFUSED, 1, [CREATE, DEFER, {**CREATE, "as": "s2", "in": "s", "ignore": True}], {}),
    "creation_queue": (Mutant.CREATION_IGNORES_OPTIONS, 1, [{**CREATE, "queue": "other"}, DEFER, ACT], {}),
}
"""Property -> a bug, how many workers, what the workflow does, and what may happen."""

LONG = {"op": "act", "in": "s", "work": {"ms": 30_000}, "stc": "60s"}

IN_TICKS: dict[str, tuple[Mutant, int, list[dict[str, Any]], dict[str, int], dict[str, str]]] = {
    "failure_propagation": (Mutant.WATCHER_IGNORES_FAILURES, 1, [CREATE, {"op": "sleep", "ms": 60_000}, ACT], {"crashes": 1}, {}),
    "no_false_alarm": (Mutant.SESSION_HEARTBEATS_NOT_SENT, 1, [CREATE, DEFER, LONG], {}, {}),
    "creation_bounded": (Mutant.CREATION_TIMEOUT_NOT_SENT, 2, [{**CREATE, "creation": "20s"}, DEFER, LONG], {}, {}),
    "completion_frees_slot": (Mutant.CREATION_ACTIVITY_DEAF, 1, [CREATE, ACT, COMPLETE, {"op": "sleep", "ms": 60_000}], {}, {}),
    "graceful_stop_waits": (Mutant.STOP_CANCELS_AT_ONCE, 1, [CREATE, DEFER, LONG], {"stops": 1}, {"worker_stop_timeout": "40s"}),
    "execution_timeout_is_total": (Mutant.EXECUTION_TIMEOUT_NOT_SENT, 1, [{**CREATE, "execution": "20s"}, DEFER, *[LONG] * 2], {}, {}),
}
"""Property that is about time -> a bug, how many workflows on one worker, what they do, what may happen, options of the worker."""

BROKEN_ANYWAY = {"activity_needs_slot", "failure_is_failure"}
"""An ExecutionTimeout that passes, and a crash while an activity runs, are enough (`test_sessions`)."""
LATE_ANYWAY = {
    "failure_propagation": "with one worker nobody is left who could tell the workflow",
    "graceful_stop_waits": "the session is cancelled at once, and its activities with it (P3.8.1)",
    "execution_timeout_is_total": "an activity without heartbeats runs on (P3.6.6)",
}


def judged(name: str, mutants: list[str], queues: bool = False) -> Judgement:
    _, workers, program, budgets = PLANTED[name]
    worker = {"max_concurrent_session_execution_size": 1 if name != "open_session_refused" else 2, "mutants": mutants}
    scenario = Scenario.from_dict(
        {
            "workers": [{"name": f"w{n}", **worker} for n in range(workers)],
            "workflows": [{"id": "job", "program": program}],
            "cluster": {"task_queues": ["other"]},
        }
    )
    result = check(system_of(scenario, Bounds(**budgets), [name]), Options(jobs=1))
    assert result.complete
    return result.properties[name]


def test_every_promise_has_a_bug_but_one_that_the_protocol_breaks_itself() -> None:
    """`exclusive_work` needs two sessions at two workers, and breaks there without a bug."""
    assert set(PLANTED) == set(timeless()) - {"exclusive_work"}


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found(name: str) -> None:
    mutant = PLANTED[name][0]
    found = judged(name, [mutant.name.lower()])
    assert found.verdict is Verdict.BROKEN
    assert found.path is not None
    if name not in BROKEN_ANYWAY:
        assert judged(name, []).verdict is Verdict.HELD


def in_ticks_judged(name: str, mutants: list[str]) -> Judgement:
    _, workflows, program, budgets, options = IN_TICKS[name]
    worker = {"name": "w", "max_concurrent_session_execution_size": 1, "mutants": mutants, **options}
    scenario = Scenario.from_dict({"workers": [worker], "workflows": [{"id": "job", "count": workflows, "program": program}]})
    result = check(system_of(scenario, Bounds(**budgets), [name], ticks=Ticks(5_000_000)), Options(jobs=1))
    assert result.complete
    return result.properties[name]


def test_every_promise_about_time_that_ticks_can_tell_has_a_bug() -> None:
    assert set(IN_TICKS) == set(in_ticks()) - set(timeless())


@pytest.mark.parametrize("name", IN_TICKS)
def test_a_planted_bug_is_found_in_ticks(name: str) -> None:
    assert in_ticks_judged(name, [IN_TICKS[name][0].name.lower()]).verdict is Verdict.BROKEN
    expected = Verdict.BROKEN if name in LATE_ANYWAY else Verdict.HELD
    assert in_ticks_judged(name, []).verdict is expected
