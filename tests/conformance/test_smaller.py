"""What is left out of a scenario to make it smaller."""

from __future__ import annotations

import copy
from typing import Any

from conformance.draw import scenario
from conformance.plan import NotRecordable, plan_of
from conformance.smaller import Steps, Table, candidates, shorter_programs, size
from sim import Scenario, ScenarioError

ACT: Table = {"op": "act", "in": "s", "work": {"name": "a", "ms": 100}}
CREATE: Table = {"op": "create", "as": "s", "creation": "3s", "execution": "60s"}


def programs(*steps: Table) -> list[Steps]:
    return [program for _, program in shorter_programs(steps)]


def possible(table: Table) -> bool:
    try:
        return bool(plan_of(Scenario.from_dict(table)).flows)
    except (ScenarioError, NotRecordable):
        return False


def test_every_candidate_is_smaller_or_plainer_and_the_smallest_comes_first() -> None:
    for seed in range(30):
        table = scenario(seed)
        before = copy.deepcopy(table)
        found = candidates(table)
        assert table == before
        assert [c.size for c in found] == sorted(c.size for c in found)
        assert all(c.size <= size(table) and c.table != table for c in found)
        assert len({c.key for c in found}) == len(found)


def test_nearly_every_candidate_is_a_scenario() -> None:
    found = [c.table for seed in range(8) for c in candidates(scenario(seed))]
    assert sum(map(possible, found)) > 0.97 * len(found)


def test_always_the_same_candidates() -> None:
    assert candidates(scenario(5)) == candidates(scenario(5))


def test_it_comes_to_an_end_at_something_small() -> None:
    """Whoever takes the first possible candidate again and again gets to a scenario that has none."""
    for seed in range(6):
        table, steps = scenario(seed), 0
        while better := next((c.table for c in candidates(table) if possible(c.table)), None):
            table, steps = better, steps + 1
            assert steps < 200
        assert len(table["workflows"]) == 1
        assert table["faults"] == []
        assert len(table["workers"]) == 1
        assert len(table["workflows"][0]["program"]) == 1


def test_a_fault_goes_with_its_target() -> None:
    table = scenario(0) | {
        "workers": [{"name": "A"}, {"name": "B"}],
        "faults": [{"kind": "kill", "target": "A", "at": "1s"}, {"kind": "kill", "target": "B", "at": "1s"}],
    }
    without_a = next(c.table for c in candidates(table) if c.what == "without workers 1")
    assert without_a["faults"] == [{"kind": "kill", "target": "B", "at": "1s"}]
    assert without_a["workers"] == [{"name": "B"}]


def test_what_uses_a_session_goes_with_it() -> None:
    wait = {"op": "wait", "fut": "f", "in": "s"}
    token, recreate = {"op": "token", "in": "s", "as": "t"}, {"op": "recreate", "signal": "t", "as": "s2"}
    sleep = {"op": "sleep", "ms": 1000}
    program = [CREATE, ACT, {"op": "start", "fut": "f", "in": "s"}, wait, token, recreate, {**ACT, "in": "s2"}, sleep]
    assert [sleep] in programs(*program)
    assert [step for step in program if step is not wait and step["op"] != "start"] in programs(*program)
    without_token = [step for step in program if step is not token and step is not recreate and step.get("in") != "s2"]
    assert without_token in programs(*program)


def test_steps_inside_others_are_left_out_and_take_their_place() -> None:
    sleep, other = {"op": "sleep", "ms": 1000}, {"op": "sleep", "ms": 2000}
    loop = {"op": "until_ok", "times": 2, "ms": 0, "steps": [sleep, other]}
    assert [{**loop, "steps": [sleep]}] in programs(loop)
    assert [sleep, other] in programs(loop)
    beside = {"op": "parallel", "branches": [[sleep], [other, sleep]]}
    assert [{**beside, "branches": [[other, sleep]]}] in programs(beside)
    assert [{**beside, "branches": [[sleep], [other]]}] in programs(beside)
    assert [other, sleep] in programs(beside)


def test_the_next_run_knows_saved_tokens_only() -> None:
    again: dict[str, Any] = {"op": "continue_as_new", "steps": [{"op": "recreate", "signal": "t", "as": "s2"}, {**ACT, "in": "s2"}]}
    token = {"op": "token", "in": "s", "as": "t"}
    found = programs(CREATE, token, again)
    assert [CREATE, token, {**again, "steps": again["steps"][:1]}] in found
    assert [CREATE] in found  # without the token the next run has nothing to do


def test_refinements_go_together_and_one_by_one() -> None:
    step = {**CREATE, "heartbeat": "3s", "ignore": True}
    table = {"workflows": [{"id": "w", "program": [step]}], "workers": [{"name": "A"}], "faults": []}
    steps = [c.table["workflows"][0]["program"][0] for c in candidates(table)]
    assert CREATE in steps
    assert {**CREATE, "heartbeat": "3s"} in steps
    assert {**CREATE, "ignore": True} in steps


def test_heartbeats_go_with_their_timeout() -> None:
    step = {"op": "act", "work": {"name": "a", "ms": 3000, "beat_ms": 200}, "hb": "2s"}
    table = {"workflows": [{"id": "w", "program": [step]}], "workers": [{"name": "A"}], "faults": []}
    steps = [c.table["workflows"][0]["program"][0] for c in candidates(table)]
    assert {"op": "act", "work": {"name": "a", "ms": 3000}} in steps
    assert {**step, "work": {**step["work"], "ms": 1000}} in steps
