"""What is drawn can be run, prints as what makes it again, and shrinks to what is smallest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from sim import Scenario, run
from sim.testing.example import text_of
from sim.testing.strategies import KINDS, Example, clusters, fault_plans, scenarios, workloads

QUICK = settings(
    max_examples=1500, database=None, derandomize=True, deadline=None, phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def smallest(name: str, **drawn: object) -> Scenario:
    """The scenario that Hypothesis ends with when it looks for one that breaks this promise."""

    def breaks(scenario: Scenario) -> bool:
        return run(scenario, 1, properties=[name]).properties[name] == "broken"

    return find(scenarios(**drawn), breaks, settings=QUICK)  # type: ignore[arg-type]


@settings(QUICK, max_examples=15, phases=(Phase.generate,))
@given(scenarios())
def test_what_is_drawn_can_be_run_and_prints_as_what_makes_it_again(scenario: Scenario) -> None:
    text = repr(scenario)
    again = eval(text, {"Scenario": Scenario})
    assert again.to_dict() == scenario.to_dict()
    assert run(again, 3, properties=()).digest == run(scenario, 3, properties=()).digest


def test_a_workflow_that_ends_canceled_shrinks_to_one_worker_one_activity_one_fault() -> None:
    small = smallest("failure_is_failure", kinds=("kill", "stop", "partition"), cluster=clusters(restarting=True)).model
    assert [(w.count, w.max_concurrent_session_execution_size) for w in small.workers] == [(1, 1)]
    assert [f.kind for f in small.faults] == ["kill"]
    assert len(small.workflows) == 1
    assert [step["op"] for step in small.workflows[0].program or []] == ["create", "defer_complete", "act"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kinds", "workers", "faults"),
    [
        ("no_false_alarm", ("partition", "kill"), 1, ["partition"]),
        ("activity_needs_slot", (), 1, []),  # P3.6.6: no fault is needed
        ("exclusive_work", (), 2, []),
    ],
)
def test_others_shrink_as_well(name: str, kinds: tuple[str, ...], workers: int, faults: list[str]) -> None:
    small = smallest(name, kinds=kinds).model
    assert [w.count for w in small.workers] == [workers]
    assert len(small.workflows) == 1
    assert [f.kind for f in small.faults] == faults


@settings(QUICK, max_examples=20, phases=(Phase.generate,))
@given(st.data())
def test_bounds_are_kept(data: st.DataObject) -> None:
    tables = data.draw(clusters(max_workers=2, max_slots=1, restarting=False)) | data.draw(workloads(max_workflows=1))
    worker = tables["workers"][0]
    assert worker["count"] <= 2
    assert worker["max_concurrent_session_execution_size"] == 1
    assert "restart_after" not in worker
    assert [w["id"] for w in tables["workflows"]] == ["job1"]
    plan = data.draw(fault_plans(["w"], ["job1"], kinds=("pause", "cancel"), max_faults=2))
    assert len(plan) <= 2
    assert {fault["kind"] for fault in plan} <= {"pause", "cancel"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_soundly(kind: str) -> None:
    """The whole of a scenario is checked when it is made."""

    def has(scenario: Scenario) -> bool:
        return [fault.kind for fault in scenario.model.faults] == [kind]

    found = find(scenarios(kinds=(kind,)), has, settings=settings(QUICK, phases=(Phase.generate,)))
    assert isinstance(found, Example)


def test_a_workflow_of_ones_own(tmp_path: Path) -> None:
    mistake = Path(__file__).parent / "mistakes" / "cancel_as_loss.py"
    drawn = scenarios(
        workload=workloads(workflow="mistaken", file=mistake, argument="cats", activities=["download", "encode"], max_workflows=1),
        kinds=("cancel",), properties=("cancel_is_obeyed",),
    )  # fmt: skip
    shown: Callable[[Scenario], bool] = lambda s: run(s, 1).properties["cancel_is_obeyed"] == "broken"  # noqa: E731
    small = find(drawn, shown, settings=QUICK)
    assert [fault.kind for fault in small.model.faults] == ["cancel"]
    file = tmp_path / "small.toml"
    file.write_text(text_of(small), "utf-8")
    assert eval(repr(small), {"Scenario": Scenario}).to_dict() == small.to_dict()
    assert run(Scenario.load(file), 1).properties == {"cancel_is_obeyed": "broken"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: fault_plans(kinds=("kil",)), "has kil; expected some of kill, stop"),
        (lambda: workloads(workflow="w").example(), "does not say where that is; expected file="),
    ],
)
@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_what_is_wrong_is_told(wrong: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        wrong()
