"""The scenarios in which planted bugs show (`tests/properties/scenarios_planted.py`), as tables: property and bug with the fewest
faults that are known to be needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sim.protocol.mutants import Mutant
from tests.properties.clusters import COMPLETE, DEFER, act, create, simple, work
from tests.properties.scenarios_planted import MORE, PLANTED, TOKEN, recreate, sleep

Table = dict[str, Any]
Program = list[Table]


@dataclass(frozen=True)
class Planted:
    """A scenario without its bug: one program, or one for each of several workflows that start so many seconds after the run."""

    programs: dict[str, tuple[Program, str]]
    workers: list[Table] = field(default_factory=lambda: [{"name": "w", "count": 2}])
    faults: list[Table] = field(default_factory=list)
    until: str = "2m"

    def tables(self, bug: Mutant) -> Table:
        """The scenario with the bug in all of its workers."""
        workflows = [{"id": name, "program": steps, "arrival": {"at": [at]}} for name, (steps, at) in self.programs.items()]
        workers = [{**worker, "mutants": [bug.name.lower()]} for worker in self.workers]
        return {"name": bug.name.lower(), "until": self.until, "workers": workers, "workflows": workflows, "faults": self.faults}


def _one(program: Program, **more: Any) -> Planted:
    return Planted({"w": (program, "0s")}, **more)


def _slots(count: int, **more: Any) -> list[Table]:
    return [{"name": "w", "max_concurrent_session_execution_size": count, **more}]


def _killed(program: Program) -> Planted:
    return _one(program, faults=[{"kind": "kill", "target": "@busy", "at": "8s"}])


_RECREATED = [create(), TOKEN, COMPLETE] + [
    step for i in range(3) for step in (recreate(f"r{i}"), act(500, f"r{i}"), {"op": "complete", "in": f"r{i}"})
]
_LEFT = {"op": "start", "in": "s", "fut": "f", "hb": "1s", "work": work(60_000, "left", beat_ms=200, obey=True)}
_TWO_QUEUES = [{"name": "A"}, {"name": "B", "task_queue": "q2"}]
_FULL = {"w1": (simple(900_000, execution="1000s"), "0s"), "w2": (simple(creation="10s"), "1s")}

SCENARIOS: dict[str, Planted] = {
    "recreate_on_a_full_worker": _one([create(), DEFER, TOKEN, recreate(), act(10_000, "s2")], workers=_slots(1)),
    "partition_of_20_s": _one(simple(60_000), faults=[{"kind": "partition", "target": "@busy", "at": "5s", "for": "20s"}]),
    "several_activities": _one([create(), DEFER, *[act(500, name=f"a{i}") for i in range(6)]]),
    "recreate_three_times": _one(_RECREATED),
    "one_activity": _one(simple()),
    "long_activity": _one(simple(60_000)),
    "work_moves_on": _one(
        [create(), _LEFT, sleep(2), COMPLETE, sleep(3), create(name="s2", queue="q2"), act(10_000, "s2")], workers=_TWO_QUEUES
    ),
    "killed_under_an_activity": _killed(simple(100_000)),
    "killed_long_before_completion": _killed([create(), sleep(60), COMPLETE]),
    "killed_long_before_the_next_activity": _killed([create(), sleep(60), act(1_000)]),
    "killed_before_the_next_activity": _killed([create(), sleep(10), act(1_000)]),
    "activity_fails": _one([create(), DEFER, act(1_000, fail="non_retryable", ignore=True), act(1_000)]),
    "completed_twice": _one([create(), COMPLETE, COMPLETE]),
    "session_in_session": _one([create(), DEFER, create(name="s2", ignore=True) | {"in": "s"}, act(1_000)]),
    "other_queue": _one([create(queue="q2"), DEFER, act(1_000)], workers=_TWO_QUEUES),
    "all_slots_taken": Planted(_FULL, _slots(1)),
    "all_slots_taken_for_long": Planted(_FULL, _slots(1), until="700s"),
    "second_of_two_slots": Planted({"w1": (simple(60_000), "0s"), "w2": (simple(1_000, creation="10s"), "20s")}, _slots(2)),
    "goes_on_after_completion": _one([create(), act(1_000), COMPLETE, sleep(60)]),
    "stopped_beside_a_normal_activity": _one(
        [{"op": "start", "fut": "n", "work": work(20_000, "normal")}, create(), act(10_000, name="inside")],
        workers=_slots(1000, worker_stop_timeout="30s"),
        faults=[{"kind": "stop", "target": "w", "at": "3s"}],
    ),
    "execution_timeout_between_activities": _one([create(execution="20s"), DEFER, *[act(3_000, name=f"a{i}") for i in range(15)]]),
}

CASES: list[tuple[str, Mutant, Planted]] = [
    (name, bug, SCENARIOS[scenario.__name__]) for name, bug, scenario in [*((name, *pair) for name, pair in PLANTED.items()), *MORE]
]
"""Property, bug, and the scenario in which the property notices the bug."""
