"""The guard notices a run that depends on what a run must not depend on, and says where."""

from __future__ import annotations

from sim import Scenario
from sim.fuzz.guard import check, events, first_difference
from sim.fuzz.schedulers import Schedule
from sim.fuzz.subject import play
from sim.scenario.fuzzing import Ground, ground_of

SOUND = """
from sim import workflow

@workflow.workflow
async def job(ctx, argument):
    await workflow.sleep(ctx, {length})
"""


def ground(length: str) -> Ground:
    content = {
        "workers": [{"name": "w"}],
        "workflows": [{"id": "job", "workflow": "code.py:job"}],
        "modules": {"code.py": SOUND.format(length=length)},
        "fuzz": {"strength": 0},
    }
    return ground_of(Scenario.from_dict(content))


def digests(one: Ground, *seeds: int) -> dict[int, str]:
    return {seed: play(one, seed, Schedule()).digest for seed in seeds}


def test_sound_code_is_the_same_in_another_process() -> None:
    one = ground("3_000_000")
    guarded = check(one, digests(one, 1, 2), Schedule())
    assert guarded.seeds == (1, 2)
    assert guarded.differing == ()
    assert guarded.difference == ""


def test_code_that_depends_on_hashes_is_noticed() -> None:
    one = ground("1_000_000 + hash('a text') % 1_000_000")
    guarded = check(one, digests(one, 1), Schedule())
    assert guarded.differing == (1,)
    assert guarded.difference.startswith("seed 1: event ")
    assert "here and" in guarded.difference


def test_nothing_to_do() -> None:
    assert check(ground("1"), {}, Schedule()).seeds == ()


def test_the_first_difference() -> None:
    assert first_difference(["a", "b"], ["a", "c"]) == "event 2 is 'b' here and 'c' there"
    assert first_difference(["a", "b"], ["a"]) == "event 2 is 'b', only here"
    assert first_difference(["a"], ["a", "b"]) == "event 2 is 'b', only there"
    assert "results differ" in first_difference(["a"], ["a"])


def test_events_are_told_with_time_and_place() -> None:
    told = events(ground("3_000_000"), Schedule(), 1)
    assert told[0].startswith("0s w.1/w: Fault(kind='start'")
    assert any("Deliver StartWorkflow" in line for line in told)
