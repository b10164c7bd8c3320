"""`session-sim size` and `session-sim plot`: JSON, files, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_run import sim

LARGE = ["--arrivals", "2/s", "--hold", "lognormal:10m:0.5", "--workers", "3..50", "--slots", "1..8"]
TARGETS = ["--target", "p99(creation wait) < 1m", "--target", "P(creation timeout) < 0.1%"]
SMALL = [
    "--arrivals",
    "10/m",
    "--hold",
    "exponential:6s",
    "--workers",
    "2..5",
    "--slots",
    "1",
    "--sessions",
    "60",
    "--runs",
    "2",
    "--no-breaks",
]


def sized(*words: str, code: int = 0) -> dict[str, Any]:
    done = sim("size", *words, "--json")
    assert done.exit_code == code, done.output
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def test_an_answer_has_the_keys_of_the_contract(tmp_path: Path) -> None:
    content = sized(*SMALL, "--target", "p80(creation wait) < 15s", "--out", str(tmp_path))
    assert content.keys() >= {"answer", "intervals", "frontier", "breaks", "offered_load", "guess", "targets", "files"}
    assert content["answer"].keys() == {"workers", "slots"}
    assert content["offered_load"] == 1.0
    for interval in content["intervals"].values():
        assert interval["low"] <= interval["estimate"] <= interval["high"]
    (enough,) = [pool for pool in content["frontier"] if pool["enough"]]
    assert {"workers": enough["workers"], "slots": enough["slots"]} == content["answer"]
    assert {Path(file).name for file in content["files"]} == {"frontier.svg", "frontier.png", "frontier-dark.svg", "frontier-dark.png"}
    assert all(Path(file).stat().st_size > 1_000 for file in content["files"])


@pytest.mark.slow
def test_the_same_command_has_the_same_answer() -> None:
    once, again = (sized(*SMALL, "--target", "p80(creation wait) < 15s") for _ in range(2))
    assert once == again


def test_what_cannot_be_is_said_at_once() -> None:
    content = sized(*LARGE, *TARGETS, "--crashes", "1/day", code=4)
    assert content["answer"] is None
    assert content["frontier"] == []
    assert content["offered_load"] == pytest.approx(1360, abs=1)
    assert content["least_slots"] > 400
    done = sim("size", *LARGE, *TARGETS)
    assert done.exit_code == 4
    said = " ".join(done.stdout.split())
    assert "the largest has 400 slots (50 workers of 8), and with fewer than 1,359 slots the targets cannot be met" in said
    assert "theory takes some 1,374 for enough. Allow more, such as --workers 3..207 (of up to 8 slots)" in said
    assert "cost" not in said  # no table of no pools
    assert content["advice"] in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--arrivals", "2/s"], "--arrivals and --hold"),
        ([*LARGE], "there is no --target"),
        ([*LARGE, "--target", "quick"], "expected one of: p99(creation wait) < 1m"),
        ([*LARGE, *TARGETS, "--workers", "5..3"], "--workers is '5..3'"),
        ([*LARGE, *TARGETS, "--crashes", "often"], "the rate is 'often'"),
        ([*LARGE, *TARGETS, "--creation-timeout", "soon"], "duration 'soon'"),
        ([*LARGE, *TARGETS, "--worker-cost", "-1"], "expected at least 0"),
        (["--histories", "nowhere", *TARGETS], "nowhere"),
    ],
)
def test_wrong_input_is_said_in_one_message(words: list[str], message: str) -> None:
    done = sim("size", *words)
    assert done.exit_code == 2, done.output
    assert message in " ".join(done.stderr.split())
    assert done.stderr.count("error:") == 1


def test_figures_of_a_run(tmp_path: Path) -> None:
    assert sim("run", "jobqueue_waiting", "--seed", "1", "--out", str(tmp_path / "run")).exit_code == 0
    done = sim("plot", str(tmp_path / "run"), "--out", str(tmp_path / "figures"), "--json")
    assert done.exit_code == 0, done.output
    names = {Path(file).name for file in json.loads(done.stdout)["files"]}
    assert {"timeline.svg", "waits.png", "slots-dark.svg", "queue-over-time-dark.png", "served-order.svg"} <= names
    done = sim("plot", str(tmp_path / "run"), "--figure", "timelin", "--out", str(tmp_path / "figures"))
    assert done.exit_code == 2
    assert "did you mean" in done.stderr


def test_figures_of_a_sweep(tmp_path: Path) -> None:
    from sim.sweep import sweep

    sweep("scenarios/sweeps/contention.toml", tmp_path / "store", replications=2, overrides=["workflows.job.count=6"])
    done = sim("plot", str(tmp_path / "store"), "--figure", "heat-map", "--out", str(tmp_path / "figures"), "--json")
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["files"]) == 4
    done = sim("plot", str(tmp_path / "store"), "--figure", "detection", "--out", str(tmp_path / "figures"))
    assert done.exit_code == 2
    assert "HeartbeatTimeout" in done.stderr
