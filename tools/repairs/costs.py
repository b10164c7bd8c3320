"""What repairs cost: the same seeds with and without them, and the mean of the differences with its interval."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from sim import RunResult, Scenario, run
from sim.sweep.statistics import Interval, mean_interval, paired_difference
from tools.repairs.variants import ORIGINAL, Variant

SEEDS: Final = range(1, 17)


def _scene(faults: list[dict[str, Any]], work: str, **worker: Any) -> dict[str, Any]:
    program = [
        {"op": "until_ok", "times": 5, "ms": 1000, "steps": [
            {"op": "create", "as": "s", "creation": "1m", "execution": "10m"},
            {"op": "act", "in": "s", "activity": "work"},
            {"op": "act", "in": "s", "activity": "work"},
            {"op": "complete", "in": "s"},
        ]},
    ]  # fmt: skip
    activity: dict[str, Any] = {"duration": {"exponential": work}, "heartbeat_every": "2s", "obeys_cancellation": True}
    return {
        "name": "cost",
        "until": "1h",
        "network": {"request": {"uniform": ["1ms", "3ms"]}, "response": {"uniform": ["1ms", "3ms"]}},
        "workers": [{"name": "w", "count": 3, "max_concurrent_session_execution_size": 3, **worker}],
        "activities": {"work": activity},
        "workflows": [{"id": "job", "count": 30, "program": program, "arrival": {"poisson": "4s"}}],
        "faults": faults,
    }


def _restart(number: int, at: int) -> dict[str, Any]:
    return {"kind": "restart", "target": f"w{number}", "at": f"{at}s", "graceful": True, "delay": "2s"}


SCENES: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "calm": ("3 workers of 3 slots, 30 workflows of two activities of 10 s in the mean, one every 4 s; no fault", _scene([], "10s")),
    "deploy": (
        "the same; every worker is stopped gracefully with 30 s to finish, and starts again",
        _scene([_restart(n, 20 + 30 * n) for n in (1, 2, 3)], "10s", worker_stop_timeout="30s"),
    ),
    "crashes": (
        "the same; a worker is killed every 15 s or so, and starts again after 5 s",
        _scene([{"kind": "kill", "target": "@busy", "every": {"exponential": "15s"}, "until": "2m"}], "10s", restart_after="5s"),
    ),
    "outages": (
        "the same; workers are cut off for 12 s, one every 10 s or so",
        _scene([{"kind": "partition", "target": "@busy", "every": {"exponential": "10s"}, "until": "2m", "for": "12s"}], "10s"),
    ),
}
"""Name -> what happens, and its tables."""

FIGURES: Final[Mapping[str, str]] = {
    "messages": "messages delivered between places, for each workflow",
    "events": "events of a history, mean",
    "wait_s": "how long a CreateSession took that succeeded, mean, s",
    "slot_s": "slot-seconds taken, for each workflow",
    "time_s": "until the last workflow was over, s",
    "sessions": "sessions created, for each workflow",
}


def figures(result: RunResult) -> dict[str, float]:
    """The figures of a run."""
    workflows = sum(result.statuses.values())
    ended = result.ended_at_us / 1e6
    assert result.recorder is not None
    histories = [len(history.events) for history in result.recorder]
    return {
        "messages": result.messages / workflows,
        "events": sum(histories) / len(histories),
        "wait_s": result.creation_wait_s.mean or 0.0,
        "slot_s": result.slots.mean_used * ended / workflows,
        "time_s": ended - 30,
        "sessions": result.sessions.created / workflows,
    }


Measured = dict[str, dict[str, dict[str, list[float]]]]
"""Scene -> variant -> figure -> its value for each seed."""


def measure(path: Path, variants: Iterable[Variant]) -> Measured:
    """Run what was not run yet; `path` keeps it."""
    found: Measured = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for variant in variants:
        for name, (_, tables) in SCENES.items():
            if variant.name in found.setdefault(name, {}):
                continue
            scenario = Scenario.from_dict(variant.of(tables))
            runs = [figures(run(scenario, seed, properties=(), histories=True)) for seed in SEEDS]
            found[name][variant.name] = {figure: [round(r[figure], 6) for r in runs] for figure in FIGURES}
            path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
            print(f"{name}: {variant.name}", flush=True)
    return found


def of_original(measured: Measured, scene: str, figure: str) -> Interval:
    """The original's mean."""
    return mean_interval(measured[scene][ORIGINAL.name][figure])


def difference(measured: Measured, scene: str, variant: str, figure: str) -> Interval:
    """How much more it is for a variant, on the same seeds."""
    before, after = (dict(zip(SEEDS, measured[scene][name][figure], strict=True)) for name in (ORIGINAL.name, variant))
    return paired_difference(before, after)
