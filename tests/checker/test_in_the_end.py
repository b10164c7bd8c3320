"""What comes in the end in clusters of sessions: planted bugs that keep it from coming for ever, and lassos that are runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim import Scenario
from sim.checker.liveness import InTheEnd, Lasso
from sim.checker.result import Verdict
from sim.model.inputs import Deliver
from sim.model.outcomes import outcomes
from sim.properties.pending import SENTENCES, Pending
from sim.protocol import observations as obs
from sim.scenario.checked import Bounds, system_of
from sim.scenario.liveness import Pends, in_the_end, is_fair, waiting
from sim.scenario.toml import to_toml
from sim.workflow import seen
from tests.checker.test_sessions import PROGRAM, scenario_of
from tests.cli.test_run import sim

ALONE = [PROGRAM[0], {"op": "complete", "in": "s"}]


def with_bugs(scenario: Scenario, *mutants: str) -> Scenario:
    tables = scenario.to_dict()
    tables["workers"][0]["mutants"] = list(mutants)
    return Scenario.from_dict(tables)


def judged(
    size: tuple[int, int, int], *mutants: str, program: Any = PROGRAM, only: Any = tuple(SENTENCES), **budgets: int
) -> dict[str, InTheEnd]:
    scenario = with_bugs(scenario_of(*size, program), *mutants)
    found = in_the_end(scenario, system_of(scenario, Bounds(**budgets), []), only)
    for promise, end in found.items():
        if end.lasso is not None:
            is_a_run(scenario, budgets, promise, end.lasso)
    return found


def is_a_run(scenario: Scenario, budgets: dict[str, int], promise: str, lasso: Lasso) -> None:
    """Its steps can be made one after the other; on its cycle something is due all the time; at its end nothing fair is possible."""
    world = waiting(scenario, system_of(scenario, Bounds(**budgets), []), [promise]).world
    states = {world.initial()}
    for choice in lasso.stem:
        states = {after for state in states if choice in set(world.enabled(state)) for _, after in world.apply(state, choice)}
        assert states
    due = {state for state in states if Pends(promise)(state)}
    assert due
    if not lasso.cycle:
        assert any(not [choice for choice in world.enabled(state) if is_fair(choice)] for state in due)
        return
    ends = set(due)
    for choice in lasso.cycle:
        ends = {after for state in ends if choice in set(world.enabled(state)) for _, after in world.apply(state, choice)}
        ends = {state for state in ends if Pends(promise)(state)}
    assert ends & due


def verdicts(found: dict[str, InTheEnd]) -> dict[str, str]:
    return {promise: end.verdict.value for promise, end in found.items()}


def test_without_faults_everything_comes() -> None:
    assert verdicts(judged((1, 1, 1))) == {
        "workflows_finish": "held", "creation_returns": "held", "completion_frees_slot": "held", "failure_is_seen": "not exercised",
    }  # fmt: skip


@pytest.mark.parametrize(
    "budgets", [{"stops": 1}, *(pytest.param(b, marks=pytest.mark.slow) for b in ({"lost_requests": 1}, {"lost_responses": 1}))], ids=str
)
def test_with_one_fault_everything_comes(budgets: dict[str, int]) -> None:
    """Of runs on which the only worker has stopped nothing is said."""
    assert "broken" not in verdicts(judged((1, 1, 1), **budgets)).values()


@pytest.mark.slow
def test_a_worker_that_dies_is_noticed_and_the_workflow_ends_on_the_other() -> None:
    assert set(verdicts(judged((2, 1, 1), crashes=1)).values()) == {"held"}


def nobody_takes_sessions(*mutants: str) -> Scenario:
    """One worker without a session worker: the creation activity times out."""
    tables = with_bugs(scenario_of(1, 1, 1, ALONE), *mutants).to_dict()
    tables["workers"][0]["enable_session_worker"] = False
    return Scenario.from_dict(tables)


def test_a_creation_that_waits_for_the_signal_only_never_returns() -> None:
    promises = ["creation_returns", "workflows_finish"]
    for mutants, verdict in (((), "held"), (("creation_failure_not_awaited",), "broken")):
        scenario = nobody_takes_sessions(*mutants)
        found = in_the_end(scenario, system_of(scenario, Bounds(), []), promises)
        assert verdicts(found) == dict.fromkeys(promises, verdict)
        for promise in promises if mutants else ():
            lasso = found[promise].lasso
            assert lasso is not None
            is_a_run(scenario, {}, promise, lasso)


@pytest.mark.slow
def test_a_full_worker_lets_such_a_creation_wait_for_ever() -> None:
    """The only slot is taken until the other's creation has timed out."""
    found = judged((1, 1, 2), "creation_failure_not_awaited", only=["creation_returns", "workflows_finish"])
    assert verdicts(found) == {"creation_returns": "broken", "workflows_finish": "broken"}
    assert "broken" not in verdicts(judged((1, 1, 2))).values()


@pytest.mark.slow
def test_a_watcher_that_ignores_failures_never_lets_the_session_fail() -> None:
    found = judged((2, 1, 1), "watcher_ignores_failures", crashes=1, only=["failure_is_seen"])["failure_is_seen"]
    assert found.lasso is not None
    assert any("crash" in choice.label() for choice in found.lasso.stem)


@pytest.mark.slow
def test_a_token_that_is_kept_is_never_free() -> None:
    """The heartbeat is lost, and so is the news that the session failed: then the workflow completes what is gone."""
    bug = "token_kept_on_heartbeat_abort"
    assert verdicts(judged((1, 1, 1), bug, lost_requests=2, retries=0, program=LATE, only=["completion_frees_slot"])) == {
        "completion_frees_slot": "broken"
    }
    assert verdicts(judged((1, 1, 1), lost_requests=2, retries=0, program=LATE, only=["completion_frees_slot"])) == {
        "completion_frees_slot": "held"
    }


LATE = [PROGRAM[0], {"op": "sleep", "ms": 60_000}, {"op": "complete", "in": "s"}]


def heard(promise: str, *observations: tuple[str, object]) -> Pending:
    """What is due after these, by whom and what."""
    node = Pending(promise)
    for source, observation in observations:
        (result,) = outcomes(Pending, "p", node.snapshot(), Deliver(observation, source))
        node.restore(result.state)
    return node


TAKEN = ("w.1/w", obs.TokenTaken("w", "s", "r", 1, 0))
RETURNED = ("w.1/w", obs.TokenReturned("w", "s", "r", 1, 1))
COMPLETED = ("w.1/w", seen.SessionCompleteReturned("r", "s", ""))
CREATED = ("w.1/w", seen.SessionCreated("r", "s", "q", "h"))
KILLED = ("operator", obs.FaultHappened("kill", "w", "w.1"))
FAILED = ("w.1/w", seen.SessionStateChanged("r", "s", "Open", "Failed", ""))


@pytest.mark.parametrize(
    ("promise", "observations", "due"),
    [
        ("completion_frees_slot", (TAKEN, COMPLETED), {"s"}),
        ("completion_frees_slot", (TAKEN, COMPLETED, RETURNED), set()),
        ("completion_frees_slot", (TAKEN, RETURNED, COMPLETED), set()),
        ("completion_frees_slot", (TAKEN, COMPLETED, KILLED), set()),
        ("failure_is_seen", (TAKEN, CREATED, KILLED), {"s"}),
        ("failure_is_seen", (TAKEN, KILLED, CREATED), set()),
        ("failure_is_seen", (TAKEN, CREATED, KILLED, FAILED), set()),
        ("failure_is_seen", (TAKEN, CREATED, ("w.1/w", seen.SessionCompleteCalled("r", "s", "Open")), KILLED), set()),
        ("creation_returns", (("w.1/w", seen.SessionAsked("r", "s", "q", False, 1, 1, 1)),), {"s"}),
        ("creation_returns", (("w.1/w", seen.SessionAsked("r", "s", "q", False, 1, 1, 1)), CREATED), set()),
        ("workflows_finish", (("x", obs.WorkflowStarted("r", "job", "t", "q")),), {"job"}),
        ("workflows_finish", (("x", obs.WorkflowStarted("r", "job", "t", "q")), ("x", obs.WorkflowClosed("r", "job", "COMPLETED"))), set()),
        (
            "workflows_finish",
            (("x", obs.WorkflowStarted("r", "job", "t", "q")), ("x", obs.WorkflowClosed("r", "job", "X", None, "n"))),
            {"job"},
        ),
    ],
)
def test_what_is_due(promise: str, observations: tuple[tuple[str, object], ...], due: set[str]) -> None:
    assert heard(promise, *observations).due == due


def test_too_many_states_leave_it_undecided() -> None:
    scenario = scenario_of(1, 1, 1, PROGRAM)
    found = in_the_end(scenario, system_of(scenario, Bounds(), []), ["workflows_finish"], limit=10)["workflows_finish"]
    assert (found.verdict, found.lasso) == (Verdict.UNDECIDABLE, None)
    assert "more than 10 states" in found.why


def test_the_command_shows_the_lasso(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text(to_toml(nobody_takes_sessions("creation_failure_not_awaited").to_dict()))
    words = ("check", str(path), "--time", "untimed", "--property", "slot_limit", "--liveness")
    done = sim(*words, "--json")
    assert done.exit_code == 4, done.output
    row = json.loads(done.stdout)["properties"]["creation_returns"]
    assert (row["verdict"], row["confirmed"], row["cycle"]) == ("broken", False, [])
    assert row["length"] == len(row["path"])
    told = sim(*words)
    assert "✗ creation_returns" in told.stdout
    assert "nothing can happen any more" in told.stdout
    clocked = sim(*words[:2], "--liveness")
    assert clocked.exit_code == 2
    assert "--time untimed" in clocked.stderr
