"""session-sim: a deterministic simulator and model checker of Temporal's worker sessions.

    from sim import Scenario, run

    result = run(Scenario.load("scenarios/file_processing.toml"), seed=1)

What is listed in `__all__` is public. It is imported when it is first used, so that a part can be used without the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.audit import AuditResult, audit
    from sim.checker.checking import check
    from sim.checker.result import CheckResult
    from sim.evidence.case import CaseError
    from sim.evidence.conforming import conform
    from sim.evidence.result import ConformResult
    from sim.fuzz import FuzzResult, fuzz
    from sim.history.temporal_reader import HistoryError
    from sim.report.story import Story
    from sim.report.timeline_parts import Limits, Timeline
    from sim.report.watched import Diverged, Watched, watch
    from sim.scenario.load import Scenario
    from sim.scenario.problems import ScenarioError
    from sim.scenario.replay import ReplayResult, replay
    from sim.scenario.run import RunResult, run
    from sim.shrink import Shrunk, shrink
    from sim.sweep.load import Sweep
    from sim.sweep.result import SweepResult
    from sim.sweep.sweeping import sweep
    from sim.trace.tape import Tape

_HOMES = {
    "AuditResult": "sim.audit",
    "CaseError": "sim.evidence.case",
    "CheckResult": "sim.checker.result",
    "ConformResult": "sim.evidence.result",
    "Diverged": "sim.report.watched",
    "FuzzResult": "sim.fuzz",
    "HistoryError": "sim.history.temporal_reader",
    "Limits": "sim.report.timeline_parts",
    "ReplayResult": "sim.scenario.replay",
    "RunResult": "sim.scenario.run",
    "Scenario": "sim.scenario.load",
    "ScenarioError": "sim.scenario.problems",
    "Shrunk": "sim.shrink",
    "Story": "sim.report.story",
    "Sweep": "sim.sweep.load",
    "SweepResult": "sim.sweep.result",
    "Tape": "sim.trace.tape",
    "Timeline": "sim.report.timeline_parts",
    "Watched": "sim.report.watched",
    "audit": "sim.audit",
    "check": "sim.checker.checking",
    "conform": "sim.evidence.conforming",
    "fuzz": "sim.fuzz",
    "replay": "sim.scenario.replay",
    "run": "sim.scenario.run",
    "shrink": "sim.shrink",
    "sweep": "sim.sweep.sweeping",
    "watch": "sim.report.watched",
}

__all__ = [
    "AuditResult", "CaseError", "CheckResult", "ConformResult", "Diverged", "FuzzResult", "HistoryError", "Limits",
    "ReplayResult", "RunResult", "Scenario", "ScenarioError", "Shrunk", "Story", "Sweep", "SweepResult", "Tape", "Timeline",
    "Watched", "audit", "check", "conform", "fuzz", "replay", "run", "shrink", "sweep", "watch",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
