"""Every choice has a name of its own; a run can be taken down and played again, choice by choice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.model.inputs import Deliver
from sim.model.laws import Constant, Exponential, Uniform
from sim.model.spans import Drawn, Exactly, Within
from sim.simulator import outages
from sim.simulator.choices import Choices
from sim.simulator.places import Delays
from tests.models import SYSTEMS, Logged, Puppet, build, puppet, simulated, stage, tell

SLOW = Delays(Exponential(150_000))


@pytest.mark.parametrize("name", SYSTEMS)
@given(seed=st.integers(), other=st.integers())
@settings(max_examples=20)
def test_all_choices_of_a_run_are_the_run(name: str, seed: int, other: int) -> None:
    run = simulated(build(name), seed, recording=True, delays=SLOW)
    run.run()
    assert run.choices.recorded
    again = simulated(build(name), other, deviations=run.choices.recorded, recording=True, delays=SLOW)
    again.run()
    assert again.digest.hexdigest() == run.digest.hexdigest()
    assert again.choices.recorded == run.choices.recorded
    assert again.choices.unused() == []
    assert again.log == run.log


@pytest.mark.parametrize("name", SYSTEMS)
def test_recording_changes_nothing_and_every_seed_is_another_run(name: str) -> None:
    digests = set()
    for seed in range(10):
        runs = [simulated(build(name), seed, recording=recording) for recording in (False, True)]
        for run in runs:
            run.run()
        assert len({run.digest.hexdigest() for run in runs}) == 1
        digests.add(runs[0].digest.hexdigest())
    assert len(digests) == 10


def test_one_deviation_changes_one_choice() -> None:
    run = simulated(build("alternating_bit"), 3, recording=True)
    run.run()
    label = "delay|sender>receiver|Item|1"
    assert run.choices.recorded is not None
    assert run.choices.recorded[label] > 0
    deviating = simulated(build("alternating_bit"), 3, deviations={label: 0}, recording=True)
    deviating.run()
    assert deviating.choices.recorded is not None
    common = set(run.choices.recorded) & set(deviating.choices.recorded)
    assert {key for key in common if run.choices.recorded[key] != deviating.choices.recorded[key]} == {label}
    first = next(time for time, event in deviating.inputs("receiver"))
    assert first == deviating.choices.recorded["move|sender|start|1"]


def test_a_deviation_that_no_choice_met_is_reported() -> None:
    run = simulated(build("lease_lock"), 0, deviations={"delay|c1>server|Acquire|1": 5, "delay|c9>server|Acquire|1": 5, "misspelt": 1})
    run.run()
    assert run.choices.unused() == ["delay|c9>server|Acquire|1", "misspelt"]


def test_labels_are_in_natural_units() -> None:
    sim = stage("a", "b", seed=4, recording=True, think=Constant(17), delays=Delays(Uniform(10, 20)))
    sim.add("m", Puppet((("choose", "way", ("left", "right")), ("choose", "only", ("one",)))), "m")
    tell(
        sim, "a", ("send", "b", "hello"), ("arm", "t", Within("w", 3, 5)), ("arm", "u", Drawn("d", Constant(6), entity="x/1|y", ordinal=7))
    )
    tell(sim, "a", ("send", "b", "hello"), ("send", "b", 1))
    sim.run()
    recorded = sim.choices.recorded
    assert recorded is not None
    assert set(recorded) == {
        "delay|a>b|str|1",
        "delay|a>b|str|2",
        "delay|a>b|int|1",
        "draw|a|w|1",
        "draw|x/1|y|d|7",
        "move|m|go|1",
        "choose|m|way|1",
    }
    assert recorded["move|m|go|1"] == 17
    assert puppet(sim, "m").heard == [("choose", ("left", "right")[recorded["choose|m|way|1"]]), ("choose", "one")]
    assert all(10 <= recorded[key] <= 20 for key in recorded if key.startswith("delay"))
    assert all(type(value) is int for value in recorded.values())


def two_lives(**options: object) -> Logged:
    """A place that dies and comes back, with draws in both lives."""
    sim = stage("a", "b", delays=Delays(Uniform(0, 10**6)), **options)
    life = (("send", "a", "hello"), ("arm", "t", Within("w", 0, 10**6)))
    tell(sim, "b", *life)
    sim.schedule(10, "kill", lambda: outages.kill(sim, "b"))

    def again() -> None:
        outages.revive(sim, "b")
        sim.add("b", Puppet(), "b")
        tell(sim, "b", *life)

    sim.schedule(20, "again", again)
    sim.run()
    return sim


def test_a_second_life_draws_anew_and_under_new_names() -> None:
    run = two_lives(seed=1, recording=True)
    recorded = run.choices.recorded
    assert recorded is not None
    assert set(recorded) == {f"{label}|{ordinal}" for label in ("delay|b>a|str", "draw|b|w") for ordinal in (1, 2)}
    assert recorded["draw|b|w|1"] != recorded["draw|b|w|2"]
    assert two_lives(seed=2, deviations=recorded).log == run.log
    assert sum(isinstance(event, Deliver) for _, event in run.inputs("a")) == 2


def chosen(times: int, *arguments: object, **options: object) -> list[object]:
    """What a node got that asked a question so many times."""
    sim = stage("a", **options)
    tell(sim, "a", *((("choose", "way", *arguments),) * times))
    return [answer for _, answer in puppet(sim, "a").heard]  # type: ignore[misc]


def test_choices_follow_their_weights() -> None:
    found = chosen(4000, "xyz", (0, 3, 1))
    assert set(found) == {"y", "z"}
    assert 0.72 < found.count("y") / 4000 < 0.78


def test_without_weights_all_options_are_alike() -> None:
    found = chosen(6000, "xyz")
    assert all(0.3 < found.count(option) / 6000 < 0.37 for option in "xyz")
    assert found == chosen(6000, "xyz", (5, 5, 5))


@given(st.lists(st.integers(0, 5), min_size=2, max_size=6).filter(any), st.integers())
def test_what_has_no_weight_is_never_chosen(weights: list[int], seed: int) -> None:
    assert all(weights[i] > 0 for i in chosen(20, range(len(weights)), tuple(weights), seed=seed))  # type: ignore[call-overload]


@pytest.mark.parametrize("weights", [(), ((1, 1),)])
@pytest.mark.parametrize("value", [2, 99])
def test_a_deviation_to_an_option_that_does_not_exist_is_an_error_that_names_it(value: int, weights: tuple[tuple[int, ...], ...]) -> None:
    assert chosen(1, "xy", *weights, deviations={"choose|a|way|1": 1}) == ["y"]
    with pytest.raises(ValueError, match=rf"'choose\|a\|way\|1' is {value}; expected one of 2 options, 0 to 1"):
        chosen(1, "xy", *weights, deviations={"choose|a|way|1": value})


def test_a_negative_deviation_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match=r"'delay\|a>b\|X\|1' is -1; expected at least 0"):
        Choices(1, {"delay|a>b|X|1": -1})


def test_a_budget_of_a_call_can_be_drawn() -> None:
    sim = stage("a", "b", recording=True)
    tell(sim, "a", ("call", "b", "?", "t", Within("patience", 5, 9)), ("arm", "t2", Exactly(1)))
    sim.run()
    assert sim.choices.recorded is not None
    assert "draw|a|patience|1" in sim.choices.recorded
