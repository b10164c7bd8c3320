"""An audit of simulated histories, beside what was seen of the workers: it never says more than is so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from sim import AuditResult, Scenario, run
from sim.audit import audit_histories
from sim.cli import places
from sim.history.events import Wrote
from sim.history.recorder import Recorder
from sim.history.temporal_json import to_json
from sim.history.temporal_reader import History, read_history
from sim.properties import ALL, Verdict
from tests.properties import clusters
from tests.properties.scenarios_broken import BROKEN
from tests.properties.test_random_runs import play


def read_again(recorder: Recorder) -> Iterator[History]:
    """The histories of a run, written as JSON and read."""
    for one in recorder:
        yield read_history(json.loads(json.dumps(to_json(one, 0, workflow_id=one.run.split("/")[2]))), one.run)


def is_sound(result: AuditResult, truth: dict[str, str]) -> None:
    """What histories decide is as it was; what they show to be broken was broken. Open runs may go on after their history's end."""
    going_on = any(not one.status for one in result.runs)
    for name, said in result.properties.items():
        if said == "broken":
            assert truth[name] == "broken", (name, result.verdicts[name].violations)
        elif said == "held" and not (going_on and name == "creation_bounded"):
            assert truth[name] == "held", name
        if said != "undecidable":
            assert ALL[name].history_decides or ALL[name].history_convicts


QUICK = [path.stem for path in places.shipped() if path.stem != "jobqueue" and Scenario.load(path).model.protocol == "sessions"]
"""An audit knows the SDK's own sessions, and says so of others (`tests/host/test_histories.py`)."""


@pytest.mark.parametrize("name", QUICK)
def test_shipped_scenarios(name: str) -> None:
    """The sessions that the run counted, with the same ends. Completed ones may have failed, or been cancelled, before."""
    scenario = Scenario.load(places.find(name))
    simulated = run(scenario, 2, histories=True)
    assert simulated.recorder is not None
    result = audit_histories(read_again(simulated.recorder))
    is_sound(result, simulated.properties)
    ends, counted = result.ends(), simulated.sessions
    assert len(result.sessions) == counted.asked
    assert sum(session.bound is not None for session in result.sessions) == counted.created
    assert ends["failed"] + sum(session.overwritten for session in result.sessions) == counted.failed
    assert ends["completed"] + sum(session.cancelled_completion for session in result.sessions) == counted.completed
    assert {row["worker"] for row in map(result.session, result.sessions)} <= {None, *_workers(result)}


def _workers(result: AuditResult) -> set[str]:
    return {worker.name for worker in result.workers.by_queue.values()}


@pytest.fixture
def recorders(monkeypatch: pytest.MonkeyPatch) -> list[Recorder]:
    """The recorders of all stages from now on."""
    found: list[Recorder] = []
    set_up = clusters.Stage.__init__

    def with_recorder(stage: clusters.Stage, *args: object, **options: object) -> None:
        set_up(stage, *args, **options)  # type: ignore[arg-type]
        found.append(Recorder(1))
        stage.sim.listen(Wrote, found[-1])

    monkeypatch.setattr(clusters.Stage, "__init__", with_recorder)
    return found


@pytest.mark.parametrize("seed", range(200, 240))
def test_random_runs_under_random_faults(seed: int, recorders: list[Recorder]) -> None:
    verdicts = play(seed, faults=True)
    is_sound(audit_histories(read_again(recorders[-1])), {name: verdict.kind.value for name, verdict in verdicts.items()})


SCENARIOS = list(dict.fromkeys(scenario for scenarios in BROKEN.values() for scenario, _ in scenarios))
CAUSES = {
    "operator_pauses": "its worker ended it right after a heartbeat: an operator paused or reset its creation activity",
    "short_partition": "it stopped, or a heartbeat call got no answer within its 8 s and the report came late",
    "stopped_with_time_to_spare": "its worker stopped, and said so",
    "other_holder_killed": "that is B, which held the slot, not the one it was bound to",
    "killed_before_the_signal": "was lost before its signal: no heartbeat for 20 s",
    "killed_just_before_completion": "CompleteSession; nobody carried it out: ScheduleToStart timeout",
    "cancelled_in_the_batch_of_the_failure": "the workflow's cancellation was requested; CompleteSession came too late",
    "recreate_on_a_dead_worker": "the worker is gone, or has no activity slot free",
    "never_a_slot_and_no_timeout": "waits for a worker",
}
"""What is said of a session of these scenarios."""

SHOWN = {
    "signal_answer_lost": {"one_binding", "activity_needs_slot"},
    "lost_worker_propagated": {"failure_is_failure"},
}
"""What histories have to show of some scenarios in which a promise is broken."""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_broken_promises(scenario: Callable[[], dict[str, Verdict]], recorders: list[Recorder]) -> None:
    verdicts = scenario()
    result = audit_histories(read_again(recorders[-1]))
    is_sound(result, {name: verdict.kind.value for name, verdict in verdicts.items()})
    shown = {name for name, said in result.properties.items() if said == "broken"}
    assert SHOWN.get(scenario.__name__, set()) <= shown
    assert any(CAUSES.get(scenario.__name__, "") in result.cause(session) for session in result.sessions)
