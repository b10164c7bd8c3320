"""Checks of one's own: plain functions that look at what a run came to."""

from __future__ import annotations

from typing import Any

import pytest

from sim import Scenario, run
from sim.properties import KNOWN
from sim.properties.account import Account
from sim.properties.own import check, named

SCENARIO = Scenario.from_dict(
    {
        "name": "own",
        "workers": [{"name": "w", "count": 2}],
        "activities": {"upload": {"duration": "20s"}},
        "workflows": [
            {
                "id": "job",
                "program": [
                    {"op": "create", "as": "s", "creation": "1m", "execution": "10m"},
                    {"op": "act", "in": "s", "work": {"name": "first", "ms": 5000, "fail": "retryable"}, "attempts": 2, "ignore": True},
                    {"op": "act", "in": "s", "activity": "upload"},
                    {"op": "complete", "in": "s"},
                ],
            }
        ],
        "faults": [{"kind": "cancel", "target": "job", "at": "20s"}],
    }
)


def test_an_account_has_workflows_activities_and_histories() -> None:
    seen: list[Account] = []
    run(SCENARIO, 1, properties=[check(seen.append)])
    (account,) = seen
    workflow = account.workflows["job"]
    assert (workflow.status, workflow.cancel_requested, workflow.outcome) == ("CANCELED", True, None)
    assert workflow.ended_us is not None
    assert workflow.started_us < 20_000_000 <= workflow.ended_us < account.ended_us
    assert account.statuses == {"CANCELED": 1}
    first, upload = account.all_activities
    assert (first.workflow, first.type, first.session, first.how) == ("job", "DoWork", "job/1/s1", "failed: failed as asked")
    assert [attempt.outcome.partition(":")[0] for attempt in first.attempts.values()] == ["failed", "failed"]
    assert first.completions == 0
    # It hears of no cancellation, and does its work to the end, though the workflow is over.
    assert [activity.type for activity in account.activities("upload")] == ["upload"]
    assert upload.how == ""
    assert account.completions("upload") == 1
    assert account.completions("upload", "another file") == 0
    (history,) = account.histories.values()
    assert type(history[0].event).__name__ == "WorkflowExecutionStarted"


def fails(account: Account) -> None:
    """It fails,
    always.

    And this is no part of the sentence.
    """
    assert not account.workflows, "there is one"


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (fails, "there is one"),
        (lambda account: False, "the check says False"),
        (lambda account: "this is wrong", "this is wrong"),
        (lambda account: account.workflows["other"], "KeyError: 'other'"),
        (lambda account: None, None),
        (lambda account: True, None),
    ],
)
def test_how_a_function_says_no(function: Any, says: str | None) -> None:
    verdict = next(iter(run(SCENARIO, 1, properties=[check(function)]).verdicts.values()))
    assert [violation.message.splitlines()[0] for violation in verdict.violations] == ([] if says is None else [says])


def test_its_name_and_sentence() -> None:
    assert (check(fails).name, check(fails).sentence) == ("fails", "It fails, always.")


def test_a_property_is_known_by_its_name_for_a_while() -> None:
    one, known = check(fails), dict(KNOWN)
    with named([one, KNOWN["slot_limit"]]):
        assert run(SCENARIO, 1, properties=["fails", "slot_limit"]).properties == {"fails": "broken", "slot_limit": "not exercised"}
    assert known == KNOWN
    with pytest.raises(ValueError, match="there is no property fails"):
        run(SCENARIO, 1, properties=["fails"])
    with pytest.raises(ValueError, match="two properties are called 'fails'"):
        run(SCENARIO, 1, properties=[one, check(fails)])
    with named([one]), pytest.raises(ValueError, match="there is a property 'fails' already"), named([check(fails)]):
        pass
