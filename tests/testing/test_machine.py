"""The state machine drives a run that is the same as that of the scenario it prints."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from sim import Scenario, ScenarioError, run
from sim.scenario.run import RunResult
from sim.testing.live import LiveRun
from sim.testing.machine import SessionMachine
from sim.testing.strategies import clusters

QUICK = settings(
    max_examples=12, stateful_step_count=12, database=None, derandomize=True, deadline=None, phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

TABLES: dict[str, Any] = {
    "name": "by hand",
    "workers": [{"name": "w", "count": 2}],
    "workflows": [
        {
            "id": "job",
            "program": [
                {"op": "create", "as": "s", "creation": "1m", "execution": "10m"},
                {"op": "defer_complete", "in": "s"},
                {"op": "act", "in": "s", "work": {"ms": 30000}},
            ],
        }
    ],
}


def test_every_run_is_that_of_its_scenario() -> None:
    digests = []

    class Same(SessionMachine):
        def ended(self, result: RunResult) -> None:
            digests.append(result.digest)
            assert run(self.live.scenario(), self.seed, properties=()).digest == result.digest

    run_state_machine_as_test(Same, settings=QUICK)
    assert len(set(digests)) > 5


def test_what_breaks_is_said_with_a_scenario_that_breaks_it() -> None:
    class Broken(SessionMachine):
        properties: ClassVar = ("failure_is_failure",)
        cluster: ClassVar = clusters(max_workers=1, restarting=True)
        workload: ClassVar = st.just({"workflows": [{**TABLES["workflows"][0], "id": "job1"}]})

    with pytest.raises(AssertionError, match=r"^failure_is_failure: \w+ ends CANCELED; nobody cancelled it") as error:
        run_state_machine_as_test(Broken, settings=settings(QUICK, max_examples=100, phases=(Phase.generate,)))
    text = str(error.value).partition("with seed 1:\n")[2].partition("\nFailing test case")[0]
    assert run(eval(text, {"Scenario": Scenario}), 1).properties["failure_is_failure"] == "broken"


@pytest.mark.slow
def test_the_steps_shrink() -> None:
    class Broken(SessionMachine):
        properties: ClassVar = ("failure_is_failure",)
        cluster: ClassVar = clusters(max_workers=2, restarting=True)
        workload: ClassVar = st.just({"workflows": [{**TABLES["workflows"][0], "id": "job1"}]})

    with pytest.raises(AssertionError) as error:
        run_state_machine_as_test(Broken, settings=settings(QUICK, max_examples=300))
    said = str(error.value)
    small = eval(said.partition("with seed 1:\n")[2].partition("\nFailing test case")[0], {"Scenario": Scenario}).model
    assert [w.count for w in small.workers] == [1]
    assert len(small.workflows) == 1
    assert len(small.faults) == 1


def test_a_run_by_hand() -> None:
    live = LiveRun(TABLES, properties=["failure_is_failure", "workflows_finish"])
    live.advance(5_000_000)
    assert (live.open, live.processes, live.broken()) == (["job"], {"w1": True, "w2": True}, {})
    busy = live.scenario()
    live.act({"kind": "kill", "target": "@session:job"})
    live.start({"id": "other", "program": TABLES["workflows"][0]["program"]})
    live.advance(60_000_000)
    assert sorted(live.processes.values()) == [False, True]
    assert live.statuses == {"CANCELED": 1, "COMPLETED": 1}
    assert [violation.message for violation in live.broken()["failure_is_failure"]] == [
        "job ends CANCELED; nobody cancelled it, job/1/s1 had failed"
    ]
    result = live.finish()
    assert result.digest == run(live.scenario(), 1, properties=()).digest
    assert not busy.model.faults
    with pytest.raises(ScenarioError, match="there are two workflows called 'job'"):
        live.start({"id": "job", "program": []})
    with pytest.raises(ScenarioError, match="there is no process 'w3'"):
        live.act({"kind": "kill", "target": "w3"})
