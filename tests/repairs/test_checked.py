"""Every order of events in small clusters: with all repairs nothing breaks, and without the one that counts it does."""

from __future__ import annotations

from typing import Any

import pytest

from sim import Scenario
from sim.checker.checking import Options, check
from sim.checker.result import Verdict
from sim.model.windows import Ticks
from sim.scenario.checked import Bounds, system_of
from sim.workflow.repairs import ALL, Repair, Repairs
from tests.repairs.promises import alone, without
from tools.finding_scopes import AGAIN, PROGRAM


def verdicts(
    repairs: Repairs,
    workers: int,
    program: list[dict[str, Any]],
    only: list[str] | None = None,
    ticks: Ticks | None = None,
    **budgets: int,
) -> dict[str, Verdict]:
    """What a search says of each property."""
    scenario = Scenario.from_dict(
        {
            "name": "small",
            "workers": [{"name": "w", "count": workers, "max_concurrent_session_execution_size": 1}],
            "workflows": [{"id": "job", "program": program, "arrival": {"at": ["0s"]}}],
            "repairs": [repair.name.lower() for repair in repairs],
        }
    )
    result = check(system_of(scenario, Bounds(**budgets), only, ticks=ticks), Options(jobs=1))
    assert result.complete
    return {name: judgement.verdict for name, judgement in result.properties.items()}


def broken(*args: Any, **budgets: Any) -> set[str]:
    """The properties that are broken."""
    return {name for name, verdict in verdicts(*args, **budgets).items() if verdict is Verdict.BROKEN}


def test_with_a_stop_a_slot_is_kept_while_it_is_used() -> None:
    assert broken(ALL, 1, PROGRAM, stops=1) == set()
    assert broken(without(Repair.SLOT_UNTIL_IDLE), 1, PROGRAM, ["activity_needs_slot"], stops=1) == {"activity_needs_slot"}
    held = verdicts(alone(Repair.SLOT_UNTIL_IDLE), 1, PROGRAM, ["activity_needs_slot"], stops=1)
    assert held["activity_needs_slot"] is Verdict.HELD


@pytest.mark.slow
def test_with_a_lost_heartbeat_no_session_fails_and_no_workflow_is_canceled() -> None:
    assert broken(ALL, 1, PROGRAM, lost_requests=1) == set()
    assert "failure_is_failure" in broken((), 1, PROGRAM, ["failure_is_failure"], lost_requests=1)
    assert broken(alone(Repair.FAILURE_NOT_CANCELED), 1, PROGRAM, ["failure_is_failure"], lost_requests=1) == set()


@pytest.mark.slow
def test_with_a_lost_answer_a_session_is_bound_once() -> None:
    assert broken(alone(Repair.SIGNAL_UNTIL_KNOWN), 2, PROGRAM, ["one_binding"], lost_responses=1) == set()
    assert broken((), 2, PROGRAM, ["one_binding"], lost_responses=1) == {"one_binding"}


@pytest.mark.slow
def test_a_session_that_failed_is_not_replaced_while_its_work_goes_on() -> None:
    """With one crash: what is left of `exclusive_work` needs an ExecutionTimeout that comes before the work is over."""
    assert broken(ALL, 2, AGAIN, crashes=1) <= {"exclusive_work"}


SHORT = [
    {
        "op": "until_ok",
        "times": 2,
        "ms": 0,
        "steps": [
            {"op": "create", "as": "s", "creation": "40s", "execution": "60s"},
            {"op": "act", "in": "s", "work": {"name": "work", "ms": 30_000, "obey": True}},
            {"op": "complete", "in": "s"},
        ],
    }
]
"""Time enough for a second session, in few ticks; the activity ends when its context does."""


@pytest.mark.slow
def test_with_a_clock_what_obeys_is_over_before_its_session_is_replaced() -> None:
    """Time passes in ticks: so ExecutionTimeout comes after the work is over, and what is left of `exclusive_work` is decided."""
    ticks = Ticks(10_000_000)
    assert verdicts((), 2, SHORT, ["exclusive_work"], ticks, stops=1) == {"exclusive_work": Verdict.BROKEN}
    assert verdicts(ALL, 2, SHORT, ["exclusive_work"], ticks, stops=1) == {"exclusive_work": Verdict.HELD}
