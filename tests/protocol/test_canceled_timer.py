"""A timer that ran out while its workflow's task was started, and is cancelled by that task (P4.5.6)."""

from __future__ import annotations

import pytest

from sim.history import events as ev
from sim.scenario.load import Scenario
from sim.scenario.run import run


@pytest.mark.parametrize("signal", [False, True])
def test_a_firing_that_is_taken_back_does_not_stand_against_a_close(signal: bool) -> None:
    """The worker is stopped while its timer runs out; it cancels timer and workflow then. Anything else in the buffer refuses that."""
    scenario = Scenario.from_dict(
        {
            "name": "canceled timer",
            "workers": [{"name": "A"}],
            "workflows": [{"id": "w", "program": [{"op": "sleep", "ms": 5000}], "arrival": {"at": ["1s"]}}],
            "faults": [
                {"kind": "pause", "target": "A", "at": "3s", "for": "7s"},
                {"kind": "cancel", "target": "w", "at": "4s"},
                *([{"kind": "signal", "target": "w", "at": "5s", "name": "go", "payload": {"n": 1}}] if signal else []),
            ],
        }
    )
    recorder = run(scenario, 1, histories=True).recorder
    assert recorder is not None
    events = [type(recorded.event) for recorded in recorder["server/run/w/1"].events]
    if not signal:
        assert events[-3:] == [ev.WorkflowTaskCompleted, ev.TimerCanceled, ev.WorkflowExecutionCanceled]
    assert (ev.WorkflowTaskFailed in events) is signal
    assert (ev.TimerFired in events) is signal


def test_a_timer_that_has_fired_behind_the_cancellation_is_not_cancelled() -> None:
    """Both come with one task, the cancellation first: the firing takes the command back that was not sent yet (P1.7.9)."""
    scenario = Scenario.from_dict(
        {
            "name": "fired behind the cancellation",
            "workers": [{"name": "A"}],
            "workflows": [{"id": "w", "program": [{"op": "sleep", "ms": 5000}], "arrival": {"at": ["1s"]}}],
            "faults": [
                {"kind": "pause", "target": "A", "at": "3s", "for": "12s"},
                {"kind": "cancel", "target": "w", "at": "4s"},
            ],
        }
    )
    recorder = run(scenario, 1, histories=True).recorder
    assert recorder is not None
    events = [type(recorded.event) for recorded in recorder["server/run/w/1"].events]
    canceled, fired = events.index(ev.WorkflowExecutionCancelRequested), events.index(ev.TimerFired)
    assert canceled < fired
    assert events[-2:] == [ev.WorkflowTaskCompleted, ev.WorkflowExecutionCanceled]
