"""What the failures of timed out activities say (P4.3.9)."""

from __future__ import annotations

from typing import Any

from sim import Scenario, run
from sim.history import events as ev
from sim.history.failures import TimeoutFailure, TimeoutType

CREATE = {"op": "create", "as": "s", "creation": "60s", "execution": "600s"}


def _timed_out(**options: Any) -> TimeoutFailure:
    """An activity whose worker is killed while it works and heartbeats with details: what its timeout says."""
    step = {"op": "act", "in": "s", "work": {"name": "U", "ms": 60_000, "beat_ms": 200}, "ignore": True, **options}
    scenario = Scenario.from_dict(
        {
            "name": "killed",
            "workers": [{"name": "A", "disable_workflow_worker": True}, {"name": "W", "enable_session_worker": False}],
            "workflows": [{"id": "w", "program": [CREATE, step], "arrival": {"at": ["1s"]}}],
            "faults": [{"kind": "kill", "target": "A", "at": "3s"}],
        }
    )
    recorder = run(scenario, 1, histories=True).recorder
    assert recorder is not None
    events = [recorded.event for recorded in recorder["server/run/w/1"].events]
    failure = next(event.failure for event in events if isinstance(event, ev.ActivityTaskTimedOut))
    assert isinstance(failure, TimeoutFailure)
    return failure


def test_details_of_an_attempt_outlive_it() -> None:
    """The second attempt was never started, and its timeout has the details of the first one's last heartbeat."""
    failure = _timed_out(hb="2s", sts="2s")
    assert failure.timeout_type is TimeoutType.SCHEDULE_TO_START
    assert isinstance(failure.cause, TimeoutFailure)
    assert failure.cause.timeout_type is TimeoutType.HEARTBEAT
    assert failure.cause.last_heartbeat_details is None
    assert failure.last_heartbeat_details is not None


def test_schedule_to_close_says_that_there_is_no_time_left() -> None:
    """Whichever deadline it is that leaves no time for another attempt."""
    failure = _timed_out(schtc="4s")
    assert failure.timeout_type is TimeoutType.SCHEDULE_TO_CLOSE
    assert failure.message.startswith("Not enough time to schedule next retry")
