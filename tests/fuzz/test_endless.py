"""Faults that bring themselves about: runs that would never end are cut off, counted, shown, and the same again."""

from __future__ import annotations

import json
from pathlib import Path

from sim import Scenario, fuzz, replay, run
from sim.trace import tape as tapes
from tests.cli.test_run import sim

ENDLESS = """
schema_version = 1
title = "A signal at every signal"

[[workers]]
name = "w"

[[workflows]]
id = "job"
program = [
    { op = "create", as = "s", creation = "1m", execution = "10m" },
    { op = "sleep", ms = 60000 },
    { op = "complete", in = "s" },
]

[[faults]]
kind = "signal"
target = "@workflow"
name = "poke"
moment = { name = "signal sent" }
until = "1h"

[fuzz]
kinds = ["signal"]
most_steps = 800
"""


def test_a_campaign_ends_although_its_runs_do_not() -> None:
    """Each is cut off after as many steps, the same in any number of processes, and not taken for one that held."""
    endless = Scenario.parse(ENDLESS)
    result = fuzz(endless, 11, guarded=1)
    assert result.did_not_end == list(range(1, 12))
    assert not result.as_expected
    assert len(result.properties) == 0
    assert not result.guard.differing
    assert list(fuzz(endless, 11, jobs=2, guarded=0).runs) == list(result.runs)


def test_one_that_ends_is_judged_as_ever() -> None:
    """The same fault, three times at most: nothing is cut off."""
    bounded = Scenario.parse(ENDLESS.replace('until = "1h"', "count = 3"))
    result = fuzz(bounded, 5, guarded=0)
    assert result.did_not_end == []
    assert result.as_expected
    assert next(row for row in result.properties if row.name == "token_conservation").verdict == "held"


def test_the_command_says_so_and_its_tape_ends_too(tmp_path: Path) -> None:
    file = tmp_path / "endless.toml"
    file.write_text(ENDLESS)
    words = ("fuzz", str(file), "--runs", "3", "--guard", "0", "--out", str(tmp_path / "out"))
    done = sim(*words)
    assert done.exit_code == 1, done.output
    assert "3 runs did not end within 800 steps" in done.stdout
    said = json.loads(sim(*words, "--json").stdout)["did_not_end"]
    assert (said["runs"], said["first_seed"], said["within_steps"]) == (3, 1, 800)
    tape = tapes.read(Path(said["tape"]))
    again = replay(tape)
    assert again.identical
    assert again.result.cut_off
    assert again.result.properties == {}
    assert sim("replay", said["tape"], "--json").exit_code == 0, "the same run"


def test_without_a_bound_nothing_is_cut_off() -> None:
    short = Scenario.parse(ENDLESS.replace("[[faults]]", "[ignored]").partition("[ignored]")[0])
    assert not run(short, 1).cut_off
