"""What may happen from outside, within budgets: each kind is found by the small explorer too, and comes to a run with a clock."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim import replay
from sim.checker.checking import Options, check
from sim.checker.result import Verdict
from sim.model.inputs import Fault, Reply
from sim.model.outcomes import outcomes
from sim.model.spans import Exactly
from sim.scenario.checked import Bounds, said, system_of
from sim.scenario.findings import findings
from sim.scenario.remote import DUPLICATE, FREEZE, HOLD, RELEASE, UNFREEZE, RemoteWorker
from tests.checker.test_search import same
from tests.checker.test_sessions import PROGRAM, checked, scenario_of, system

LONG = [*PROGRAM[:2], {"op": "act", "in": "s", "work": {"name": "work", "ms": 30_000}}]
ALONE = [{"op": "create", "as": "s", "creation": "60s", "execution": "600s"}]


def test_budgets_stand_beside_the_verdict() -> None:
    bounds = said(Bounds(lost_machines=1, pauses=2, partitions=3, duplicates=4, restarts=5), None)
    assert {name: bounds[name] for name in ("lost machines", "pauses", "partitions", "duplicates", "restarts")} == {
        "lost machines": 1, "pauses": 2, "partitions": 3, "duplicates": 4, "restarts": 5,
    }  # fmt: skip


EVERY = [{"lost_machines": 1}, {"duplicates": 1}, {"lost_machines": 1, "restarts": 1}, {"crashes": 1, "restarts": 1}]
HEAVY = [{"pauses": 1, "retries": 0}, {"partitions": 1, "retries": 0}]


@pytest.mark.parametrize("budgets", [*EVERY[:2], *(pytest.param(b, marks=pytest.mark.slow) for b in (*EVERY[2:], *HEAVY))], ids=str)
def test_the_states_are_those_that_the_small_explorer_finds(budgets: dict[str, int]) -> None:
    smallest = system(program=ALONE, **budgets)
    same(smallest, check(smallest, Options(jobs=1, subsumption=False)))


@pytest.mark.parametrize(
    ("budgets", "kind"),
    [
        pytest.param({"lost_machines": 1}, "lose_machine", marks=pytest.mark.slow),
        pytest.param({"pauses": 1}, "pause", marks=pytest.mark.slow),
        pytest.param({"partitions": 1}, "partition", marks=pytest.mark.slow),
    ],
)
def test_each_is_enough_to_let_a_session_fail_and_a_run_confirms_it(budgets: dict[str, int], kind: str) -> None:
    """Nobody hears from the worker, so the server gives the session up, and the workflow ends as canceled."""
    scenario = scenario_of(2, 1, 1, LONG)
    whole = system_of(scenario, Bounds(**budgets), ["failure_is_failure"])
    found = findings(scenario, whole.world, check(whole, Options(jobs=1)))["failure_is_failure"]  # type: ignore[arg-type]
    assert found.tape is not None
    assert [fault["kind"] for fault in found.tape.scenario["faults"]] == [kind]
    assert replay(found.tape).result.properties["failure_is_failure"] == "broken"


def test_nothing_is_lost_by_a_call_that_arrives_twice() -> None:
    """Of what breaks with one, all breaks without."""
    names = ["token_conservation", "slot_limit", "same_worker", "one_binding", "closed_is_final", "failure_is_failure"]
    result = checked(1, 1, 1, duplicates=1, only=names)
    assert {judgement.verdict for judgement in result.properties.values()} <= {Verdict.HELD, Verdict.NOT_EXERCISED}


def test_a_lost_machine_leaves_its_polls_open() -> None:
    """After a crash the server knows; of a lost machine it does not, and a task that goes there is lost."""
    for fault, polls in (("crash", 0), ("lose machine", 5)):
        world = system(1, 1, 1, only=[], crashes=1, lost_machines=1).world
        state = world.initial()
        move = next(c for c in world.enabled(state) if getattr(c.event, "label", None) == (fault, "w"))
        ((_, after),) = world.apply(state, move)
        assert "w.1/w" not in {name for name, _, _ in after.nodes}
        opened = [len(kind.restored(local).open) for name, kind, local in after.nodes if hasattr(kind, "_poll_for")]  # type: ignore[attr-defined]
        assert sum(opened) == polls, fault


def after(node: RemoteWorker, *events: Any) -> list[Any]:
    """Let a node take inputs; the effects of the last one. Where it may choose, it takes the first answer."""
    effects: list[Any] = []
    for event in events:
        result = next(iter(outcomes(RemoteWorker, "w.1/w", node.snapshot(), event)))
        node.restore(result.state)
        effects = list(result.effects)
    return effects


def remote() -> RemoteWorker:
    """A worker that was started."""
    world = system(1, 1, 1, only=[], pauses=1).world
    local = next(local for name, _, local in world.initial().nodes if name == "w.1/w")
    return RemoteWorker.restored(local)


def task_ends(node: RemoteWorker) -> Reply:
    """What an open poll gets when its time is over."""
    poller = node.worker.pollers.pollers[0]
    return Reply(poller.tag, None)


def test_what_comes_to_a_process_that_stands_still_waits() -> None:
    node = remote()
    assert after(node, FREEZE, task_ends(node)) == []
    assert after(node, Fault("stop")) == []
    assert not node.worker.pollers.stopping
    effects = after(node, UNFREEZE)
    assert node.worker.pollers.stopping
    tags = [effect.tag for effect in effects if effect.__class__.__name__ == "Arm" and effect.after == Exactly(0)]
    assert tags == [("arrive", task_ends(node).tag)]


def test_calls_of_a_process_out_of_reach_leave_when_it_is_over() -> None:
    node = remote()
    after(node, HOLD, Fault("stop"))
    assert node.worker.pollers.stopping
    (waiting,) = node.unsent.values()
    assert type(waiting.request).__name__ == "ShutdownWorker"
    calls = [e for e in after(node, RELEASE) if e.__class__.__name__ == "Request"]
    assert [type(call.request).__name__ for call in calls] == ["ShutdownWorker"]
    assert not node.unsent


def test_one_call_is_made_twice_and_no_more() -> None:
    node = remote()
    after(node, DUPLICATE)
    results = list(outcomes(RemoteWorker, "w.1/w", node.snapshot(), Fault("stop")))
    twice = [[e for e in result.effects if e.__class__.__name__ == "Request"] for result in results]
    assert sorted(map(len, twice)) == [1, 2]
    assert max(twice, key=len)[0] == max(twice, key=len)[1]
