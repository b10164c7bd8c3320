"""What a marker may say, and what is said of what it may not."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sim import run
from sim.testing.arguments import ARGUMENTS, WrongTest, check_arguments
from sim.testing.campaign import replayed
from sim.testing.failing import _luck
from sim.testing.subject import subject_of

TABLES: dict[str, Any] = {"workers": [{"name": "w"}], "workflows": [{"id": "job", "program": [{"op": "sleep", "ms": 1000}]}]}


def test_every_argument_of_the_marker_is_known() -> None:
    assert set(inspect.signature(subject_of).parameters) - {"directory", "name"} == set(ARGUMENTS)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"run": 3}, "there is no argument 'run'; did you mean 'runs'?"),
        ({"runs": "many"}, "runs is 'many'; expected how many seeds, at least 1"),
        ({"runs": 0}, "runs is 0; expected how many seeds, at least 1"),
        ({"seed": "a"}, "seed is 'a'; expected a whole number"),
        ({"count": True}, "count is True; expected how many workflows, at least 1"),
        ({"workers": "3"}, r"workers is '3'; expected how many workers, or a list of \[\[workers\]\] tables"),
        ({"activities": {"x": 3}}, "expected tables by activity type"),
        ({"properties": "slot_limit"}, "properties is 'slot_limit'; expected a list of names"),
        ({"faults": "kill"}, "faults is 'kill'; expected a list of kinds of faults"),
        ({"set": "a=1"}, "set is 'a=1'; expected a list of settings"),
        ({"scenario": 3}, 'scenario is 3; expected a file'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_what_was_expected(more: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongTest, match=words):
        check_arguments((), more)


def test_there_is_one_scenario() -> None:
    with pytest.raises(WrongTest, match="two scenarios"):
        check_arguments(("a.toml",), {"scenario": "b.toml"})
    with pytest.raises(WrongTest, match="has 2 arguments without a name"):
        check_arguments(("a.toml", 3), {})


def test_what_the_documentation_shows_is_accepted() -> None:
    check_arguments(("a.toml",), {})
    check_arguments((TABLES,), {"runs": None, "properties": ["slot_limit", len], "faults": []})
    check_arguments(
        (), {"workflow": "a.py:f", "input": object(), "count": 3, "workers": [{"name": "w"}], "activities": {"x": {"duration": "1s"}}}
    )


def test_a_tape_of_another_scenario_is_refused(tmp_path: Path) -> None:
    subject = subject_of(tmp_path, "mine", TABLES)
    tape = run(subject.scenario, seed=3).tape
    assert replayed(subject, tape).broken is None
    other = msgspec.structs.replace(tape, scenario={**tape.scenario, "name": "theirs"})
    with pytest.raises(WrongTest, match="the tape is a run of 'theirs', this test runs 'mine'"):
        replayed(subject, other)


def test_a_run_without_chance_has_no_seed_to_speak_of() -> None:
    assert _luck(7, 3) == "7 (run 3 of this test)"
    assert _luck(-1, 1).startswith("none: ")
