"""When all faults are over, workflows have to finish."""

from __future__ import annotations

from typing import Any

from sim import Scenario, run
from sim.properties import ALL, DEMANDS
from sim.scenario.fuzzing import ground_of, with_tables
from sim.scenario.judging import FINISH_WITHIN

HOUR, SECOND = 3_600_000_000, 1_000_000


def scenario(steps: list[dict[str, Any]], **more: Any) -> Scenario:
    return Scenario.from_dict({"workers": [{"name": "w"}], "workflows": [{"id": "job", "program": steps}], **more})


def verdict(steps: list[dict[str, Any]], **more: Any) -> str:
    return run(scenario(steps, **more), 1).properties["workflows_finish"]


QUIET = {"fuzz": {"quiet_after": "10s", "finish_within": "1m"}, "until": "10m"}


def test_a_workflow_that_ends_in_time_does() -> None:
    assert verdict([{"op": "sleep", "ms": 60_000}], **QUIET) == "held"


def test_one_that_ends_before_does_not_put_it_to_the_test() -> None:
    assert verdict([{"op": "sleep", "ms": 5_000}], **QUIET) == "not exercised"


def test_one_that_ends_late_or_never_breaks_it() -> None:
    assert verdict([{"op": "sleep", "ms": 80_000}], **QUIET) == "broken"
    late = run(scenario([{"op": "sleep", "ms": 3_600_000}], **QUIET), 1)
    (violation,) = late.verdicts["workflows_finish"].violations
    assert violation.message.startswith("workflow job is still open 590.000 s after 10 s")


def test_nothing_is_judged_where_nothing_is_demanded() -> None:
    endless = scenario([{"op": "sleep", "ms": 36_000_000}])
    assert run(endless, 1, properties=["workflows_finish"]).properties == {"workflows_finish": "not exercised"}
    asked = scenario([{"op": "sleep", "ms": 36_000_000}], fuzz={"quiet_after": "10s"}, until="4h")
    assert run(asked, 1, properties=["workflows_finish"]).properties == {"workflows_finish": "broken"}


def test_only_where_the_scenario_asks() -> None:
    result = run(scenario([{"op": "sleep", "ms": 80_000}]), 1)
    assert "workflows_finish" not in result.properties
    assert list(result.properties) == list(ALL)
    assert not DEMANDS.keys() & ALL.keys()


def test_a_fuzzed_scenario_lasts_until_it_is_known() -> None:
    ground = ground_of(scenario([{"op": "sleep", "ms": 5_000}]))
    assert ground.finish_within_us == FINISH_WITHIN
    made = with_tables(ground, [{"kind": "kill", "target": "w", "at": "1s"}], 20 * SECOND)
    assert made.model.until > FINISH_WITHIN + 20 * SECOND
    assert run(made, 1).properties["workflows_finish"] == "broken"  # nobody starts the worker again
    healed = with_tables(ground, [{"kind": "kill", "target": "w", "at": "1s", "for": "2s"}], 20 * SECOND)
    result = run(healed, 1)
    assert result.properties["workflows_finish"] in ("held", "not exercised")
    assert result.statuses == {"COMPLETED": 1}


def test_what_never_heals_is_not_asked_to_finish() -> None:
    fault = {"kind": "kill", "target": "w", "at": "1s"}
    assert ground_of(scenario([{"op": "sleep", "ms": 500}], faults=[fault])).finish_within_us is None
    restarted = {"workers": [{"name": "w", "restart_after": "5s"}], "faults": [fault]}
    assert ground_of(scenario([{"op": "sleep", "ms": 500}], **restarted)).finish_within_us == FINISH_WITHIN
