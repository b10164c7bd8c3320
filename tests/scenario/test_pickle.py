"""Results go to other processes and come back as they were."""

from __future__ import annotations

import multiprocessing
import pickle
from pathlib import Path
from typing import Any

import pytest

from sim import Diverged, RunResult, Scenario, ScenarioError, replay, run, watch
from tests.scenario.watching import HAPPY, scenario

ROOT = Path(__file__).parents[2]


def ran(one: Scenario, seed: int) -> RunResult:
    """What another process does: a scenario comes in, a result goes out."""
    return run(one, seed, histories=True)


def crash() -> Scenario:
    return Scenario.load(ROOT / "scenarios" / "file_processing_crash.toml")


@pytest.mark.parametrize("full_tape", [False, True])
def test_a_result_comes_back_as_it_was(full_tape: bool) -> None:
    result = run(crash(), 7, full_tape=full_tape)
    back = pickle.loads(pickle.dumps(result))
    assert back == result
    assert back.to_json() == result.to_json()
    assert back.verdicts.expected == {"failure_is_failure": "broken"}
    assert [type(getattr(back, name)) for name in RunResult.__slots__] == [type(getattr(result, name)) for name in RunResult.__slots__]


def results() -> dict[str, Any]:
    """One of each public kind."""
    result = run(crash(), 7)
    watched = watch(result)
    return {
        "Scenario": crash(), "RunResult": result, "ReplayResult": replay(result.tape), "Tape": result.tape, "Watched": watched,
        "Timeline": watched.timeline, "Story": watched.story, "a program": scenario(HAPPY),
    }  # fmt: skip


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_everything_public_can_be_pickled(protocol: int) -> None:
    for name, thing in results().items():
        assert pickle.loads(pickle.dumps(thing, protocol)) == thing, name


def test_errors_can_be_pickled() -> None:
    with pytest.raises(ScenarioError) as raised:
        Scenario.from_dict({"workers": []})
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)
    assert str(pickle.loads(pickle.dumps(Diverged("another run")))) == "another run"


def test_another_process_gives_the_same_run() -> None:
    """A process that inherits nothing: everything goes there and comes back as bytes."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        back = pool.apply(ran, (crash(), 7))
    here = ran(crash(), 7)
    assert back.digest == here.digest
    assert back.to_json() == here.to_json()
    assert back.recorder is not None
    assert here.recorder is not None
    assert [history.run for history in back.recorder] == [history.run for history in here.recorder]
    assert watch(back).timeline == watch(here).timeline
