"""Every scenario that ships loads, does as its `[expect]` says, and replays."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim import Scenario, replay, run

DIRECTORY = Path(__file__).parents[2] / "scenarios"
FILES = sorted(file.stem for file in DIRECTORY.glob("*.toml"))
LONG = ("jobqueue",)


def test_what_there_is() -> None:
    needed = (
        "file_processing file_processing_crash ml_training recreate_continue_as_new contention crash_mid_session rolling_deploy "
        "partition cancel_with_cleanup server_outage two_workers_one_host jobqueue jobqueue_small jobqueue_waiting"
    )
    assert set(needed.split()) <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_loads(name: str) -> None:
    scenario = Scenario.load(DIRECTORY / f"{name}.toml")
    assert scenario.name == name
    assert scenario.model.title
    assert scenario.model.description
    assert Scenario.from_dict(scenario.to_dict()).digest == scenario.digest


@pytest.mark.parametrize("name", [name for name in FILES if name not in LONG])
@pytest.mark.parametrize("seed", [1, 7])
def test_does_as_expected(name: str, seed: int) -> None:
    result = run(Scenario.load(DIRECTORY / f"{name}.toml"), seed)
    assert result.as_expected, {p: v for p, v in result.properties.items() if v not in ("held", "not exercised")}
    assert "RUNNING" not in result.statuses
    assert all(result.faults)
    assert replay(result.tape).identical


def test_the_job_queue_in_short() -> None:
    result = run(Scenario.load(DIRECTORY / "jobqueue.toml", ["workflows.job.arrival.closed.total=150"]), 1)
    assert result.statuses == {"COMPLETED": 150}
    assert result.slots.capacity == 100
    assert result.as_expected


@pytest.mark.slow
def test_the_job_queue() -> None:
    result = run(Scenario.load(DIRECTORY / "jobqueue.toml"), 1)
    assert result.statuses == {"COMPLETED": 3000}
    assert result.as_expected
