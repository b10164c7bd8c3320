"""Typed resources in scenarios: what is said of bad input, that large demands get their turn, and the figures of their use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim import Scenario, ScenarioError, run
from sim.scenario.measures import Measures

SECTION = {"name": "w", "session_resources": {"gpu": 2, "disk": 4}}


def create(**more: Any) -> dict[str, Any]:
    return {"op": "create", "as": "s", "creation": "60s", "execution": "600s", **more}


def scenario(worker: dict[str, Any], *steps: dict[str, Any], protocol: str = "host", **more: Any) -> Scenario:
    workflow = {"id": "job", "program": list(steps) or [create()]}
    return Scenario.from_dict({"protocol": protocol, "workers": [worker], "workflows": [workflow], **more}, source="s.toml")


BAD: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str]] = {
    "a type that nearly is one": (
        SECTION, [create(resources={"gpuu": 1})],
        "workflows[0].program[0].resources.gpuu: no worker of the queue 'tasks' has a resource 'gpuu'; did you mean 'gpu'?",
    ),
    "more than any worker has": (
        SECTION, [create(resources={"gpu": 3})],
        "workflows[0].program[0].resources: no worker could ever serve gpu=3; w has disk=4,gpu=2",
    ),
    "a demand that no worker is open to": (
        {**SECTION, "session_shapes": [{"gpu": 1}]}, [create(resources={"gpu": 2})],
        "workflows[0].program[0].resources: no worker could ever serve gpu=2; w has disk=4,gpu=2 and its session_shapes name "
        "what it is open to",
    ),
    "deep in a program": (
        SECTION, [{"op": "parallel", "branches": [[create(resources={"tape": 1})]]}],
        "workflows[0].program[0].branches[0][0].resources.tape: no worker of the queue 'tasks' has a resource 'tape'; ",
    ),
    "no amount": (
        SECTION, [create(resources={"gpu": 0})],
        "workflows[0].program[0].resources.gpu: is 0; expected a whole number of at least 1",
    ),
    "nobody has any": (
        {"name": "w"}, [create(resources={"gpu": 1})],
        "workflows[0].program[0].resources.gpu: no worker of the queue 'tasks' has a resource 'gpu'; none of them has session_resources",
    ),
    "a worker with none of a type": (
        {"name": "w", "session_resources": {"gpu": 0}}, [], "workers[0].session_resources.gpu: is 0; expected at least 1, such as 1",
    ),
    "too many demands": (
        {"name": "w", "session_resources": {"gpu": 8, "disk": 8}}, [],
        "workers[0].session_shapes: 80 different demands, each with two polls of its own; expected at most 64: name those "
        "that sessions have, ",
    ),
    "a shape that it has not": (
        {**SECTION, "session_shapes": [{"gpu": 3}]}, [],
        "workers[0].session_shapes[0]: is gpu=3; expected some of what it has, disk=4,gpu=2",
    ),
    "shapes of nothing": (
        {"name": "w", "session_shapes": [{"gpu": 1}]}, [],
        "workers[0].session_shapes: says nothing without session_resources; expected those, too",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_with_its_key(name: str) -> None:
    worker, steps, message = BAD[name]
    with pytest.raises(ScenarioError) as caught:
        scenario(worker, *steps)
    assert message in str(caught.value)


def test_the_original_knows_no_resources() -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(SECTION, create(resources={"gpu": 1}), protocol="sessions")
    said = str(caught.value)
    assert 'workers[0].session_resources: are known to host sessions only; expected protocol = "host" at the top of the file' in said
    assert "workflows[0].program[0].resources: are known to host sessions only" in said


def test_what_nobody_asked_for_is_not_spelled_out() -> None:
    """It came later than the digests that stores and tapes have."""
    assert not {"session_resources", "session_shapes"} & scenario({"name": "w"}).to_dict()["workers"][0].keys()
    spelled_out = scenario({**SECTION, "session_shapes": [{"gpu": 1}]}, create(resources={"gpu": 1}))
    assert Scenario.from_dict(spelled_out.to_dict()).digest == spelled_out.digest


def small_ones_without_end(patience: str) -> dict[str, Any]:
    """Two GPUs; every 40 s a session comes that needs one for a minute; one comes that needs both."""
    work = {"op": "act", "in": "s", "work": {"ms": 60000}}
    small = [create(resources={"gpu": 1}, creation="10m"), {"op": "defer_complete", "in": "s"}, work]
    large = [create(resources={"gpu": 2}, creation="15m", patience=patience), {"op": "complete", "in": "s"}]
    made = Scenario.from_dict(
        {
            "protocol": "host",
            "until": "30m",
            "workers": [{"name": "w", "session_resources": {"gpu": 2}}],
            "workflows": [
                {"id": "small", "program": small, "count": 40, "arrival": {"every": {"constant": "40s"}}},
                {"id": "large", "program": large, "arrival": {"at": "90s"}},
            ],
        }
    )
    measures = Measures(["resources"])
    run(made, 1, observers=[measures])
    return measures.values()


def test_a_large_demand_gets_its_turn_when_its_patience_is_over() -> None:
    """Within patience, a minute for the two that are in, and another for one that was let in just before."""
    values = small_ones_without_end("30s")
    assert values["not_created_by_demand"]["gpu=2"] == 0
    assert 30 < values["waits_by_demand_s"]["gpu=2"] <= 30 + 2 * 60 + 1
    assert values["waited_at_door"] >= 1


def test_without_an_end_of_patience_small_demands_starve_a_large_one() -> None:
    """There is always one of two GPUs taken."""
    values = small_ones_without_end("1h")
    assert values["not_created_by_demand"] == {"gpu=1": 0, "gpu=2": 1}
    assert values["waits_by_demand_s"]["gpu=1"] < 30


def test_workflows_that_hold_one_session_and_ask_for_another_may_wait_for_each_other() -> None:
    """The other way round each, as with two locks: CreationTimeout ends it. Those that ask for both at once never do."""

    def nested(first: str, second: str) -> list[dict[str, Any]]:
        inner = {**create(resources={second: 1}, creation="2m"), "as": "inner"}
        return [
            create(resources={first: 1}),
            {"op": "sleep", "ms": 1000},
            inner,
            {"op": "complete", "in": "inner"},
            {"op": "complete", "in": "s"},
        ]

    def ends(*programs: list[dict[str, Any]]) -> dict[str, int]:
        workflows = [{"id": f"w{n}", "program": program} for n, program in enumerate(programs)]
        worker = {"name": "w", "session_resources": {"gpu": 1, "disk": 1}}
        return run(Scenario.from_dict({"protocol": "host", "workers": [worker], "workflows": workflows}), 1).statuses

    assert ends(nested("gpu", "disk"), nested("disk", "gpu")) == {"FAILED": 2}
    both = [create(resources={"gpu": 1, "disk": 1}), {"op": "sleep", "ms": 1000}, {"op": "complete", "in": "s"}]
    assert ends(both, both) == {"COMPLETED": 2}


def test_figures_of_use_by_type() -> None:
    """One GPU of two for 100 s of a run of so many seconds."""
    steps = [create(resources={"gpu": 1}), {"op": "act", "in": "s", "work": {"ms": 100_000}}, {"op": "complete", "in": "s"}]
    measures = Measures(["resources"])
    result = run(scenario(SECTION, *steps), 1, observers=[measures])
    values = measures.values()
    assert values["units"] == {"disk": pytest.approx(4), "gpu": pytest.approx(2)}
    assert values["units_used"]["disk"] == 0
    assert values["units_used"]["gpu"] == pytest.approx(100 / (result.ended_at_us / 1e6), rel=0.01)
    assert values["units_used_share"]["gpu"] == pytest.approx(values["units_used"]["gpu"] / 2)
    assert values["turned_away"] == 0


def test_the_shipped_pool() -> None:
    """Whoever needs nothing scarce does not wait; the large ones get their turn; all types are used."""
    measures = Measures(["resources"])
    result = run(Scenario.load(Path(__file__).parents[2] / "scenarios" / "gpu_pool_typed.toml"), 1, observers=[measures])
    values = measures.values()
    assert result.as_expected
    assert values["waits_by_demand_s"]["nothing"] < 0.1
    assert set(values["not_created_by_demand"].values()) == {0}
    assert all(0 < share <= 1 for share in values["units_used_share"].values())
