"""Duties of workflow code: each is broken by a workflow with a mistake, and by none without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim import Scenario, run
from sim.properties import ALL, DUTIES, KNOWN

MISTAKES = Path(__file__).parents[1] / "testing" / "mistakes"

CREATE = {"op": "create", "as": "s", "creation": "1m", "execution": "30s"}
WORK = {"op": "act", "in": "s", "activity": "work", "hb": "10s"}
COMPLETE = {"op": "complete", "in": "s"}
AGAIN = {"op": "until_ok", "times": 2, "ms": 0, "steps": [{**WORK, "in": "root"}]}
CANCEL = {"kind": "cancel", "target": "job", "at": "5s"}
KILL = {"kind": "kill", "target": "@session:job", "at": "5s"}


def judged(program: list[dict[str, Any]] | str, *faults: dict[str, Any]) -> dict[str, str]:
    """What the duties say of a workflow, a program or a function in the file of a mistake."""
    workflow: dict[str, Any] = {"id": "job", "program": program}
    modules = {}
    if isinstance(program, str):
        file = program.partition(":")[0]
        workflow, modules = {"id": "job", "workflow": program, "input": "x"}, {file: (MISTAKES / file).read_text("utf-8")}
    activity = {"duration": "12s", "heartbeat_every": "2s", "obeys_cancellation": True}
    names = ("work", "download", "encode", "shrink", "convert", "drop_scratch_tables")
    tables = {
        "name": "duties",
        "until": "30m",
        "workers": [{"name": "w", "count": 2}],
        "activities": dict.fromkeys(names, activity),
        "workflows": [workflow],
        "modules": modules,
        "faults": list(faults),
    }
    result = run(Scenario.from_dict(tables), 1, properties=list(DUTIES))
    return {name: result.properties[name] for name in DUTIES if result.properties[name] == "broken"}


FORGETS_AND_WAITS = [CREATE, WORK, {"op": "sleep", "ms": 60000}]
PAUSE = {"kind": "pause_activity", "target": "job", "activity": "work", "at": "5s"}


@pytest.mark.parametrize(
    ("duty", "mistaken", "corrected", "faults"),
    [
        ("session_is_completed", [CREATE, WORK], [CREATE, WORK, COMPLETE], ()),
        ("session_is_completed", FORGETS_AND_WAITS, [*FORGETS_AND_WAITS[:2], COMPLETE, FORGETS_AND_WAITS[2]], ()),
        ("cancel_is_obeyed", "cancel_as_loss.py:mistaken", "cancel_as_loss.py:corrected", (CANCEL,)),
        ("cancelled_context_unused", "cleanup_on_cancelled.py:mistaken", "cleanup_on_cancelled.py:corrected", (CANCEL,)),
        ("cancelled_context_unused", [CREATE, WORK, COMPLETE, {**WORK, "ignore": True}], [CREATE, WORK, WORK, COMPLETE], ()),
    ],
)
def test_notices_and_is_silent_without_it(duty: str, mistaken: Any, corrected: Any, faults: tuple[dict[str, Any], ...]) -> None:
    assert judged(mistaken, *faults) == {duty: "broken"}
    assert judged(corrected, *faults) == {}
    assert judged(corrected, *faults, KILL) == {}


@pytest.mark.parametrize(("fault", "says"), [(CANCEL, "unless its context is cancelled"), (KILL, "or it has failed")])
def test_a_session_need_not_be_completed_where_the_sentence_says_so(fault: dict[str, Any], says: str) -> None:
    assert says in KNOWN["session_is_completed"].sentence
    assert judged([CREATE, WORK], fault) == {}


def module(body: str) -> Scenario:
    """A scenario with this workflow, whose cancellation is requested after 5 s."""
    text = (
        "from sim import workflow\n"
        "from sim.workflow import *\n"
        "async def flow(ctx, argument):\n"
        "    ctx = with_activity_options(ctx, ActivityOptions(start_to_close_timeout=minutes(1), heartbeat_timeout=seconds(10)))\n"
    )
    return Scenario.from_dict(
        {
            "name": "duties",
            "until": "10m",
            "workers": [{"name": "w"}],
            "activities": {"work": {"duration": "12s", "heartbeat_every": "2s", "obeys_cancellation": True}},
            "workflows": [{"id": "job", "workflow": "flow.py:flow"}],
            "modules": {"flow.py": text + "".join(f"    {line}\n" for line in body.splitlines())},
            "faults": [CANCEL],
        }
    )


BEGINS_AGAIN = """
try:
    await execute_activity(ctx, "work", 1).get(ctx)
except CanceledError:
    apart, _ = new_disconnected_context(ctx)
    await execute_activity(apart, "work", ARGUMENT).get(apart)
"""


@pytest.mark.parametrize(("argument", "verdict"), [("1", "broken"), ("2", "held")])
def test_the_same_work_on_another_context_is_begun_again(argument: str, verdict: str) -> None:
    """With another argument it may be clean-up."""
    result = run(module(BEGINS_AGAIN.replace("ARGUMENT", argument)), 1, properties=["cancel_is_obeyed"])
    assert result.properties == {"cancel_is_obeyed": verdict}
    if verdict == "broken":
        assert result.verdicts["cancel_is_obeyed"].violations[0].message == (
            "job was cancelled, which ended `work`, and begins it again as if a worker had been lost (flow.py, line 10, in flow)"
        )


def test_what_is_asked_for_before_any_error_is_nobodys_mistake() -> None:
    """The cancellation and the end of an activity come in one workflow task: the next is asked for on a cancelled context."""
    body = "await sleep(ctx, seconds(ARGUMENT))\nawait execute_activity(ctx, 'work').get(ctx)"
    scenario = module(body.replace("ARGUMENT", "5") + "\n")
    for microseconds in range(0, 12_000, 500):
        tables = scenario.to_dict()
        tables["faults"][0]["at"] = f"{5_000_000 + microseconds}us"
        result = run(Scenario.from_dict(tables), 1, properties=["cancelled_context_unused"])
        assert result.properties["cancelled_context_unused"] != "broken"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("raise KeyError('file')", "WORKFLOW_WORKER_UNHANDLED_FAILURE: KeyError: 'file' (flow.py, line 5, in flow)"),
        (
            "await sleep(new_disconnected_context(ctx), seconds(1))",
            "expected a context and got the pair (context, function that cancels it) which with_cancel and new_disconnected_context give: "
            "write `ctx, cancel = ...` (flow.py, line 5, in flow)",
        ),
        ("await execute_activity(with_activity_options(ctx, ActivityOptions()), 'work').get(ctx)", "BAD_SCHEDULE_ACTIVITY_ATTRIBUTES"),
    ],
)
def test_a_workflow_task_that_fails(body: str, says: str) -> None:
    verdict = run(module(body), 1, properties=["workflow_task_succeeds"]).verdicts["workflow_task_succeeds"]
    assert says in verdict.violations[0].message
    healthy = run(module("await sleep(ctx, seconds(1))"), 1, properties=["workflow_task_succeeds"])
    assert healthy.properties == {"workflow_task_succeeds": "held"}


def test_duties_are_judged_when_they_are_named_and_only_then() -> None:
    assert not set(DUTIES) & set(ALL)
    assert set(DUTIES) < set(KNOWN)
    scenario = module("await sleep(ctx, seconds(1))")
    assert not set(DUTIES) & set(run(scenario, 1).properties)
    named = Scenario.from_dict({**scenario.to_dict(), "properties": {"enable": ["session_is_completed"]}})
    assert list(run(named, 1).properties) == ["session_is_completed"]
