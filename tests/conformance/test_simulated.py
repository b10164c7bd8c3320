"""Simulated histories of random programs under random faults: Temporal's tools read them, the real SDK replays them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from conformance.build import REPLAYER, BuildError, build
from conformance.draw import scenario
from conformance.plan import plan_of
from conformance.replays import NOTHING, REFUSED, replay
from conformance.simulated import export
from sim import Scenario

COMMITTED = sorted((Path(__file__).parent / "histories").glob("*.json.gz"))


def test_there_are_committed_histories() -> None:
    assert len(COMMITTED) > 24


@pytest.mark.parametrize("file", COMMITTED, ids=lambda file: file.name.partition(".")[0])
def test_temporal_reads_what_the_sdk_accepted(file: Path) -> None:
    history = json.loads(gzip.decompress(file.read_bytes()))
    assert len(WorkflowHistory.from_json("w", history).events) == len(history["events"])


def test_a_seed_draws_one_scenario_which_can_be_recorded() -> None:
    for seed in range(100):
        assert scenario(seed) == scenario(seed)
        drawn = scenario(seed, outages=False)
        assert plan_of(Scenario.from_dict(drawn)).flows


@pytest.mark.slow
def test_the_real_sdk_accepts_200_programs(tmp_path: Path) -> None:
    try:
        replayer = build(REPLAYER)
    except BuildError as error:
        pytest.skip(str(error))
    replays = replay(replayer, export(range(1_000, 1_200), tmp_path))
    assert not [(r.file, r.why) for r in replays if r.verdict == REFUSED]
    assert sum(r.verdict == NOTHING for r in replays) < len(replays) // 50
