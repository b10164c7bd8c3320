"""What every kind of fault does to a cluster: PROTOCOL.md 3.11, 3.9 and the scenarios of section 7.

Two workers of two slots, every message takes 1 ms; the session is created within 20 ms, its worker is w1 or w2. Heartbeats
of the session go out every 6.67 s, the budget of one is 8 s, the server's patience 20 s (P8.5).
"""

from __future__ import annotations

from typing import Any

import pytest

from sim import RunResult, run
from sim.history.events import Wrote
from sim.protocol import observations as obs
from sim.workflow import seen as wf
from tests.scenario.watching import CREATE, DEFER, HAPPY, Seen, act, histories, scenario, watch

KINDS = (
    obs.FaultHappened, obs.WorkerStarted, obs.WorkerStopping, obs.WorkerStopped, obs.TokenTaken, obs.TokenReturned,
    obs.HeartbeatRecorded, obs.AttemptBegan, obs.AttemptEnded, obs.AttemptRetried, obs.ActivityClosed, obs.WorkflowClosed,
    wf.SessionAsked, wf.SessionCreated, wf.SessionStateChanged,
)  # fmt: skip

LONG = [CREATE, DEFER, act(60_000)]

APART: dict[str, Any] = {
    "workers": [
        {"name": "s", "disable_workflow_worker": True, "max_concurrent_session_execution_size": 2},
        {"name": "f", "enable_session_worker": False},
    ]
}
"""Sessions on one worker, workflow code on another that no fault hits: no workflow task gets lost on the way."""


def after(fault: dict[str, Any], program: list[dict[str, Any]] | None = None, **more: Any) -> tuple[Seen, RunResult]:
    """Run with one fault; it begins at 8 s and hits the session's worker, unless it says otherwise."""
    when = {} if {"at", "moment", "every"} & fault.keys() else {"at": "8s"}
    target = {} if fault["kind"] == "server_outage" else {"target": "@busy"}
    seen, result = watch(scenario(LONG if program is None else program, faults=[{**target, **when, **fault}], **more), *KINDS)
    assert result.faults[0] > 0
    return seen, result


def failed_at(seen: Seen) -> float:
    (time,) = seen.times(wf.SessionStateChanged, after="Failed")
    return time


def test_kill_closes_connections() -> None:
    seen, result = after({"kind": "kill"})
    # The last heartbeat was recorded at 6.68 s.
    assert failed_at(seen) == pytest.approx(26.7, abs=0.1)
    assert result.statuses == {"CANCELED": 1}


@pytest.mark.parametrize(("kind", "began"), [("kill", 12.0), ("lose_machine", 22.0)])
def test_polls_of_a_lost_machine_stay_and_swallow_a_task(kind: str, began: float) -> None:
    """The workflow task goes to the oldest poll: a dead machine's, until it times out after 10 s."""
    workers = [{"name": "a"}, {"name": "b", "start_at": "10s"}]
    content: dict[str, Any] = {"workflows": [{"id": "w", "program": [CREATE, DEFER], "arrival": {"at": "12s"}}], "workers": workers}
    seen, _ = after({"kind": kind, "target": "a", "at": "5s"}, **content)
    assert seen.times(wf.SessionAsked) == pytest.approx([began], abs=0.1)


def test_for_and_restart_after() -> None:
    for seen, _ in (
        after({"kind": "kill", "for": "3s"}),
        after({"kind": "restart", "delay": "3s"}),
        after({"kind": "kill"}, workers=[{"name": "w", "count": 2, "restart_after": "3s"}]),
    ):
        assert seen.times(obs.WorkerStarted) == [0.0, 0.0, 11.0]
        assert seen.all[-1][2] is not None
    assert len(after({"kind": "kill"})[0].times(obs.WorkerStarted)) == 2


def test_a_worker_that_only_a_fault_starts() -> None:
    workers = [{"name": "a", "disable_workflow_worker": False}, {"name": "b", "start_at": "never"}]
    seen, _ = after({"kind": "start", "target": "b"}, HAPPY, workers=workers)
    assert seen.times(obs.WorkerStarted) == [0.0, 8.0]


def test_graceful_stop_reports_the_failure_if_it_waits() -> None:
    workers = [{"name": "w", "count": 2, "worker_stop_timeout": "10s"}]
    seen, _ = after({"kind": "stop"}, workers=workers)
    assert failed_at(seen) == pytest.approx(8.0, abs=0.1)
    assert len(seen.times(obs.WorkerStopped)) == 1
    assert len(seen.faults("exit")) == 1


def test_graceful_stop_without_patience_is_like_a_crash() -> None:
    """P3.8.1 (iv): the process is gone before the report is out."""
    seen, _ = after({"kind": "stop"})
    assert failed_at(seen) == pytest.approx(26.7, abs=0.1)


def test_a_stop_need_not_end_the_process() -> None:
    seen, _ = after({"kind": "stop", "exits": False})
    assert len(seen.times(obs.WorkerStopped)) == 1
    assert seen.faults("exit") == []
    # Without the exit the report gets out.
    assert failed_at(seen) == pytest.approx(8.0, abs=0.1)


def test_a_stop_that_is_over_ends_the_process_and_starts_it_again() -> None:
    """Also where the process would have lived on, with workers that are stopped for good."""
    for length in ("100us", "3s"):
        seen, _ = after({"kind": "stop", "exits": False, "for": length}, workers=[{"name": "w", "count": 1}])
        (stopped,), (gone,) = seen.times(obs.WorkerStopped), seen.faults("exit")
        _, again = seen.times(obs.WorkerStarted)
        assert stopped < gone <= again
        assert again == pytest.approx(8 + max(stopped - 8, 3.0 if length == "3s" else 0.0), abs=0.1)


def test_a_stop_that_is_over_leaves_a_process_alone_that_was_started_since() -> None:
    stop = {"kind": "stop", "target": "w", "at": "8s", "for": "9s", "exits": False}
    faults = [stop, {"kind": "kill", "target": "w", "at": "9s"}, {"kind": "start", "target": "w", "at": "10s"}]
    seen, _ = watch(scenario(LONG, workers=[{"name": "w", "count": 1}], faults=faults), *KINDS)
    assert seen.times(obs.WorkerStarted) == [0.0, 10.0]
    assert seen.faults("exit") == []


def test_graceful_restart_waits_for_the_end() -> None:
    workers = [{"name": "w", "count": 2, "worker_stop_timeout": "10s"}]
    seen, _ = after({"kind": "restart", "graceful": True, "delay": "1s"}, workers=workers)
    (gone,) = seen.faults("exit")
    (again,) = seen.times(obs.WorkerStarted)[2:]
    # The activity does not obey, so Stop waits its 10 s for it.
    assert gone > 17
    assert again == pytest.approx(max(9.0, gone), abs=0.01)


def test_a_short_pause_is_survived_and_a_long_one_is_not() -> None:
    seen, result = after({"kind": "pause", "for": "5s"}, HAPPY)
    assert result.statuses == {"COMPLETED": 1}
    seen, result = after({"kind": "pause", "for": "40s"}, **APART)
    assert failed_at(seen) == pytest.approx(26.7, abs=0.1)
    # What came due during the pause happens at its end, and then the worker learns that its session is gone.
    (returned,) = seen.times(obs.TokenReturned)
    assert returned == pytest.approx(48.0, abs=0.1)


def test_slow_down_stretches_what_the_worker_does_itself() -> None:
    steps = [CREATE, DEFER, {"op": "act", "in": "s", "activity": "a"}]
    activities = {"a": {"duration": "10s"}}
    seen, _ = after({"kind": "slow_down", "factor": 3, "target": "w1", "at": "0s"}, steps, count=1, activities=activities,
                    workers=[{"name": "w1"}])  # fmt: skip
    (began,), (ended,) = seen.times(obs.AttemptBegan, activity_type="a"), seen.times(obs.AttemptEnded, activity_type="a")
    assert ended - began == pytest.approx(30.0, abs=0.01)


def test_partition_both_ways() -> None:
    """The worker gives up by itself (13.3 s + 8 s), its report waits; the server times out 20 s after the last heartbeat."""
    seen, _ = after({"kind": "partition", "for": "60s"}, **APART)
    assert failed_at(seen) == pytest.approx(26.7, abs=0.1)
    assert seen.times(obs.TokenReturned)[0] == pytest.approx(21.35, abs=0.1)


def test_partition_of_the_way_up() -> None:
    seen, _ = after({"kind": "partition", "direction": "up", "for": "60s"}, **APART)
    assert failed_at(seen) == pytest.approx(26.7, abs=0.1)


def test_partition_of_the_way_down() -> None:
    """Heartbeats count on the server, but the worker sees no answer: its report gets in at heartbeat + budget."""
    seen, _ = after({"kind": "partition", "direction": "down", "for": "60s"}, **APART)
    assert len(seen.times(obs.HeartbeatRecorded)) == 2
    assert failed_at(seen) == pytest.approx(21.35, abs=0.1)


def test_a_partition_outlives_a_restart() -> None:
    faults = [
        {"kind": "partition", "target": "w1", "at": "1s", "for": "20s"},
        {"kind": "restart", "target": "w1", "at": "2s", "delay": "1s"},
    ]
    content = {"workers": [{"name": "w1"}], "workflows": [{"id": "w", "program": [CREATE, DEFER], "arrival": {"at": "5s"}}]}
    seen, _ = watch(scenario(faults=faults, **content), *KINDS)
    assert seen.times(wf.SessionAsked) == pytest.approx([21.0], abs=0.1)


SIGNAL = {"method": "SignalWorkflowExecution", "target": "@there", "moment": "creation activity started"}
CREATION = {"activity_type": "internalSessionCreationActivity"}


def signals(result: RunResult) -> int:
    return histories(result).count("WorkflowExecutionSignaled")


def signal_fault(fault: dict[str, Any]) -> tuple[Seen, RunResult]:
    """A fault on the signal of the creation activity, with histories."""
    seen = Seen(*KINDS)
    one = scenario(LONG, faults=[{**SIGNAL, **fault}])
    return seen, run(one, 1, observers=[seen], histories=True)


def test_signal_not_delivered() -> None:
    """P7 scenario 12: nothing in the history; attempt 2 signals."""
    seen, result = signal_fault({"kind": "lose_request"})
    assert signals(result) == 1
    assert len(seen.times(obs.TokenTaken)) == 2
    assert seen.times(wf.SessionCreated) == pytest.approx([11.0], abs=0.1)


@pytest.mark.parametrize("kind", ["lose_request", "lose_response"])
def test_a_broken_connection_is_noticed_and_the_call_tried_again(kind: str) -> None:
    """P3.9: Unavailable is repeated inside the budget with the same request id, after 0.4 s give or take a fifth."""
    seen, result = signal_fault({"kind": kind, "noticed_after": "1500ms"})
    assert signals(result) == 1
    assert len(seen.times(obs.TokenTaken)) == 1
    expected = 1.9 if kind == "lose_request" else 0.0
    assert seen.times(wf.SessionCreated) == pytest.approx([expected], abs=0.12)


def test_waits_between_tries_are_a_tenth_of_the_callers_time_at_most() -> None:
    """P3.9.3: with 3 s for the creation activity the waits are 0.3 s, not 0.4 and 0.8 s, and its budget of 1.5 s takes two of them."""
    fault = {**SIGNAL, "kind": "lose_request", "noticed_after": "200ms", "calls": 2}
    program = [{**CREATE, "execution": "3s"}, DEFER, act(1_000)]
    seen = Seen(*KINDS)
    result = run(scenario(program, faults=[fault]), 1, observers=[seen], histories=True)
    assert signals(result) == 1
    assert len(seen.times(obs.TokenTaken)) == 1
    assert seen.times(wf.SessionCreated) == pytest.approx([1.0], abs=0.13)


def test_signal_delivered_and_the_answer_lost() -> None:
    """P7 scenario 11: the workflow is bound to the first, the second attempt signals again."""
    seen, result = signal_fault({"kind": "lose_response"})
    assert signals(result) == 2
    assert len(seen.times(obs.TokenTaken)) == 2
    assert seen.times(wf.SessionCreated) == pytest.approx([0.0], abs=0.1)


def test_only_the_answer_to_that_call_is_lost() -> None:
    """Answers are told apart by what was asked: polls and heartbeats go on."""
    seen, _ = signal_fault({"kind": "lose_response"})
    assert len(seen.times(obs.HeartbeatRecorded)) > 3


def test_signal_delivered_twice() -> None:
    """P7 scenario 13: one request id, one event."""
    seen, result = signal_fault({"kind": "duplicate_request"})
    assert signals(result) == 1
    assert len(seen.times(obs.TokenTaken)) == 1


@pytest.mark.parametrize("kind", ["delay_request", "delay_response"])
def test_signal_late(kind: str) -> None:
    seen, result = signal_fault({"kind": kind, "delay": "4s"})
    assert signals(result) == 1
    assert len(seen.times(obs.TokenTaken)) == 1
    late = 4.0 if kind == "delay_request" else 0.0
    assert seen.times(wf.SessionCreated) == pytest.approx([late], abs=0.1)


def test_signal_answered_with_an_error() -> None:
    """P2.3: any error of the signal is retried, even one that is permanent; Unavailable already within the call."""
    seen, result = signal_fault({"kind": "error", "code": "PermissionDenied"})
    assert (signals(result), len(seen.times(obs.TokenTaken))) == (1, 2)
    assert seen.times(wf.SessionCreated) == pytest.approx([1.0], abs=0.1)
    seen, result = signal_fault({"kind": "error"})
    assert (signals(result), len(seen.times(obs.TokenTaken))) == (1, 1)
    assert seen.times(wf.SessionCreated) == pytest.approx([0.4], abs=0.1)


def test_one_heartbeat_lost_ends_the_session() -> None:
    """P3.6.5: a call that exhausts its budget aborts the session on the worker, and the report gets in."""
    seen, _ = after({"kind": "lose_response", "method": "RecordActivityTaskHeartbeat", "nth": 2, "at": "1s"})
    assert failed_at(seen) == pytest.approx(13.34 + 8, abs=0.1)


def test_a_poll_answer_lost_loses_the_task() -> None:
    """P3.9, P7 scenario 6: started on the server, never run; heartbeat timeout, creation fails."""
    fault = {"kind": "lose_response", "method": "PollActivityTaskQueue", "queue": "tasks__internal_session_creation", "target": "w1"}
    seen, result = after({**fault, "at": "0s"}, workers=[{"name": "w1", "start_at": "1ms"}])
    assert seen.times(obs.TokenTaken) == []
    assert result.workflows[0].outcome == "Activity(internalSessionCreationActivity) <- Timeout(Heartbeat)"


def test_calls_are_counted_and_faults_end() -> None:
    """Without a number of calls a fault that lasts hits every call until its end."""
    fault = {"kind": "error", "method": "RecordActivityTaskHeartbeat", "code": "NotFound"}
    steps = [CREATE, DEFER, act(30_000)]
    assert failed_at(after({**fault, "nth": 2, "at": "1s"}, steps)[0]) == pytest.approx(13.34, abs=0.1)
    assert failed_at(after({**fault, "at": "10s", "for": "10s"}, steps)[0]) == pytest.approx(13.34, abs=0.1)
    assert after({**fault, "at": "10s", "for": "2s"}, steps)[1].statuses == {"COMPLETED": 1}


def test_short_outage_is_survived() -> None:
    _, result = after({"kind": "server_outage", "for": "4s"}, HAPPY)
    assert result.statuses == {"COMPLETED": 1}


def test_long_outage_ends_the_session() -> None:
    """P2.4 (k): longer than 8 s from a heartbeat on, so the worker gives up; its report is tried for 10 s more."""
    seen, _ = after({"kind": "server_outage", "at": "12s", "for": "12s"}, **APART)
    assert seen.times(obs.TokenReturned)[0] == pytest.approx(20.8, abs=0.6)
    (closed,) = seen.times(obs.ActivityClosed, **CREATION)
    assert closed == pytest.approx(24.5, abs=0.7)
    # Pollers, too, have to come back: they wait up to 10 s between their tries.
    assert closed < failed_at(seen) < closed + 10.5


def test_a_fast_clock_beats_faster() -> None:
    seen, _ = after({"kind": "clock", "target": "w1", "at": "0s", "drift_ppm": 1_000_000}, HAPPY, workers=[{"name": "w1"}])
    first, second = seen.times(obs.HeartbeatRecorded)[:2]
    assert second - first == pytest.approx(6.667 / 2, abs=0.05)


def test_a_clock_that_is_wrong_cuts_activities_short() -> None:
    """P3.9.1, P8.4: the deadline comes from the server's timestamp, and the worker's wall clock is ahead of it."""
    steps = [CREATE, DEFER, act(20_000, schtc="60s")]
    assert after({"kind": "clock", "skew": "55s", "at": "0s", "target": "w1"}, steps, workers=[{"name": "w1"}])[1].statuses != {
        "COMPLETED": 1
    }
    assert after({"kind": "clock", "skew": "5s", "at": "0s", "target": "w1"}, steps, workers=[{"name": "w1"}])[1].statuses == {
        "COMPLETED": 1
    }


@pytest.mark.parametrize(
    ("fault", "status"),
    [({"kind": "cancel"}, "CANCELED"), ({"kind": "terminate", "reason": "enough"}, "TERMINATED")],
)
def test_ends_by_a_client(fault: dict[str, Any], status: str) -> None:
    seen, result = after({**fault, "target": "w"})
    assert result.statuses == {status: 1}
    # P3.7: the token comes back with the next heartbeat.
    assert seen.times(obs.TokenReturned) == pytest.approx([13.34], abs=0.1)


def test_signal_by_a_client() -> None:
    seen, result = after({"kind": "signal", "name": "go", "target": "w"}, [{"op": "await", "signal": "go"}])
    assert result.statuses == {"COMPLETED": 1}
    assert seen.times(obs.WorkflowClosed) == pytest.approx([8.0], abs=0.1)


def test_pause_of_the_creation_activity() -> None:
    """P7 scenario 27: the next heartbeat's answer says so, and the session fails."""
    seen, _ = after({"kind": "pause_activity", "activity": "internalSessionCreationActivity", "target": "w"})
    assert failed_at(seen) == pytest.approx(13.35, abs=0.1)


def test_pause_of_an_activity_that_retries() -> None:
    steps = [{"op": "act", "activity": "a", "attempts": 2}]
    activities = {"a": {"duration": "10s", "failure_probability": 1}}
    held = after({"kind": "pause_activity", "activity": "a", "target": "w", "for": "30s"}, steps, activities=activities)[0]
    free = after({"kind": "unpause_activity", "activity": "a", "target": "w"}, steps, activities=activities)[0]
    assert free.times(obs.AttemptBegan, attempt=2) == pytest.approx([11.0], abs=0.2)
    assert held.times(obs.AttemptBegan, attempt=2) == pytest.approx([38.0], abs=0.2)


def test_targets() -> None:
    def hit(**fault: Any) -> str:
        seen, _ = watch(scenario(LONG, faults=[{"kind": "kill", **fault}]), obs.FaultHappened, wf.SessionCreated)
        (target,) = [o.target for _, _, o in seen.all if type(o) is obs.FaultHappened and o.kind == "kill"]
        (holder,) = [o.task_queue.partition(".")[0] for _, _, o in seen.all if type(o) is wf.SessionCreated]
        return "holder" if target == holder else "other"

    assert hit(target="@busy", at="8s") == "holder"
    assert hit(target="@session:w", at="8s") == "holder"
    assert hit(target="@idle", at="8s") == "other"
    assert hit(target="@there", moment="binding seen by the workflow") == "holder"
    assert hit(target="@there", moment={"name": "activity started", "where": {"activity_type": "DoWork"}}) == "holder"
    assert hit(target="@there", moment={"observation": "TokenTaken"}) == "holder"


def test_at_a_rate_the_same_luck_every_time() -> None:
    faults = [{"kind": "kill", "target": "@busy", "every": {"exponential": "30s"}, "until": "100s", "for": "1s"}]
    steps = [{"op": "until_ok", "times": 9, "ms": 1000, "steps": [CREATE, act(15_000), {"op": "complete", "in": "s"}]}]
    results = [run(scenario(steps, faults=faults), seed) for seed in (1, 1, 2)]
    assert results[0].digest == results[1].digest != results[2].digest
    assert sum(r.faults[0] for r in results) > 0


def test_a_history_event_is_a_moment() -> None:
    moment = {"observation": "ActivityTaskScheduled", "where": {"activity_type": "DoWork"}, "after": "1s"}
    _, result = watch(scenario(HAPPY, faults=[{"kind": "terminate", "target": "@workflow", "moment": moment}]), Wrote)
    assert result.statuses == {"TERMINATED": 1}
