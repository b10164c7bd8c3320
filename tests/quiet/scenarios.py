"""Scenarios with long holds, drawn at random with faults that land anywhere."""

from __future__ import annotations

from functools import cache
from typing import Any

from sim.faults.nemesis import Luck
from sim.scenario.fuzzing import Ground, ground_of
from sim.scenario.load import Scenario

CREATE = {"op": "create", "as": "s", "creation": "2m", "execution": "30m"}
LONG = {"op": "act", "in": "s", "activity": "work", "attempts": 2}
PROGRAMS: dict[str, list[dict[str, Any]]] = {
    "one activity": [CREATE, {"op": "defer_complete", "in": "s"}, LONG],
    "several": [CREATE, LONG, {"op": "sleep", "ms": 40_000}, LONG, {"op": "complete", "in": "s"}],
    "again": [
        {"op": "until_ok", "times": 3, "ms": 700, "steps": [CREATE, LONG, {"op": "complete", "in": "s"}]},
    ],
    "short deadlines": [{**CREATE, "execution": "3m"}, {**LONG, "stc": "2m", "sts": "1m"}, {"op": "complete", "in": "s"}],
    "beating work": [
        CREATE,
        {"op": "act", "in": "s", "work": {"name": "work", "ms": 30_000, "beat_ms": 2_000, "obey": True}, "hb": "10s", "attempts": 1},
        LONG,
        {"op": "complete", "in": "s"},
    ],
    "two sessions": [
        CREATE,
        {**CREATE, "as": "t"},
        {"op": "start", "in": "t", "activity": "work", "fut": "f"},
        LONG,
        {"op": "wait", "fut": "f", "ignore": True},
        {"op": "complete", "in": "s"},
        {"op": "complete", "in": "t"},
    ],
    "a session that idles": [CREATE, {"op": "await", "signal": "go"}, LONG, {"op": "complete", "in": "s"}],
    "taken up again": [
        CREATE,
        {"op": "token", "in": "s", "as": "k"},
        LONG,
        {"op": "recreate", "as": "r", "signal": "k", "creation": "2m", "execution": "20m"},
        {**LONG, "in": "r"},
        {"op": "complete", "in": "r"},
    ],
}  # fmt: skip
NETWORKS: dict[str, dict[str, Any]] = {
    "usual": {},
    "constant": {"request": "2ms", "response": "3ms"},
    "slow": {"request": {"uniform": ["40ms", "200ms"]}, "response": {"uniform": ["40ms", "200ms"]}},
    "one microsecond": {"request": "1us", "response": "1us"},
}


@cache
def ground(program: str, network: str, heartbeat: str) -> Ground:
    """What faults are drawn for."""
    steps = [{**step, "heartbeat": heartbeat} if step["op"] == "create" else step for step in PROGRAMS[program]]
    content: dict[str, Any] = {
        "name": f"{program}, {network}, {heartbeat}",
        "until": "40m",
        "workers": [{"name": "w", "count": 3, "max_concurrent_session_execution_size": 2}],
        "activities": {"work": {"duration": {"uniform": ["30s", "3m"]}}},
        "workflows": [{"id": "job", "count": 7, "arrival": {"every": {"exponential": "8s"}}, "program": steps}],
    }
    if NETWORKS[network]:
        content["network"] = NETWORKS[network]
    return ground_of(Scenario.from_dict(content))


def drawn(seed: int, program: str = "", network: str = "", heartbeat: str = "") -> Scenario:
    """The scenario of a seed: a program, a network, faults, and when it is cut off."""
    luck = Luck(seed)
    program = program or luck.pick("program", 1, list(PROGRAMS))
    network = network or luck.pick("network", 1, list(NETWORKS))
    heartbeat = heartbeat or luck.pick("heartbeat", 1, ["20s", "20s", "3s", "1m", "7s"])
    on = ground(program, network, heartbeat)
    model = on.with_faults(on.plan(seed)).model if luck.below("faults", 1, 5) else on.scenario.model
    # Cut off anywhere, so that what is under way then is compared as well.
    until = luck.length("until", 1, 20_000_000, on.surroundings.horizon_us * 2)
    return Scenario(model.model_copy(update={"until": until, "fuzz": None}), f"seed {seed}: {program}, {network}, {heartbeat}")
