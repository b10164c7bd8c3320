"""Workflow tasks of attempt 2 and more: their events are written late, with the times at which they happened."""

from __future__ import annotations

from sim import Scenario, run
from sim.history import events as ev


def test_events_of_a_transient_task_have_the_times_at_which_they_happened() -> None:
    """A worker that is paused with the first task lets it time out; the second is given to it when it goes on."""
    scenario = Scenario.from_dict(
        {
            "name": "late",
            "workers": [{"name": "A"}],
            "workflows": [{"id": "w", "program": [{"op": "sleep", "ms": 1000}], "arrival": {"at": ["1s"]}}],
            "faults": [{"kind": "pause", "target": "A", "at": "999ms", "for": "12s"}],
        }
    )
    recorder = run(scenario, 1, histories=True).recorder
    assert recorder is not None
    times = {type(recorded.event): recorded.time for recorded in recorder["server/run/w/1"].events[3:7]}
    assert list(times) == [ev.WorkflowTaskTimedOut, ev.WorkflowTaskScheduled, ev.WorkflowTaskStarted, ev.WorkflowTaskCompleted]
    assert times[ev.WorkflowTaskScheduled] == times[ev.WorkflowTaskTimedOut]
    assert times[ev.WorkflowTaskScheduled] < times[ev.WorkflowTaskStarted] < times[ev.WorkflowTaskCompleted]


def _events(pause: str, signal: str) -> list[tuple[type, int]]:
    """A worker is paused with the first task, and a signal comes meanwhile; the events after that task's start, with their attempts."""
    scenario = Scenario.from_dict(
        {
            "name": "signalled",
            "workers": [{"name": "A"}],
            "workflows": [{"id": "w", "program": [{"op": "sleep", "ms": 1000}], "arrival": {"at": ["1s"]}}],
            "faults": [
                {"kind": "pause", "target": "A", "at": "999ms", "for": pause},
                {"kind": "signal", "target": "w", "at": signal, "name": "go"},
            ],
        }
    )
    recorder = run(scenario, 1, histories=True).recorder
    assert recorder is not None
    return [(type(recorded.event), getattr(recorded.event, "attempt", 0)) for recorded in recorder["server/run/w/1"].events[3:8]]


def test_a_task_that_brings_buffered_events_is_not_transient() -> None:
    """P4.5.7: the signal came while the first task was started, and is written before the second, whose attempt is the first again."""
    expected = [(ev.WorkflowTaskTimedOut, 0), (ev.WorkflowExecutionSignaled, 0), (ev.WorkflowTaskScheduled, 1), (ev.WorkflowTaskStarted, 0)]
    assert _events("12s", "5s")[:4] == expected


def test_a_task_that_events_overtake_is_not_transient() -> None:
    """P4.5.7: the signal comes before the second task is started, whose scheduled event is written only then, as a first attempt."""
    events = _events("24s", "22s")
    assert events[:2] == [(ev.WorkflowTaskTimedOut, 0), (ev.WorkflowExecutionSignaled, 0)]
    assert events[2:4] == [(ev.WorkflowTaskScheduled, 1), (ev.WorkflowTaskStarted, 0)]
