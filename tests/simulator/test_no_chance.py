"""The default schedule: the seed that leaves nothing to chance."""

from __future__ import annotations

import pytest

from sim import Scenario, replay, run
from sim.model.draws import MIDDLE, NO_CHANCE, Draws
from sim.model.laws import Constant, Exponential, LogNormal, Uniform
from sim.model.samples import Samples
from sim.simulator.choices import Choices

STEPS = [
    {"op": "create", "as": "s", "creation": "1m", "execution": "10m"},
    {"op": "act", "in": "s", "activity": "work"},
    {"op": "complete", "in": "s"},
]
TABLES = {
    "network": {"request": {"uniform": ["1ms", "5ms"]}, "response": {"lognormal": {"median": "2ms", "p95": "9ms"}}},
    "latencies": {"busy": {"share": 0.5}},
    "workers": [{"name": "w", "count": 2}],
    "activities": {"work": {"duration": {"exponential": "10s"}, "failure_probability": 0.4}},
    "workflows": [{"id": "job", "count": 3, "program": STEPS, "arrival": {"poisson": "5s"}}],
}


@pytest.mark.parametrize(
    ("law", "median"), [(Uniform(1_000, 3_000), 2_000), (Constant(7), 7), (LogNormal(5_000, 900), 5_000), (Exponential(1_000_000), 693_147)]
)
def test_every_law_gives_its_median(law: Uniform | Constant | LogNormal | Exponential, median: int) -> None:
    choices = Choices(NO_CHANCE)
    stream = choices.stream("delay", "a>b")
    assert {choices.sample("delay", "a>b", "x", stream, law) for _ in range(100)} == {median}
    assert choices.sample_at("arrival", "job", 3, law) == median
    samples = Samples(choices.stream("delay", "a>b"), law)
    assert {samples.ready.pop() if samples.ready else samples.more() for _ in range(1_000)} == {median}
    assert samples.drawn == 1_000


def test_the_first_of_several_options_is_taken_that_may_be_taken_at_all() -> None:
    choices = Choices(NO_CHANCE, recording=True)
    stream = choices.stream("choose", "q")
    assert choices.pick("q", "poll", stream, "abc", None) == 0
    assert choices.pick("q", "poll", stream, "abc", [0, 3, 5]) == 1
    assert choices.recorded == {"choose|q|poll|1": 0, "choose|q|poll|2": 1}


def test_other_seeds_are_as_they_were() -> None:
    assert Draws(-2).stream("a", "b").next() != MIDDLE
    assert Draws(0).stream("a", "b").next() == Draws(0).stream("a", "b").at(1)
    assert Draws(NO_CHANCE).stream("a", "b").at(5) == MIDDLE


def test_a_run_without_chance_is_a_run_like_others() -> None:
    scenario = Scenario.from_dict(TABLES)
    first = run(scenario, NO_CHANCE)
    assert first.statuses == {"COMPLETED": 3}
    assert run(scenario, NO_CHANCE, full_tape=True).digest == first.digest
    assert replay(first.tape).identical
    assert {w.wait_s for w in first.workflows} == {first.workflows[0].wait_s}


def test_deviations_are_all_that_is_unusual() -> None:
    """With the choices of a run under a seed the run without chance is that run."""
    scenario = Scenario.from_dict({key: value for key, value in TABLES.items() if key != "latencies"})
    lucky = run(scenario, 3, full_tape=True)
    choices = lucky.tape.choices
    assert choices is not None
    same = run(scenario, NO_CHANCE, deviations=choices)
    assert same.digest == lucky.digest != run(scenario, NO_CHANCE).digest
