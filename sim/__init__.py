"""session-sim: a deterministic simulator and model checker of Temporal's worker sessions.

    from sim import Scenario, run

    result = run(Scenario.load("scenarios/file_processing.toml"), seed=1)

What is listed in `__all__` is public. It is imported when it is first used, so that a part can be used without the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.scenario.load import Scenario
    from sim.scenario.problems import ScenarioError
    from sim.scenario.replay import ReplayResult, replay
    from sim.scenario.run import RunResult, run

_HOMES = {
    "ReplayResult": "sim.scenario.replay",
    "RunResult": "sim.scenario.run",
    "Scenario": "sim.scenario.load",
    "ScenarioError": "sim.scenario.problems",
    "replay": "sim.scenario.replay",
    "run": "sim.scenario.run",
}

__all__ = ["ReplayResult", "RunResult", "Scenario", "ScenarioError", "replay", "run"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
