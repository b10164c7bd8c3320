"""A run that waits for its first workflow task, for its predecessor lived less than a second (P1.7.2, P4.4.2)."""

from __future__ import annotations

from typing import Any

from sim.history import events as ev
from sim.history.recorder import Recorded
from sim.scenario.load import Scenario
from sim.scenario.run import run


def _second_run(**fault: Any) -> list[Recorded]:
    """The events of a second run, begun at about 1 s, to which something comes at 1.5 s."""
    program = [{"op": "continue_as_new", "steps": [{"op": "sleep", "ms": 3000}]}]
    scenario = Scenario.from_dict(
        {
            "name": "waits",
            "workers": [{"name": "A"}],
            "workflows": [{"id": "w", "program": program, "arrival": {"at": ["1s"]}}],
            "faults": [{"target": "w", "at": "1500ms", **fault}],
        }
    )
    recorder = run(scenario, 1, histories=True).recorder
    assert recorder is not None
    return list(recorder["server/run/w/2"].events)


def test_a_signal_does_not_end_the_wait() -> None:
    events = _second_run(kind="signal", name="go")
    kinds = [type(recorded.event) for recorded in events]
    assert kinds[:3] == [ev.WorkflowExecutionStarted, ev.WorkflowExecutionSignaled, ev.WorkflowTaskScheduled]
    assert kinds.count(ev.WorkflowTaskScheduled) == 2
    assert events[2].time - events[0].time > 900_000


def test_a_cancel_request_does() -> None:
    events = _second_run(kind="cancel")
    kinds = [type(recorded.event) for recorded in events]
    assert kinds[:3] == [ev.WorkflowExecutionStarted, ev.WorkflowExecutionCancelRequested, ev.WorkflowTaskScheduled]
    assert kinds.count(ev.WorkflowTaskScheduled) == 1
    assert events[2].time == events[1].time
