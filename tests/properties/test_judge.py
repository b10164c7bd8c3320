"""What the judge says, and what it keeps."""

from __future__ import annotations

import pytest

from sim.properties import ALL, Judge, Setting, VerdictKind
from sim.properties.base import KEPT_VIOLATIONS
from sim.protocol import observations as obs
from sim.protocol.mutants import Mutant
from tests.properties.clusters import DEFER, SETTING, Stage, act, create, simple
from tests.properties.scenarios_broken import apart
from tests.properties.scenarios_planted import kill_holder


def test_twenty_four_promises_with_their_sources() -> None:
    assert len(ALL) == 24
    for name, p in ALL.items():
        assert p.name == name
        assert p.sentence.endswith(".")
        assert p.source
        assert p.needs


def test_what_is_listened_to_is_what_is_needed() -> None:
    observers = Judge(SETTING).observers
    for name, p in ALL.items():
        assert set(observers[name].listeners()) <= set(p.needs), name


def test_every_epsilon_is_derived() -> None:
    for p in ALL.values():
        assert p.epsilon.__doc__
        assert 0 <= p.epsilon(SETTING) < 8_000_000
        assert p.epsilon(Setting(max_call_delay_us=50_000)) >= p.epsilon(SETTING)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError, match="no property slot_limits; there are: slot_limit, token_conservation"):
        Judge(SETTING, ["slot_limits"])


def test_only_what_was_asked_for() -> None:
    assert list(Judge(SETTING, ["same_worker", "slot_limit"]).finish(0)) == ["same_worker", "slot_limit"]


def test_nothing_happened_so_nothing_held() -> None:
    assert {v.kind for v in Judge(SETTING).finish(0).values()} == {VerdictKind.NOT_EXERCISED}


def test_histories_alone_leave_most_undecidable() -> None:
    verdicts = Judge(Setting(histories_only=True)).finish(0)
    decided = [name for name, v in verdicts.items() if v.kind is not VerdictKind.UNDECIDABLE]
    assert decided == [name for name, p in ALL.items() if p.history_decides]


def test_the_first_violations_are_kept_the_others_counted() -> None:
    steps = [create(), DEFER, *[act(10, name=f"a{i}") for i in range(30)]]
    verdict = Stage("AB", mutants=(Mutant.TOKEN_RETURNED_AFTER_SIGNAL,)).start(steps).run(60)["activity_needs_slot"]
    assert verdict.broken == 30
    assert len(verdict.violations) == KEPT_VIOLATIONS
    assert verdict.violations[0].run == "server/run/w/1"
    assert verdict.violations[0].session == "w/1/s1"
    assert verdict.violations[0].worker in ("A", "B")


@pytest.mark.parametrize("crash", [False, True])
def test_what_is_over_is_forgotten(crash: bool) -> None:
    stage = Stage("ABC")
    for i in range(20):
        stage.start(simple(3_000), f"w{i}", at=i)
    if crash:
        kill_holder(stage, 9.5)
    stage.run(120)
    scene = stage.judge.scene
    assert not scene.runs
    assert not scene.sessions
    assert all(not worker.holders and not worker.users for worker in scene.workers.values())
    assert all(not left for observer in stage.judge.observers.values() for left in _kept_by(observer))


def _kept_by(observer: object) -> list[object]:
    kept = [value for name, value in vars(observer).items() if name.startswith("_") and isinstance(value, dict)]
    return [inner for value in kept for inner in value.values()]


def test_what_a_task_that_was_taken_back_did_is_void() -> None:
    """W takes the task that creates the session and is cut off with it; V does it again; W comes back and repeats it."""
    stage = apart()
    asked: list[int] = []

    def cut_off(time: int, node: str, o: obs.WorkflowTaskTaken) -> None:
        if o.identity in ("V", "W") and not asked:
            asked.append(time)
            stage.sim.schedule(time, "test", lambda: stage.cluster.freeze(o.identity))
            stage.sim.schedule(time + 30_000_000, "test", lambda: stage.cluster.unfreeze(o.identity))

    stage.sim.listen(obs.WorkflowTaskTaken, cut_off)
    verdicts = stage.start(simple(60_000)).run(120)
    assert asked
    assert verdicts["one_binding"].exercised == 1
    assert verdicts["creation_bounded"].kind is VerdictKind.HELD
    assert not [name for name, v in verdicts.items() if v.kind is VerdictKind.BROKEN]
