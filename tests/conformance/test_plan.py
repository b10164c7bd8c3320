"""What of a scenario can be recorded, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance import draw
from conformance.plan import SERVER_FAULTS, FaultPlan, MomentPlan, NotRecordable, Plan, plan_of
from sim import Scenario
from tests.conformance.fakes import TABLE, plan

CASES = sorted((Path(draw.__file__).parent / "cases").glob("*.toml"))


def fault(**given: Any) -> FaultPlan:
    return plan(faults=[given]).faults[0]


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_every_committed_case_can_be_recorded(file: Path) -> None:
    planned = plan_of(Scenario.load(file))
    assert planned.name == file.stem
    assert planned.flows


def test_workers_have_the_options_that_differ_from_the_sdks() -> None:
    workers = [
        {"name": "A", "max_concurrent_session_execution_size": 2, "worker_stop_timeout": "3s"},
        {"name": "B", "disable_workflow_worker": True, "start_at": "2s", "host": "far"},
        {"name": "C", "enable_session_worker": False, "start_at": "never"},
    ]
    a, b, c = plan(workers=workers).workers
    assert (a.host, a.options, a.start_at_us) == ("host-a", {"sessions": 2, "stop_timeout": "3s"}, 0)
    assert (b.host, b.options, b.start_at_us) == ("far", {"no_workflow": True}, 2_000_000)
    assert (c.options, c.start_at_us) == ({"no_session": True}, None)


def test_workflows_start_in_the_order_of_their_times() -> None:
    program = TABLE["workflows"][0]["program"]
    late = {"id": "late", "program": program, "arrival": {"at": ["3s"]}, "run_timeout": "6s"}
    planned = plan(workflows=[late, {"id": "soon", "program": program}])
    assert [(flow.id, flow.at_us, flow.run_timeout_us) for flow in planned.flows] == [("soon", 0, 0), ("late", 3_000_000, 6_000_000)]


def test_a_moment_is_an_entry_of_a_log() -> None:
    moment = {"name": "activity runs", "where": {"label": "a"}, "nth": 2, "after": "20ms"}
    when = fault(kind="kill", target="@there", moment=moment).when
    assert when == MomentPlan("activity_start", {"name": "a"}, 2, 20_000)
    creation = fault(kind="kill", target="A", moment="creation activity runs").when
    assert creation == MomentPlan("activity_start", {"type": "internalSessionCreationActivity"}, 1, 0)


def test_a_fault_keeps_its_parameters() -> None:
    given = fault(kind="lose_request", target="A", at="1s", method="RecordActivityTaskHeartbeat", calls=2, noticed_after="500ms")
    assert given.when == 1_000_000
    assert given.parameters == {"method": "RecordActivityTaskHeartbeat", "calls": 2, "noticed_after": 500_000}
    outage = fault(kind="server_outage", at="1s", **{"for": "2s"})
    assert (outage.kind in SERVER_FAULTS, outage.lasts_us) == (True, 2_000_000)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"faults": [{"kind": "server_outage", "at": "1s"}]}, "how long the server is away"),
        ({"faults": [{"kind": "slow_down", "target": "A", "at": "1s", "factor": 2.0}]}, "'slow_down' cannot be recorded"),
        ({"faults": [{"kind": "kill", "target": "@busy", "at": "1s"}]}, "'@busy' is not visible from outside"),
        ({"faults": [{"kind": "kill", "target": "A", "moment": "session token taken"}]}, "is not visible from outside"),
        ({"faults": [{"kind": "kill", "target": "A", "every": "5s"}]}, "instead of `every`"),
        ({"faults": [{"kind": "kill", "target": "A", "every": {"exponential": "5s"}}]}, "instead of a rate"),
        ({"cluster": {"history_shards": 4}}, "history_shards"),
        ({"activities": {"work": {"duration": "1s"}}}, "only DoWork"),
        ({"workers": [{"name": "A", "sticky_workflow_cache_size": 0}]}, "sticky_workflow_cache_size"),
        ({"workflows": [{**TABLE["workflows"][0], "arrival": {"every": "2s"}, "count": 2}]}, "expected given times"),
    ],
)  # fmt: skip
def test_what_cannot_be_recorded_is_said(more: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotRecordable, match=reason):
        plan(**more)


def test_all_reasons_are_listed_at_once() -> None:
    with pytest.raises(NotRecordable) as caught:
        plan(cluster={"history_shards": 4}, activities={"work": {"duration": "1s"}})
    assert len(caught.value.reasons) == 2


# -- what is drawn -----------------------------------------------------------------------------------------------------


def drawn(seeds: range) -> list[Plan]:
    return [plan_of(Scenario.from_dict(draw.scenario(seed))) for seed in seeds]


def test_a_seed_draws_the_same_and_others_draw_others() -> None:
    tables = [draw.scenario(seed) for seed in range(40)]
    assert tables == [draw.scenario(seed) for seed in range(40)]
    assert len({str({**table, "name": "", "title": ""}) for table in tables}) == 40


def test_all_kinds_of_faults_and_steps_are_drawn_and_can_be_recorded() -> None:
    plans = drawn(range(300))
    kinds = {fault.kind for planned in plans for fault in planned.faults}
    assert kinds >= {"kill", "lose_machine", "stop", "restart", "pause", "partition", "server_outage", "cancel", "terminate", "signal"}
    assert kinds >= {"lose_request", "lose_response", "delay_request", "delay_response", "error"}
    steps = {step["op"] for planned in plans for flow in planned.flows for step in flow.steps}
    assert steps >= {"create", "act", "complete", "until_ok", "parallel", "recreate", "token", "continue_as_new", "await", "disconnected"}


def test_without_outages_none_is_drawn() -> None:
    tables = [draw.scenario(seed, outages=False) for seed in range(200)]
    assert not [fault for table in tables for fault in table["faults"] if fault["kind"] == "server_outage"]
