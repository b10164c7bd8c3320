"""This project's simulator under the load by which its speed is stated.

Workload W: 20 workers with 5 slots each, a closed loop of 100 workflows, three activities of exponential(20 s) in a session,
calls of 2 to 6 ms, default heartbeats and polls; default properties judged, no histories, tape and digest made. It is
`scenarios/jobqueue.toml`; the variants change the length of the activities.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.table import Measurement, stopwatch
from sim.scenario.load import Scenario
from sim.scenario.run import PreparedRun
from sim.scenario.run import run as run_scenario

ROOT = Path(__file__).resolve().parent.parent
JOBQUEUE = ROOT / "scenarios" / "jobqueue.toml"

#: Activity length -> what a workflow with such activities is called in the table.
LENGTHS = {"20s": "workload W", "60s": "W, activities of 60 s", "0s": "W, activities of no length"}


def scenario(sessions: int, length: str = "20s") -> Scenario:
    """Workload W with this many sessions and this mean length of an activity ("0s": no time at all)."""
    law = '"0s"' if length == "0s" else f'{{ exponential = "{length}" }}'
    settings = [f"activities.{name}.duration={law}" for name in ("first", "second", "third")]
    return Scenario.load(JOBQUEUE, [*settings, f"workflows.0.arrival.closed.total={sessions}"])


def sessions_per_second(sessions: int, length: str = "20s") -> Measurement:
    """Run it; the count is of completed sessions. Nothing is left out: properties, metrics, tape, digest."""
    loaded = scenario(sessions, length)
    with stopwatch() as watch:
        result = run_scenario(loaded, 1)
    if not result.as_expected or result.sessions.completed != sessions:
        raise RuntimeError(f"workload W: {result.sessions} and {result.properties} instead of {sessions} completed sessions")
    return watch.measurement(sessions, per_sim_second=sessions / (result.ended_at_us / 1e6))


def messages_per_second(sessions: int) -> Measurement:
    """The same run, counted in messages delivered between nodes; what stays within a process, and timers, apart."""
    loaded = scenario(sessions)
    with stopwatch() as watch:
        session = PreparedRun(loaded, 1)
        session.run()
    sim = session.sim
    return watch.measurement(
        sim.messages + sim.local_messages,
        between_places=sim.messages / sessions,
        within_a_place=sim.local_messages / sessions,
        timers=sim.timers_fired / sessions,
    )


def variant(length: str) -> Callable[[int], Measurement]:
    """The load with activities of this length."""
    return lambda sessions: sessions_per_second(sessions, length)
