"""A load of sessions and a pool of workers, as a scenario.

A workflow asks for one session, runs one activity in it for as long as the session is held, and completes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sim.model.durations import format_duration, parse_duration
from sim.model.laws import Exponential, Law
from sim.scenario.load import Scenario
from sim.scenario.values import write_law
from sim.sizing.theory import Spread

SECOND: Final = 1_000_000
LONGEST: Final = parse_duration("100000h")
"""In place of no limit: until the arrivals are over."""
WORKER: Final = "w"
ACTIVITY: Final = "work"


@dataclass(frozen=True, slots=True)
class Crashes:
    """Each worker's process is killed with exponential gaps of mean `every`, and starts again `restart` later; microseconds."""

    every: int
    restart: int = parse_duration("1m")


@dataclass(frozen=True, slots=True)
class Load:
    """What comes, how long it stays, and how long it waits; times in microseconds.

    Args:
        gap: from one arrival to the next; exponential gaps are Poisson arrivals.
        hold: how long the activity of a session runs.
        creation_timeout: of CreateSession.
        heartbeat_timeout: of sessions.
        crashes: of each worker, None for none.
        surroundings: further tables of the scenario: cluster, network, latencies.
    """

    gap: Law
    hold: Law
    creation_timeout: int = parse_duration("1m")
    heartbeat_timeout: int = parse_duration("20s")
    crashes: Crashes | None = None
    surroundings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.gap.mean() <= 0 or self.hold.mean() <= 0:
            raise ValueError(f"arrivals are {self.gap.describe()}, holds {self.hold.describe()}; expected means above 0")

    @property
    def rate(self) -> float:
        """Arrivals a second."""
        return SECOND / self.gap.mean()

    @property
    def hold_s(self) -> float:
        """Mean hold, seconds."""
        return self.hold.mean() / SECOND

    @property
    def slots(self) -> float:
        """The offered load: how many slots would be busy if there were enough."""
        return self.rate * self.hold_s

    @property
    def spread(self) -> Spread:
        """Squared coefficients of variation of gaps and holds."""
        return Spread(squared_variation(self.gap), squared_variation(self.hold))


def squared_variation(law: Law) -> float:
    """Variance over squared mean, from 20,000 quantiles of the law."""
    if isinstance(law, Exponential):
        return 1.0
    quantiles = 20_000
    values = [law.sample(round((i + 0.5) / quantiles * 2**64)) for i in range(quantiles)]
    mean = sum(values) / quantiles
    return sum((v - mean) ** 2 for v in values) / quantiles / mean**2


def scenario_of(load: Load, workers: int, slots: int, sessions: int) -> Scenario:
    """The scenario of this load on so many workers of so many slots; it ends when `sessions` workflows have come and gone.

    Raises:
        ScenarioError: what the surroundings say is wrong.
    """
    content: dict[str, Any] = {
        "name": f"{workers}x{slots}",
        "until": format_duration(LONGEST),
        **load.surroundings,
        "workers": [{"name": WORKER, "count": workers, "max_concurrent_session_execution_size": slots}],
        "activities": {ACTIVITY: {"duration": write_law(load.hold)}},
        "workflows": [{"id": "s", "count": sessions, "arrival": {"every": write_law(load.gap)}, "program": _program(load)}],
    }
    if load.crashes is not None:
        content["faults"] = _crashes(load.crashes, workers)
    return Scenario.from_dict(content, source=f"{workers} workers with {slots} slots each")


def _program(load: Load) -> list[dict[str, Any]]:
    longest = format_duration(LONGEST)
    creation, heartbeat = format_duration(load.creation_timeout), format_duration(load.heartbeat_timeout)
    return [
        {"op": "create", "as": "s", "creation": creation, "execution": longest, "heartbeat": heartbeat},
        {"op": "defer_complete", "in": "s"},
        {"op": "act", "in": "s", "activity": ACTIVITY, "stc": longest},
    ]


def _crashes(crashes: Crashes, workers: int) -> list[dict[str, Any]]:
    names = [WORKER] if workers == 1 else [f"{WORKER}{n}" for n in range(1, workers + 1)]
    every, restart = {"exponential": format_duration(crashes.every)}, format_duration(crashes.restart)
    return [{"kind": "kill", "target": name, "every": every, "for": restart} for name in names]
