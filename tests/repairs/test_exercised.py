"""Scenarios for one mechanism each let it act; Temporal's own tools read what comes of it, and the SDK replays it where it can."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.build import REPLAYER, BuildError, build
from conformance.replays import ACCEPTED, REFUSED, replay
from sim.workflow.repairs import UNTOUCHED, Repair
from tools.repairs.exercised import MECHANISMS, Mechanism, exercise
from tools.repairs.exercises import OF_REPAIRS
from tools.repairs.replays import loads

BY_NAME = {mechanism.name: mechanism for mechanism in MECHANISMS}


def test_every_repair_has_its_scenario() -> None:
    assert set(OF_REPAIRS) == {repair.name.lower() for repair in Repair}


@pytest.mark.parametrize(("seeds", "least"), [(3, 2), pytest.param(40, 20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda mechanism: mechanism.name)
def test_it_acts_and_temporal_reads_the_histories(mechanism: Mechanism, seeds: int, least: int, tmp_path: Path) -> None:
    every, acted = exercise(mechanism, range(1, seeds + 1), tmp_path)
    assert len(acted) >= least
    assert all(loads(file) for file in every)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OF_REPAIRS if Repair[name.upper()] in UNTOUCHED])
def test_the_real_sdk_replays_what_a_repair_that_changes_no_command_does(name: str, tmp_path: Path) -> None:
    try:
        replayer = build(REPLAYER)
    except BuildError as error:
        pytest.skip(str(error))
    _, acted = exercise(BY_NAME[name], range(1, 41), tmp_path)
    told = replay(replayer, acted)
    assert not [(r.file, r.why) for r in told if r.verdict == REFUSED]
    assert sum(r.verdict == ACCEPTED for r in told) >= 20
