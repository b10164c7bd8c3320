"""`session-sim fuzz`: what it prints, and how it ends."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sim.trace import tape as tapes
from tests.cli.test_run import sim

RUNS = ("--runs", "20", "--guard", "0", "--shrink", "0")


def fuzzed(tmp_path: Path, *arguments: str) -> tuple[dict[str, Any], int]:
    done = sim("fuzz", *arguments, "--out", str(tmp_path / "out"), "--json")
    return json.loads(done.stdout), done.exit_code


def test_the_object(tmp_path: Path) -> None:
    found, code = fuzzed(tmp_path, "file_processing", *RUNS)
    assert code == 1
    assert found["runs"] == 20
    assert found["seeds_per_second"] > 0
    assert "open_session_refused" in found["not_exercised"]
    assert found["coverage"]["transitions"] > 100
    broken = {row["property"]: row for row in found["broken"]}
    row = broken["failure_is_failure"]
    assert {"property", "seed", "tape", "shrunk", "guilty"} <= row.keys()
    assert row["shrunk"] is None
    assert row["known"].startswith("P1.4.8")
    tape = tapes.read(Path(row["tape"]))
    assert tape.seed == row["seed"]
    assert json.loads(sim("replay", row["tape"], "--json").stdout)["identical"]


def test_for_people(tmp_path: Path) -> None:
    done = sim("fuzz", "file_processing", *RUNS, "--out", str(tmp_path))
    assert "failure_is_failure" in done.stdout
    assert "known: P1.4.8" in done.stdout
    assert "again:  session-sim explain" in done.stdout
    assert "Coverage:" in done.stdout
    assert done.stderr == ""


def test_what_is_expected_is_no_failure(tmp_path: Path) -> None:
    names = [row["property"] for row in fuzzed(tmp_path, "file_processing", *RUNS)[0]["broken"]]
    settings = [word for name in names for word in ("--set", f"fuzz.expect.{name}=broken")]
    found, code = fuzzed(tmp_path, "file_processing", *RUNS, *settings)
    assert code == 0
    assert all(row["expected"] for row in found["broken"])
    found, code = fuzzed(tmp_path, "file_processing", *RUNS, *settings, "--goal", "open_session_refused")
    assert code == 4
    assert found["coverage"]["goals"] == {"open_session_refused": None}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("file_processing", "--goal", "session tokn taken"), "session token taken"),
        (("file_processing", "--schedule", "best"), "expected uniform or priority or guided"),
        (("nothing",), "no such file"),
        (("file_processing", "--set", 'fuzz.aims=["lose the signl"]'), "lose the signal"),
        (("file_processing", "--set", "fuzz.expect.nothing=broken"), "no property 'nothing'"),
    ],
)
def test_wrong_input(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = sim("fuzz", *arguments, "--runs", "5", "--out", str(tmp_path))
    assert done.exit_code == 2
    assert said in done.stderr


def test_the_plan_of_a_seed_is_a_scenario(tmp_path: Path) -> None:
    plan = json.loads(sim("fuzz", "jobqueue_waiting", "--seed", "4", "--plan", "--json").stdout)
    assert plan["faults"]
    text = sim("fuzz", "jobqueue_waiting", "--seed", "4", "--plan").stdout
    assert text.count("[[faults]]") == len(plan["faults"])
    tables = text[text.index("[[faults]]") :]
    own = '[[workers]]\nname = "w"\ncount = 2\n[[workflows]]\nid = "job"\nprogram = [{ op = "sleep", ms = 1 }]\n'
    path = tmp_path / "again.toml"
    path.write_text(own + tables, encoding="utf-8")
    assert json.loads(sim("run", str(path), "--seed", "1", "--json").stdout)["statuses"] == {"COMPLETED": 1}


CAMPAIGN = ("jobqueue_small", "--runs", "200", "--guard", "0", "--shrink", "0", "--json", "--out")
"""Long beside its start, so that kills meet runs."""


def table(text: str) -> object:
    """What a campaign came to, but for how long it took and where."""
    found = json.loads(text)
    for name in ("seconds", "seeds_per_second", "resumed", "files"):
        del found[name]
    for row in found["broken"]:
        row["tape"] = Path(row["tape"]).name
    return found


@pytest.mark.slow
@pytest.mark.longest
def test_killed_at_random_moments(tmp_path: Path) -> None:
    """Twenty times kill -9: what was finished is kept, and the table at the end is that of a campaign that nobody touched."""
    began = time.monotonic()
    words = [sys.executable, "-m", "sim", "fuzz", *CAMPAIGN]
    whole = subprocess.run([*words, str(tmp_path / "whole")], capture_output=True, text=True, check=False)
    lasted = time.monotonic() - began
    luck, kept, killed = random.Random(1), [], 0
    for number in range(60):
        folder = str(tmp_path / f"killed{number}")
        process = subprocess.Popen([*words, folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(luck.uniform(0.3, 0.95) * lasted)
        if process.poll() is not None:
            continue  # it had come to its end
        process.kill()
        process.wait()
        killed += 1
        done = sim("fuzz", *CAMPAIGN, folder)
        kept.append(json.loads(done.stdout)["resumed"])
        assert table(done.stdout) == table(whole.stdout)
        if killed == 20:
            break
    assert killed == 20
    assert max(kept) >= 30
    assert len(set(kept)) > 3
