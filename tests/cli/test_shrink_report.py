"""Commands for failing runs: shrink and report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim import Scenario
from sim.trace.tape import read
from tests.cli.test_run import CRASH, sim

FINDING = str(Path(__file__).parents[1] / "data" / "findings" / "failure_is_failure.tape")
NAMED = ("--property", "failure_is_failure")


def test_shrink_writes_a_tape_a_scenario_and_a_test(tmp_path: Path) -> None:
    out = tmp_path / "small"
    done = sim("shrink", FINDING, *NAMED, "--out", str(out), "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["property"] == "failure_is_failure"
    assert found["deviations"] == found["faults"] + found["choices"] == 1
    assert found["guilty"] == ["lose_request w (RecordActivityTaskHeartbeat) at 0s"]
    assert found["complete"] is True
    assert found["tape"] == found["files"]["tape"] == str(out / "shrunk.tape")
    assert {path.name for path in out.iterdir()} == {"shrunk.tape", "shrunk.toml", "test_failure_is_failure.py"}
    assert sim("replay", str(out / "shrunk.tape")).exit_code == 0
    again = json.loads(sim("run", str(out / "shrunk.toml"), "--seed", "-1", "--json").stdout)
    assert again["digest"] == found["digest"] == read(out / "shrunk.tape").digest
    assert again["as_expected"] is True
    assert Scenario.load(out / "shrunk.toml").digest == Scenario.from_dict(read(out / "shrunk.tape").scenario).digest


def test_shrink_says_who_is_guilty() -> None:
    done = sim("shrink", FINDING, *NAMED)
    assert done.exit_code == 0
    assert "guilty: lose_request w (RecordActivityTaskHeartbeat) at 0s (broken with it: 20 of 20 seeds" in done.stdout
    assert "[[faults]]" in done.stdout


def test_a_budget_that_is_too_small_is_exit_code_4(tmp_path: Path) -> None:
    done = sim("shrink", FINDING, "--tries", "3", "--json")
    assert done.exit_code == 4
    assert json.loads(done.stdout)["complete"] is False


@pytest.mark.parametrize("command", ["shrink", "report"])
def test_what_is_wrong_is_one_clear_message(command: str, tmp_path: Path) -> None:
    misspelt = sim(command, FINDING, "--property", "failure_is_failur")
    assert misspelt.exit_code == 2
    assert "did you mean 'failure_is_failure'" in misspelt.stderr
    kept = sim(command, FINDING, "--property", "slot_limit")
    assert kept.exit_code == 2
    assert "does not break slot_limit: it is held" in kept.stderr
    missing = sim(command, str(tmp_path / "no.tape"))
    assert missing.exit_code == 2
    assert "does not exist" in missing.stderr
    assert sim("run", CRASH, "--seed", "7", "--out", str(tmp_path), "--set", "faults=[]").exit_code == 1
    fine = sim(command, str(tmp_path))
    assert fine.exit_code == 2
    assert "breaks no property" in fine.stderr
    assert all(done.stderr.strip().count("\n") == 0 for done in (misspelt, kept, missing, fine))


def test_report_writes_one_page_and_says_the_same_as_json(tmp_path: Path) -> None:
    page = tmp_path / "failure.html"
    done = sim("report", FINDING, *NAMED, "--out", str(page), "--forks", "2", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["files"] == [str(page)]
    assert found["violation"]["message"] in page.read_text("utf-8")
    assert found["decided"]["at_s"] == 0
    assert found["p_broken"][0]["unplanned"] == 0
    assert found["p_broken"][-1]["unplanned"] == 1
    assert found["promise"]
    assert found["source"]
    assert found["nearest_passing"].startswith("without the fault")
    assert "def test_failure_is_failure" in found["test"]


def test_the_smallest_scenario_runs_when_it_is_pasted(tmp_path: Path) -> None:
    """As JSON has it, with its workflow's module; as people read it, once what its comment says has been done."""
    assert sim("run", CRASH, "--seed", "7", "--out", str(tmp_path / "night")).exit_code in (0, 1)
    options = (str(tmp_path / "night"), *NAMED, "--forks", "1")
    found = json.loads(sim("report", *options, "--json").stdout)
    pasted = tmp_path / "pasted.toml"
    pasted.write_text(found["scenario_toml"], "utf-8")
    again = json.loads(sim("run", str(pasted), "--seed", str(found["seed"]), "--json").stdout)
    assert again["properties"] == {"failure_is_failure": "broken"}
    assert again["digest"] == found["digest"]
    said = sim("report", *options).stdout
    command = f"session-sim shrink {options[0]} --property failure_is_failure --out night"
    assert f"needs file_processing.py beside it: `{command}` writes both as night/shrunk.toml." in said
    assert f"\n{command}\n" in said
    assert "needs file_processing.py beside it: --out DIR writes both" in sim("shrink", *options[:3]).stdout


def test_report_needs_a_place_for_its_page(tmp_path: Path) -> None:
    done = sim("report", FINDING, "--out", str(tmp_path / "no" / "failure.html"))
    assert done.exit_code == 2
    assert "there is no directory" in done.stderr
