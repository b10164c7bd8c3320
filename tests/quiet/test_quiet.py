"""Passing over heartbeats that nobody notices changes nothing that anybody sees: neither then nor afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sim.model.laws import Exponential
from sim.protocol import observations as obs
from sim.scenario import heartbeats
from sim.scenario.load import Scenario
from sim.scenario.run import PreparedRun, run
from sim.simulator.agenda import Entry
from sim.simulator.quiet import QuietAgenda, QuietSimulation, QuietStep
from sim.simulator.simulation import Simulation
from sim.simulator.step import LiveStep
from sim.sizing.journeys import Journeys
from sim.sizing.load import Crashes, Load, scenario_of
from sim.sizing.words import read_law
from tests.quiet.scenarios import drawn
from tests.quiet.sides import differences, side

SEEDS = range(1, 17)
MANY = range(100, 600)


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


def test_what_is_due_at_once_under_one_name_keeps_its_order() -> None:
    """A fault hits three processes in the microsecond in which it is due."""
    found, _ = differences(drawn(211), 211, 0)
    assert not found, found[:3]


@pytest.mark.slow
@pytest.mark.longest
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


def began(scenario: Scenario, activity: str) -> int:
    """When an attempt of the activity began, microseconds."""
    return next(time for time, _, what in side(scenario, -1, False).observed if what.startswith("AttemptBegan") and activity in what)


def closing_at(offset: int) -> Scenario:
    """The session whose completion activity begins so many microseconds before a tick of its creation activity."""
    usual = quiet_session([], "40s")
    closes_after = began(usual, "internalSessionCompletionActivity") - 40_000_000
    return quiet_session([], f"{beats()[6] - UP - closes_after - offset}us")


OFFSETS = (-UP - DOWN - 1, -UP - DOWN, -UP - 1, -UP, -1, 0, 1, 100, 153, 154)
"""Around a heartbeat; the creation activity wakes up 153 us after its completion, when nothing is left to chance."""


def test_a_session_that_ends_at_any_moment_of_a_heartbeat() -> None:
    for offset in OFFSETS:
        found, begun = differences(closing_at(offset), -1)
        assert not found, (offset, found[:3])
        assert begun


def short_timers() -> Scenario:
    """Sessions that only beat, and a workflow with timers so short that a load of the shard's timer queue delays them (P4.3.10)."""
    work = {"op": "act", "in": "s", "activity": "work"}
    sleeps = [{"op": "sleep", "ms": 333 + n} for n in range(60)]
    return quiet_session(
        [],
        "70s",
        workflows=[
            {"id": "job", "count": 4, "program": [{"op": "create", "as": "s", "creation": "1m", "execution": "30m"}, work]},
            {"id": "short", "program": sleeps},
        ],
        cluster={"history_shards": 1},
        # Between what loads the queue for a workflow task, and the timer that the task asks for.
        network={leg: {"uniform": ["100ms", "200ms"]} for leg in ("request", "response")},
    )


def long_timers() -> Scenario:
    """A session in a workflow with timers: how late they are, and how late those of the heartbeats, comes from one stream of draws."""
    create = {"op": "create", "as": "s", "creation": "1m", "execution": "30m"}
    return quiet_session([], workflows=[{"id": "job", "program": [create, {"op": "sleep", "ms": 45_000}, {"op": "sleep", "ms": 20_000}]}])


def pausing() -> Scenario:
    return quiet_session([{"kind": "pause", "target": "@session:job", "for": "9s", "at": f"{beats()[2] + 1}us"}])


def stopping() -> Scenario:
    """Contexts are cancelled 15 ms after the stop, a microsecond before a tick and some before their goroutines run."""
    return quiet_session([{"kind": "stop", "target": "@session:job", "at": f"{beats()[2] - UP - 15_001}us"}])


def cut_off() -> Scenario:
    return quiet_session([{"kind": "partition", "target": "@session:job", "for": "30s", "at": "22s"}])


CASES: dict[str, tuple[Callable[[], Scenario], int]] = {
    "postpone": (long_timers, 1), "arm": (stopping, -1), "_delay": (lambda: drawn(1), 1), "disturb": (cut_off, -1),
    "goes_on": (lambda: drawn(1), 1), "others_are_far": (lambda: drawn(1), 1), "_to_come": (pausing, -1), "_since_mark": (short_timers, 1),
}  # fmt: skip
"""What one has to look out for, and where it is noticed when one does not."""


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_looked_out_for_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario, seed = CASES[name][0](), CASES[name][1]
    assert differences(scenario, seed)[0] == []
    match name:
        case "postpone" | "_delay" | "disturb":
            monkeypatch.setattr(QuietSimulation, name, getattr(Simulation, name))
        case "arm" | "_since_mark":
            monkeypatch.setattr(QuietStep, name, getattr(LiveStep, name))
        case "goes_on":
            monkeypatch.setattr(heartbeats.HeartbeatLoop, name, lambda loop: True)
        case _:
            monkeypatch.setattr(heartbeats, name, lambda *arguments: True)
    try:
        noticed = bool(differences(scenario, seed)[0])
    except KeyError:  # a loop goes on whose timers are gone
        noticed = True
    assert noticed


# -- at the same microsecond --------------------------------------------------------------------------------------------


class Named(Entry):
    """An entry that says when it is carried out."""

    def __init__(self, name: str, said: list[str], then: Callable[[], None] = lambda: None) -> None:
        self.name, self.said, self.then = name, said, then

    def key(self) -> tuple[str, str]:
        return (self.name, "timer")

    def run(self) -> None:
        self.said.append(self.name)
        self.then()


def test_what_surfaces_takes_its_place_among_what_is_due_now() -> None:
    agenda, said = QuietAgenda(), []

    def join() -> None:
        for name in ("d", "b", "f"):
            agenda.put(10, Named(name, said))

    agenda.at(10, Named("e", said))
    agenda.at(10, Named("c", said))
    agenda.at(10, Named("a", said, join))
    agenda.run(None, lambda: False)
    assert said == ["a", "b", "c", "d", "e", "f"]


def test_what_comes_first_of_what_is_due_now() -> None:
    agenda, told = QuietAgenda(), []

    def ask() -> None:
        told.append([agenda.comes_first((at, node, "timer", 0, None, 0)) for at, node in ((9, "z"), (10, "a"), (10, "c"), (11, "a"))])

    def ask_twice() -> None:
        ask()
        agenda.at(10, Named("b", [], ask))

    agenda.at(10, Named("b", [], ask_twice))
    agenda.run(None, lambda: False)
    ask()
    # The second time all that was due then has been carried out, and so it has when nothing is.
    assert told == [[True, True, False, False], [True, True, True, False], [True, True, True, False]]


# -- when there are none ------------------------------------------------------------------------------------------------


def begun(scenario: Scenario, *listeners: type) -> int:
    prepared = PreparedRun(scenario, 1, elide=True)
    for kind in listeners:
        prepared.sim.listen(kind, lambda time, node, observation: None)
    prepared.run()
    return prepared.sim.begun if isinstance(prepared.sim, QuietSimulation) else 0


def test_who_listens_to_heartbeats_gets_all_of_them() -> None:
    assert begun(quiet_session([])) > 0
    assert begun(quiet_session([]), obs.HeartbeatRecorded) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"network": {"request": {"exponential": "2ms"}, "response": "2ms"}},
        {"network": {"request": "0s", "response": "2ms"}},
        {"network": {"request": "700ms", "response": "700ms"}},
        {"latencies": {"request": {"PollActivityTaskQueue": "3ms"}}},
        {"latencies": {"transaction": "1ms"}},
        {"latencies": {"timer_lateness": "0s"}},
        {"fuzz": {"most_steps": 100_000}},
    ],
    ids=str,
)
def test_where_it_would_not_be_exact_it_is_not_done(changes: dict[str, Any]) -> None:
    scenario = quiet_session([], **changes)
    assert begun(scenario) == 0
    assert differences(scenario, 2)[0] == []


def test_there_is_no_tape() -> None:
    assert run(quiet_session([]), 1, elide=True).digest == ""
    for arguments in ({"record": True}, {"full_tape": True}, {"deviations": {"a|b": 1}}):
        with pytest.raises(ValueError, match="no tape"):
            run(quiet_session([]), 1, elide=True, **arguments)


def test_journeys_of_a_load_with_crashes() -> None:
    load = Load(Exponential(5_000_000), read_law("lognormal:3m:0.5"), crashes=Crashes(600_000_000))
    journeys = []
    for elide in (False, True):
        watcher = Journeys()
        run(scenario_of(load, 6, 8, 60), 3, properties=(), observers=[watcher], elide=elide)
        journeys.append(watcher.all)
    assert journeys[0] == journeys[1]
    assert any(journey.failed for journey in journeys[0])
