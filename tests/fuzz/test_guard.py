"""The guard notices a run that depends on what a run must not depend on, and says where."""

from __future__ import annotations

from sim import Scenario
from sim.fuzz.guard import check, events, first_difference
from sim.fuzz.schedulers import Schedule
from sim.fuzz.subject import play
from sim.scenario.fuzzing import Ground, ground_of

CODE = """
from sim import workflow

class Sized:
    def __init__(self, size):
        self.size = size
    def __hash__(self):
        return hash(str(self.size))

@workflow.workflow
async def job(ctx, argument):
    ctx = workflow.with_activity_options(ctx, workflow.ActivityOptions(start_to_close_timeout=workflow.minutes(1)))
    {line}
"""
ACT = "await workflow.execute_activity(ctx, 'encode', {argument}).get(ctx)"


def doing(line: str) -> Ground:
    """A workflow that does this."""
    content = {
        "workers": [{"name": "w"}],
        "activities": {"encode": {"duration": "1s"}},
        "workflows": [{"id": "job", "workflow": "code.py:job"}],
        "modules": {"code.py": CODE.format(line=line)},
        "fuzz": {"strength": 0},
    }
    return ground_of(Scenario.from_dict(content))


def ground(length: str) -> Ground:
    return doing(f"await workflow.sleep(ctx, {length})")


def digests(one: Ground, *seeds: int) -> dict[int, str]:
    return {seed: play(one, seed, Schedule()).digest for seed in seeds}


def test_sound_code_is_the_same_in_another_process() -> None:
    one = ground("3_000_000")
    guarded = check(one, digests(one, 1, 2), Schedule())
    assert guarded.seeds == (1, 2)
    assert guarded.differing == ()
    assert guarded.difference == ""


def test_code_that_depends_on_hashes_is_noticed() -> None:
    one = ground("1_000_000 + Sized(1).__hash__() % 1_000_000")
    guarded = check(one, digests(one, 1), Schedule())
    assert guarded.differing == (1,)
    assert guarded.difference.startswith("seed 1: event ")
    assert "here and" in guarded.difference


NAMES = "{'cat', 'dog', 'emu', 'fox', 'gnu', 'hen', 'ibis', 'jay'}"


def test_the_order_of_a_set_is_noticed_in_what_activities_are_asked_for() -> None:
    one = doing(f"for name in {NAMES}: {ACT.format(argument='name')}")
    guarded = check(one, digests(one, 1), Schedule())
    assert guarded.differing == (1,)
    assert "asks for encode('" in guarded.difference.partition("here and")[0]
    assert "asks for encode('" in guarded.difference.partition("here and")[2]


def test_the_order_of_a_set_is_noticed_in_results() -> None:
    one = doing(f"return list({NAMES})")
    assert "the workflows' results differ" in check(one, digests(one, 1), Schedule()).difference


def test_a_set_whose_order_does_not_matter_is_none_of_its_business() -> None:
    one = doing(f"for name in sorted({NAMES}): {ACT.format(argument='(name, object())')}")
    assert check(one, digests(one, 1), Schedule()).differing == ()


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
