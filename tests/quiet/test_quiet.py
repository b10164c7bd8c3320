"""Passing over heartbeats that nobody notices changes nothing that anybody sees: neither then nor afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sim.protocol import observations as obs
from sim.scenario.load import Scenario
from sim.scenario.run import PreparedRun, run
from sim.simulator.quiet import QuietSimulation
from sim.sizing.journeys import Journeys
from sim.sizing.load import Crashes, Load, scenario_of
from sim.sizing.words import read_law
from tests.quiet.scenarios import NETWORKS, PROGRAMS, drawn
from tests.quiet.sides import differences, side

SEEDS = range(1, 17)
MANY = range(100, 1_000)


def check(seeds: range) -> int:
    """Compare these seeds, some of them without chance and some in pieces; gives in how many there were loops."""
    with_loops = 0
    for seed in seeds:
        scenario = drawn(seed)
        found, begun = differences(scenario, -1 if seed % 5 == 0 else seed, 7_000_003 if seed % 7 == 0 else 0)
        assert not found, (scenario.source, found[:3])
        with_loops += begun > 0
    return with_loops


def test_any_faults_anywhere() -> None:
    assert check(SEEDS) > len(SEEDS) // 2


@pytest.mark.slow
def test_any_faults_anywhere_on_many_seeds() -> None:
    assert check(MANY) > len(MANY) // 2


# -- at every microsecond that matters ----------------------------------------------------------------------------------

FAULTS: list[dict[str, Any]] = [
    {"kind": "kill", "target": "@session:job", "for": "3s"},
    {"kind": "lose_machine", "target": "@session:job", "for": "3s"},
    {"kind": "stop", "target": "@session:job", "for": "3s"},
    {"kind": "pause", "target": "@session:job", "for": "9s"},
    {"kind": "slow_down", "target": "@session:job", "factor": 2.0, "for": "9s"},
    {"kind": "partition", "target": "@session:job", "for": "11s"},
    {"kind": "partition", "target": "@session:job", "direction": "up", "for": "3ms"},
    {"kind": "partition", "target": "@session:job", "direction": "down", "for": "3ms"},
    {"kind": "lose_request", "target": "@session:job", "method": "RecordActivityTaskHeartbeat"},
    {"kind": "lose_response", "target": "@session:job", "method": "RecordActivityTaskHeartbeat"},
    {"kind": "delay_request", "target": "@session:job", "delay": "8s", "for": "20s"},
    {"kind": "duplicate_request", "target": "@session:job", "for": "20s"},
    {"kind": "error", "target": "@session:job", "for": "20s"},
    {"kind": "server_outage", "for": "5s"},
    {"kind": "clock", "target": "@session:job", "drift_ppm": 20_000, "for": "20s"},
    {"kind": "cancel", "target": "job"},
    {"kind": "terminate", "target": "job"},
    {"kind": "signal", "target": "job", "name": "go"},
    {"kind": "pause_activity", "target": "job", "activity": "internalSessionCreationActivity", "for": "10s"},
]
UP, DOWN = 2_000, 3_000


def quiet_session(faults: list[dict[str, Any]], work: str = "50s", **changes: Any) -> Scenario:
    """One session, whose worker beats every 6.667 s."""
    return Scenario.from_dict(
        {
            "until": "80s",
            "network": {"request": f"{UP}us", "response": f"{DOWN}us"},
            "workers": [{"name": "w", "count": 2, "max_concurrent_session_execution_size": 2}],
            "activities": {"work": {"duration": work}},
            "workflows": [
                {
                    "id": "job",
                    "program": [
                        {"op": "create", "as": "s", "creation": "1m", "execution": "30m"},
                        {"op": "act", "in": "s", "activity": "work", "attempts": 1},
                        {"op": "complete", "in": "s"},
                    ],
                }
            ],
            "faults": faults,
            **changes,
        }
    )


def beats() -> list[int]:
    """When the run records heartbeats of that session, microseconds."""
    prepared, times = PreparedRun(quiet_session([]), -1), []
    prepared.sim.listen(obs.HeartbeatRecorded, lambda time, node, observation: times.append(time))
    prepared.run()
    return times


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(str(v) for v in fault.values() if v != "@session:job"))
def test_a_fault_at_any_moment_of_a_heartbeat(fault: dict[str, Any]) -> None:
    arrival = beats()[2]
    for moment in (arrival - UP, arrival, arrival + DOWN):
        for at in (moment - 1, moment, moment + 1):
            found, begun = differences(quiet_session([{**fault, "at": f"{at}us"}]), -1)
            assert not found, (fault, at, found[:3])
            assert begun


def test_a_session_that_ends_at_any_moment_of_a_heartbeat() -> None:
    tick = beats()[3] - UP
    created = next(int(time) for time, _, what in side(quiet_session([]), -1, False).observed if what.startswith("AttemptBegan") and "work" in what)
    for before in range(-200, 30_000, 997):
        work = tick - created - before
        found, _ = differences(quiet_session([], f"{work}us"), -1)
        assert not found, (work, found[:3])
