"""Nobody waits for ever: how long a session waits at most, whatever others ask for (docs/design/typed-resources.md, Starvation)."""

from __future__ import annotations

from random import Random
from typing import Any, Final

import pytest

from sim import Scenario, run
from sim.scenario.measures import Measures

PATIENCE: Final = 30
HOLD: Final = 60
"""Seconds that each session works."""
MESSAGES: Final = 2
"""Seconds for messages, of all rounds together."""
Units = dict[str, int]
WORK: Final = {"ms": HOLD * 1000}


def longest(ahead: int, demands: int, own: int = 0) -> int:
    """Seconds. `ahead`: sessions of the same demand that wait already; `own`: those that wait for this host and no other."""
    return PATIENCE + (ahead + 1) * (demands + own) * HOLD + MESSAGES


def create(units: Units, name: str = "s", op: str = "create", **more: Any) -> dict[str, Any]:
    return {"op": op, "as": name, "creation": "3h", "execution": "4h", "resources": units, "patience": f"{PATIENCE}s", **more}


def flow(name: str, units: Units, every: str, count: int) -> dict[str, Any]:
    """Sessions without end."""
    program = [create(units), {"op": "defer_complete", "in": "s"}, {"op": "act", "in": "s", "work": WORK}]
    return {"id": name, "count": count, "arrival": {"every": {"constant": every}}, "program": program}


def late(units: Units, at: str) -> dict[str, Any]:
    """One that comes when there are many."""
    return {"id": "late", "arrival": {"at": at}, "program": [create(units), {"op": "complete", "in": "s"}]}


def waited(units: Units, *workflows: dict[str, Any], until: str, shapes: list[Units] | None = None, workers: int = 1, seed: int = 1) -> Any:
    """Figures of a pool."""
    worker = {"name": "w", "count": workers, "session_resources": units, "session_shapes": shapes or []}
    made = Scenario.from_dict({"protocol": "host", "until": until, "workers": [worker], "workflows": list(workflows)})
    measures = Measures(["resources"])
    run(made, seed, observers=[measures], properties=["no_starvation_by_others", "resource_limit", "all_or_none"])
    return measures.values()


def test_who_needs_two_types_gets_its_turn_beside_those_who_need_one_each() -> None:
    """More come for a GPU and for a disk than there is of either, and they are never both free: one or the other is always waited for."""
    pool = {"gpu": 1, "disk": 1}
    flows = [flow("g", {"gpu": 1}, "45s", 45), flow("d", {"disk": 1}, "40s", 45)]
    values = waited(pool, *flows, late(pool, "30m"), until="40m")
    assert values["waits_by_demand_s"]["gpu=1"] > 2 * HOLD
    assert values["waits_by_demand_s"]["disk=1,gpu=1"] <= longest(0, 3)


def test_who_waits_elsewhere_gets_its_turn_beside_sessions_that_are_recreated_for_ever() -> None:
    """They may stand in line at their host from the start, and one of them always does."""
    steps = [
        create({"gpu": 1}),
        {"op": "token", "in": "s", "as": "t"},
        {"op": "act", "in": "s", "work": WORK},
        {"op": "complete", "in": "s"},
    ]
    for n in range(20):
        name = f"s{n}"
        again_in = create({"gpu": 1}, name, "recreate", signal="t")
        steps += [again_in, {"op": "act", "in": name, "work": WORK}, {"op": "complete", "in": name}]
    workflows = [{"id": "again", "count": 3, "program": steps, "arrival": {"at": ["0s"]}}]
    both = {"gpu": 1, "tape": 1}
    values = waited(both, *workflows, late(both, "10m"), until="25m", shapes=[{"gpu": 1}, both])
    assert values["waits_by_demand_s"]["gpu=1,tape=1"] <= longest(0, 2, own=3)


@pytest.mark.parametrize("seed", range(1, 5))
def test_the_bound_holds_in_drawn_pools(seed: int) -> None:
    """More sessions than there is room for, of drawn demands; the late one needs all that a worker has."""
    luck = Random(f"starvation {seed}")
    units = {"gpu": luck.randint(1, 2), "disk": luck.randint(1, 2), "tape": 1}
    names = list(units)
    small = [{kind: luck.randint(1, units[kind]) for kind in luck.sample(names, luck.randint(1, 2))} for _ in range(3)]
    flows = [flow(f"f{n}", demand, f"{luck.randint(25, 55)}s", 24) for n, demand in enumerate(small)]
    shapes = [dict(demand) for demand in dict.fromkeys(tuple(sorted(demand.items())) for demand in [*small, units])]
    values = waited(units, *flows, late(units, "10m"), until="25m", shapes=shapes, workers=luck.randint(1, 2), seed=seed)
    wait = values["waits_by_demand_s"][",".join(f"{kind}={units[kind]}" for kind in sorted(units))]
    assert wait <= longest(0, len(shapes))


def test_those_of_its_own_demand_are_served_before_it() -> None:
    """Each of them after all that came before it, as it is itself."""
    ahead, everything = 2, {"gpu": 2}
    first = flow("first", everything, "1s", ahead)
    first["arrival"] = {"at": [f"{800 + n}s" for n in range(ahead)]}
    first["count"] = 1
    values = waited(
        everything, flow("small", {"gpu": 1}, "25s", 60), first, late(everything, "15m"), until="30m", shapes=[{"gpu": 1}, everything]
    )
    assert values["not_created_by_demand"]["gpu=2"] == 0
    assert values["waits_by_demand_s"]["gpu=2"] <= longest(ahead, 2)
