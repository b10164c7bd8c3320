"""A run as it is, and the same run without the heartbeats that nobody notices: all that can be said of each, to be compared."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from typing import Any

from sim.history.events import Wrote
from sim.history.recorder import Recorder
from sim.protocol import observations as obs
from sim.scenario.load import Scenario
from sim.scenario.run import PreparedRun
from sim.simulator.quiet import QuietSimulation
from sim.simulator.seats import Deadline, Seat
from sim.simulator.simulation import Simulation
from sim.workflow import seen

OBSERVATIONS = [
    kind for module in (obs, seen) for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == module.__name__
]
"""All but the one that says that a heartbeat was recorded: who listens to that gets all of them."""


NO_PART = re.compile(r" at 0x[0-9a-f]+|serial=\d+")
"""Where an object lies in memory, and the number of a call, which is only compared with itself."""


@dataclass(slots=True)
class Side:
    """One of the two. `observed`: (microseconds, node, observation), in order. `in_the_end`: what is left of it when it is cut off."""

    observed: list[tuple[int, str, str]] = field(default_factory=list)
    histories: dict[str, Any] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    in_the_end: dict[str, Any] = field(default_factory=dict)
    begun: int = 0
    """How many loops were kept aside."""


def side(scenario: Scenario, seed: int, elide: bool, pieces: int = 0) -> Side:
    """Run a scenario; with `pieces` by so many microseconds at a time."""
    prepared = PreparedRun(scenario, seed, elide=elide)
    it, sim = Side(), prepared.sim
    for kind in OBSERVATIONS:
        if kind is not obs.HeartbeatRecorded:
            sim.listen(kind, lambda time, node, observation: it.observed.append((time, node, repr(observation))))
    recorder = Recorder(seed)
    sim.listen(Wrote, recorder)
    if pieces:
        ending = prepared.begin()
        for until in range(pieces, scenario.model.until, pieces):
            sim.run(until, lambda: ending.over)
        sim.run(scenario.model.until, lambda: ending.over)
    else:
        prepared.run()
    result = prepared.result(False, recorder)
    it.histories = {recorded.run: repr(recorded.events) for recorded in recorder}
    it.verdicts = {name: repr(verdict) for name, verdict in prepared.verdicts().items()}
    it.figures = {**result.to_json(), "tape": None, "digest": None, "timers": sim.timers_fired, "waits": list(prepared.sessions.waits)}
    it.in_the_end = _state(sim)
    it.begun = sim.begun if isinstance(sim, QuietSimulation) else 0
    prepared.release()
    return it


def _state(sim: Simulation) -> dict[str, Any]:
    """Every node, with its timers, calls and marks, how far all draws have come, and what is on the links."""
    return {
        "nodes": {name: _of(sim, seat) for name, seat in sim.seats.items()},
        "links": {
            link.name: (link.free_at, link.sent, {kind.__name__: samples.drawn for kind, samples in link.delays.items()}, len(link.waiting))
            for link in sim.links.values()
        },
        "places": {name: place.condition.value for name, place in sim.places.items()},
    }


def _of(sim: Simulation, seat: Seat) -> dict[str, Any]:
    return {
        "state": NO_PART.sub("", repr(seat.node)),
        "timers": {repr(tag): (timer.due, repr(timer.late), isinstance(timer, Deadline), timer.live) for tag, timer in seat.timers.items()},
        "calls": {repr(tag): (callee, repr(request)) for tag, (_, callee, request) in seat.calls.items()},
        "in order": [repr(tag) for tag in seat.calls],
        "marks": dict(seat.marks),
        "draws": {purpose: stream.drawn for purpose, stream in seat.streams.items()},
    }


def differences(scenario: Scenario, seed: int, pieces: int = 0) -> tuple[list[str], int]:
    """What differs between the two, in words, and how many loops were kept aside."""
    plain, quiet = side(scenario, seed, False), side(scenario, seed, True, pieces)
    found: list[str] = []
    for i, (one, other) in enumerate(zip(plain.observed, quiet.observed, strict=False)):
        if one != other:
            found.append(f"observation {i}: {one}, without {other}")
            break
    if len(plain.observed) != len(quiet.observed):
        found.append(f"{len(plain.observed)} observations, without {len(quiet.observed)}")
    for name in ("histories", "verdicts", "figures"):
        found += _unequal(name, getattr(plain, name), getattr(quiet, name))
    for name in plain.in_the_end:
        found += _unequal(name, plain.in_the_end[name], quiet.in_the_end[name])
    return found, quiet.begun


def _unequal(what: str, one: Any, other: Any) -> list[str]:
    if one == other:
        return []
    if isinstance(one, dict) and isinstance(other, dict):
        return [text for key in dict.fromkeys((*one, *other)) for text in _unequal(f"{what} {key}", one.get(key), other.get(key))]
    if isinstance(one, str) and isinstance(other, str):
        first = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
        one, other = f"...{one[max(first - 60, 0) : first + 80]}", f"...{other[max(first - 60, 0) : first + 80]}"
    return [f"{what}: {one}, without {other}"]
