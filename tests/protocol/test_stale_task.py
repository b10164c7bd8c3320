"""Workflow tasks that do not follow on what their worker has in its cache: it fetches the whole history (P3.2.6)."""

from __future__ import annotations

from typing import Any

from sim.history import events as ev
from sim.history.events import Wrote
from sim.history.recorder import Recorder
from sim.model.inputs import Deliver, Input
from sim.protocol import messages as msg
from sim.scenario.load import Scenario
from sim.scenario.run import PreparedRun
from sim.simulator.seats import Seat
from sim.simulator.simulation import Simulation
from sim.workflow.seen import Saw


def _run(monkeypatch: Any, faults: list[dict[str, Any]], deviations: dict[str, int]) -> tuple[list[int], int, list[type]]:
    """A worker with two sleeps of 2 s: what code saw (ms), how often the history was fetched, and the types of events."""
    scenario = Scenario.from_dict(
        {
            "name": "stale",
            "workers": [{"name": "A"}],
            "workflows": [{"id": "w", "program": [{"op": "sleep", "ms": 2000}, {"op": "sleep", "ms": 2000}], "arrival": {"at": ["1s"]}}],
            "faults": faults,
        }
    )
    fetched: list[object] = []
    handle = Simulation.handle

    def counted(self: Simulation, seat: Seat, event: Input) -> None:
        if isinstance(event, Deliver) and isinstance(event.message, msg.GetWorkflowExecutionHistory):
            fetched.append(event)
        handle(self, seat, event)

    monkeypatch.setattr(Simulation, "handle", counted)
    prepared = PreparedRun(scenario, 1, deviations, properties=())
    seen: list[Saw] = []
    prepared.sim.listen(Saw, lambda time, node, saw: seen.append(saw))
    recorder = Recorder(1)
    prepared.sim.listen(Wrote, recorder)
    prepared.run()
    events = [type(recorded.event) for recorded in recorder["server/run/w/1"].events]
    return [saw.elapsed_ms for saw in seen if saw.op == "sleep"], len(fetched), events


PAUSE = [{"kind": "pause", "target": "A", "at": "2500ms", "for": "13500ms"}]
"""The timer's task goes to the sticky poll, runs into its timeout, and comes again through the other poll."""


def test_tasks_in_their_order_need_no_history(monkeypatch: Any) -> None:
    seen, fetched, events = _run(monkeypatch, PAUSE, {})
    assert ev.WorkflowTaskTimedOut in events
    # The first of them is answered NotFound, and the second has all events with it.
    assert [round(ms, -3) for ms in seen] == [2000, 12000, 17000]
    assert fetched == 0


def test_one_that_waited_for_a_later_one_is_dropped(monkeypatch: Any) -> None:
    late = {"late|server>A.1 released|WorkflowTask|1": 1_000}
    seen, fetched, events = _run(monkeypatch, PAUSE, late)
    assert [round(ms, -3) for ms in seen] == [12000, 17000]
    assert fetched == 1
    assert events[-1] is ev.WorkflowExecutionCompleted


def test_after_a_lost_answer_the_whole_history_is_fetched(monkeypatch: Any) -> None:
    """The server has the completion and takes the worker for the sticky one; the worker knows nothing of it, and has dropped its cache."""
    lost = {
        "kind": "lose_response",
        "target": "A",
        "at": "0s",
        "method": "RespondWorkflowTaskCompleted",
        "noticed_after": "10s",
        "calls": 1,
    }
    _, fetched, events = _run(monkeypatch, [lost], {})
    assert fetched == 1
    assert ev.WorkflowTaskTimedOut not in events[:6]
    assert events[-1] is ev.WorkflowExecutionCompleted
