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
