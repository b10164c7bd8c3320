"""The switch: names, what needs what, scenarios with and without it."""

from __future__ import annotations

import pytest

from sim import Scenario, ScenarioError, replay, run
from sim.protocol.worker.options import WorkerOptions
from sim.scenario.workers import worker_plans
from sim.workflow.repairs import ALL, UNTOUCHED, WORKFLOW_SIDE, Repair, repairs_of

TABLES = {
    "name": "switch",
    "workers": [{"name": "w", "count": 2}],
    "workflows": [{"id": "job", "program": [{"op": "create", "as": "s", "creation": "1m", "execution": "1m"}]}],
}


def test_names_are_put_in_order_and_completed() -> None:
    assert repairs_of(["slot_until_idle", "creation_timer", "creation_timer"]) == (
        Repair.WATCHED_TO_THE_END,
        Repair.CREATION_TIMER,
        Repair.SLOT_UNTIL_IDLE,
    )
    assert repairs_of(repair.name.lower() for repair in Repair) == ALL
    assert set(ALL) > WORKFLOW_SIDE
    assert set(ALL) > UNTOUCHED


@pytest.mark.parametrize("name", ["creation_timr", "CREATION_TIMER", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"there is no repair .*; there are failure_not_canceled, "):
        repairs_of([name])


def test_a_scenario_says_which_one_may_be_meant() -> None:
    with pytest.raises(ScenarioError, match=r"repairs\[0\].*there is no repair 'creation_timr'.*did you mean 'creation_timer'"):
        Scenario.from_dict({**TABLES, "repairs": ["creation_timr"]})


def test_another_protocol_has_none() -> None:
    with pytest.raises(ScenarioError, match=r'repairs: are of the protocol "sessions", and this scenario has .host.; expected none'):
        Scenario.from_dict({**TABLES, "protocol": "host", "repairs": ["creation_timer"]})


def test_without_one_nothing_is_different() -> None:
    plain, empty = Scenario.from_dict(TABLES), Scenario.from_dict({**TABLES, "repairs": []})
    assert plain.digest == empty.digest
    assert "repairs" not in plain.to_dict()
    assert run(plain, 1).digest == run(empty, 1).digest
    assert {plan.spec.options.repairs for plan in worker_plans(plain.model)} == {()}
    assert WorkerOptions().repairs == ()


def test_with_one_all_workers_have_it_and_the_tape_says_so() -> None:
    scenario = Scenario.from_dict({**TABLES, "repairs": ["slot_until_idle"]})
    assert {plan.spec.options.repairs for plan in worker_plans(scenario.model)} == {(Repair.WATCHED_TO_THE_END, Repair.SLOT_UNTIL_IDLE)}
    assert scenario.digest != Scenario.from_dict(TABLES).digest
    tape = run(scenario, 1).tape
    assert tape.scenario["repairs"] == ["slot_until_idle"]
    assert replay(tape).identical
