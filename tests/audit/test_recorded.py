"""What an audit says of recordings of a real server, beside what their workers' logs and the person who made them say.

The numbers below were taken by hand from those logs: seconds on the recording's own clock, whose beginning is `BEGINNINGS`.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim import AuditResult, audit
from sim.audit import End, Session

DATA = Path(__file__).parent.parent / "history" / "data"
OTHERS = Path(__file__).parent.parent / "data" / "real"

BEGINNINGS = {
    "worker_killed": 1795379063.7986274,
    "graceful_stop": 1795379083.9897,
    "killed_and_recovered": 1795379070.1579285,
    "killed_before_signal": 1795379066.7479043,
    "recreate_waits": 1795379066.3246777,
    "execution_timeout": 1795379098.5330038,
    "two_sessions": 1795379151.2958703,
    "continue_as_new": 1795379111.0402207,
    "recreate_restarted": 1795379125.413541,
    "paused": 1795379142.619228,
    "signal_lost": 1795379092.50243,
}


@dataclass(frozen=True)
class Told:
    """A session as the log tells it: `had` when workflow code had it, `over` when it saw its end (None: not written down)."""

    end: str
    worker: str | None
    attempts: int = 1
    had: float | None = None
    over: float | None = None
    cause: str = "CompleteSession"


FACTS: dict[str, list[Told]] = {
    "worker_killed": [Told("failed", "A", 1, 0.097, 26.786, "no heartbeat for 20 s (the last came 6.69 s after the signal)")],
    "killed_and_recovered": [
        Told("failed", "A", 1, 0.031, 11.721, "no heartbeat for 5 s"),
        Told("completed", "B", 1, 12.733, 13.259),
    ],
    "killed_before_signal": [
        Told("creation failed", "A", 1, None, 11.037, "A took it and was lost before its signal: no heartbeat for 6 s")
    ],
    "recreate_waits": [
        Told("completed", "A", 1, 0.147, 1.682),
        Told("completed", "A", 1, 1.697, 10.728),
        Told("completed", "A", 8, 12.269, 12.61),
    ],
    "execution_timeout": [Told("failed", "A", 1, 0.042, 6.042, "ExecutionTimeout (6 s) passed")],
    "two_sessions": [Told("completed", "A", 1, 0.055, 1.009), Told("completed", "B", 1, 0.055, 0.504)],
    "continue_as_new": [Told("completed", "A", 1, 0.038, 0.841), Told("completed", "A", 1, 1.906, 2.646)],
    "recreate_restarted": [
        Told("completed", "A", 1, 0.058, 0.593),
        Told("creation failed", None, 1, None, 15.63, "nobody took it from the queue of one worker"),
    ],
    "paused": [Told("failed", "A", 1, 0.035, 6.719, "no heartbeat for 5 s")],
    "signal_lost": [Told("completed", "B", 2, 11.073, 11.611)],
}
SLOP = 0.05
"""Between the server's clock at a workflow task's start and the log's when code has run."""


def audited(case: str, slots: int | None = None) -> AuditResult:
    return audit(DATA / case if (DATA / case).is_dir() else OTHERS / case / "w.json", slots)


def only(case: str) -> tuple[AuditResult, Session]:
    result = audited(case)
    (session,) = result.sessions
    return result, session


@pytest.mark.parametrize("case", FACTS)
def test_every_session_is_found_with_its_times_worker_and_end(case: str) -> None:
    result = audited(case)
    assert len(result.sessions) == len(FACTS[case])
    for session, told in zip(result.sessions, FACTS[case], strict=True):
        row = result.session(session)
        assert (row["end"], row["worker"], row["attempts"], row["attempts_known"]) == (told.end, told.worker, told.attempts, True)
        assert told.cause in row["cause"]
        for at, logged in ((session.created_at, told.had), (session.ended_at, told.over)):
            if logged is None:
                assert told.had is None
            else:
                assert at is not None
                assert at / 1e6 - BEGINNINGS[case] == pytest.approx(logged, abs=SLOP)


# -- what the recordings were made for -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "killed"), [("worker_killed", 8.622), ("killed_and_recovered", 2.051), ("paused", 2.05)])
def test_the_moment_of_a_loss_is_bounded(case: str, killed: float) -> None:
    session = audited(case).sessions[0]
    assert session.lost_between is not None
    first, last = (time / 1e6 - BEGINNINGS[case] for time in session.lost_between)
    assert first < killed < last
    assert last - first <= session.interval / 1e6 + 1e-5


def test_a_killed_worker_ends_its_workflow_canceled() -> None:
    result, session = only("worker_killed")
    assert session.detection == pytest.approx(20_000_000, abs=30_000)
    assert result.properties["failure_is_failure"] == "broken"
    assert [run.workflow_id for run in result.canceled_by_loss] == ["worker_killed-w"]
    assert not result.as_expected
    assert len(session.left_running) == 1


def test_a_graceful_stop_without_grace_is_detected_as_late_as_a_crash() -> None:
    """Stopped 3.0 s after the signal; the workflow knew 17 s later."""
    result, session = only("graceful_stop")
    assert session.detection == pytest.approx(20_000_000, abs=30_000)
    assert session.lost_between is not None
    signal = session.bindings[0].at
    assert session.lost_between[0] - signal < 3_037_000 < session.lost_between[1] - signal
    assert "stopped without a word" in result.cause(session)
    assert [run.workflow_id for run in result.canceled_by_loss] == ["graceful_stop-w"]


def test_unanswered_heartbeats_make_the_worker_give_up_after_14_7_seconds() -> None:
    result, session = only("heartbeats_unanswered")
    assert session.end is End.FAILED
    assert session.gave_up
    assert session.creation.closed_at is not None
    assert session.creation.closed_at - session.bindings[0].at == pytest.approx(14_700_000, abs=30_000)
    assert "its worker gave it up 14.684 s after the signal: a heartbeat call got no answer within its 8 s" in result.cause(session)
    assert session.left_running == session.activities
    assert result.as_expected


def test_a_lost_answer_to_the_signal_binds_twice() -> None:
    """The first attempt failed on A after 10.03 s, the second ran on B; the work ended on A after 18.04 s."""
    result, session = only("signal_answer_lost")
    assert [(binding.host, session.moved) for binding in session.bindings] == [("host-a", True), ("host-b", True)]
    assert result.session(session)["worker"] == "A"
    assert (session.end, session.attempts, session.attempts_known) == (End.COMPLETED, 2, False)
    ((activity, span),) = session.without_slot
    assert activity.command.activity_type == "DoWork"
    assert 18_041_000 - 11_047_000 - 20_000 < span < 18_041_000 - 10_033_000
    assert result.properties["one_binding"] == result.properties["activity_needs_slot"] == "broken"


def test_a_worker_that_was_only_frozen_is_heard_of_again() -> None:
    result, session = only("paused")
    assert "it was heard of again" in result.cause(session)
    assert [activity.command.activity_type for activity, _ in session.after_failure] == ["DoWork"]


def test_a_cancelled_workflow_cancels_its_session() -> None:
    result, session = only("cancelled_running")
    assert session.end is End.CANCELLED
    assert result.cause(session).startswith("the workflow's cancellation was requested; CompleteSession came too late")
    assert result.canceled_by_loss == []
    assert result.properties["failure_is_failure"] == "not exercised"


def test_a_token_of_a_restarted_worker_waits_in_vain() -> None:
    result = audited("recreate_restarted")
    again = result.sessions[1]
    assert again.recreated
    assert again.ended_at is not None
    assert again.ended_at - again.creation.scheduled_at == pytest.approx(6_000_000, abs=60_000)


def test_a_run_without_a_session_has_none() -> None:
    result = audited("execution_timeout_zero")
    assert result.sessions == []
    assert set(result.properties.values()) == {"undecidable", "not exercised"}
    assert result.to_json()["workflows"][0]["status"] == "TERMINATED"


def test_activities_that_fail_are_told_and_keep_their_session() -> None:
    _, session = only("activity_failures")
    assert session.end is End.COMPLETED
    assert [(a.outcome, a.attempt) for a in session.activities] == [("failed", 3), ("failed", 1), ("failed", 1), ("completed", 1)]


# -- the cluster's view ----------------------------------------------------------------------------------------------------


def test_slots_of_workers_against_a_limit() -> None:
    """One slot: the recreated session had to wait for the other workflow's."""
    result = audited("recreate_waits", slots=1)
    (worker,) = result.workers.by_queue.values()
    assert (worker.name, worker.host, len(worker.held)) == ("A", "host-a", 3)
    assert worker.most(surely=True)[0] == worker.most(surely=False)[0] == 1
    assert result.properties["slot_limit"] == "held"
    assert audited("recreate_waits", slots=2).properties["slot_limit"] == "not exercised"
    assert audited("recreate_waits").properties["slot_limit"] == "undecidable"


def test_everything_together() -> None:
    """All recordings at once, a folder of folders: each tells what it tells alone."""
    together = audit([DATA, OTHERS / "worker_killed" / "w.json"])
    apart = [audited(folder.name) for folder in sorted(DATA.iterdir())] + [audited("worker_killed")]
    assert len(together.sessions) == sum(len(one.sessions) for one in apart)
    assert {(s.run.run_id, s.name, s.end, together.cause(s)) for s in together.sessions} == {
        (s.run.run_id, s.name, s.end, one.cause(s)) for one in apart for s in one.sessions
    }
    broken = {name for one in apart for name, verdict in one.properties.items() if verdict == "broken"}
    assert {name for name, verdict in together.properties.items() if verdict == "broken"} == broken
    assert together.ends()["failed"] == sum(one.ends()["failed"] for one in apart)


def test_of_two_exports_of_a_run_the_longer_counts(tmp_path: Path) -> None:
    import json

    whole = json.loads((OTHERS / "worker_killed" / "w.json").read_text())
    (tmp_path / "early.json").write_text(json.dumps({"events": whole["events"][:11]}))
    (tmp_path / "late.json").write_text(json.dumps(whole))
    result = audit(tmp_path)
    assert (len(result.sessions), result.older) == (1, [str(tmp_path / "early.json")])
    early = audit(tmp_path / "early.json")
    (session,) = early.sessions
    assert (session.end, early.cause(session), session.ended_at) == (End.OPEN, "", None)
    assert early.to_json()["workflows"][0]["status"] == "RUNNING"


def test_results_travel_and_become_tables() -> None:
    result = audited("recreate_waits", slots=1)
    assert pickle.loads(pickle.dumps(result)).to_json() == result.to_json()
    frame = result.to_frame()
    assert list(frame["end"]) == ["completed"] * 3
    assert list(frame["attempts"]) == [1, 1, 8]
    page = result._repr_html_()
    assert page.count("<tr>") == 4
    assert "recreate_waits-w1" in page


def test_encrypted_arguments_do_not_matter(tmp_path: Path) -> None:
    """A codec hides the session id from whoever reads the activity, not from whoever reads the signal."""
    import json

    text = (DATA / "two_sessions" / "w.json").read_text()
    history = json.loads(text)
    for event in history["events"]:
        for attributes in (event.get("activityTaskScheduledEventAttributes"), event.get("markerRecordedEventAttributes")):
            if attributes and "input" in attributes:
                attributes["input"] = {"payloads": [{"metadata": {"encoding": "YmluYXJ5L2VuY3J5cHRlZA=="}, "data": "AAEC"}]}
    (tmp_path / "w.json").write_text(json.dumps(history))
    hidden, plain = audit(tmp_path), audited("two_sessions")
    assert {s.session_id for s in hidden.sessions} == {s.session_id for s in plain.sessions}
    assert [s.end for s in hidden.sessions] == [s.end for s in plain.sessions]
    assert sorted(len(s.activities) for s in hidden.sessions) == sorted(len(s.activities) for s in plain.sessions)
