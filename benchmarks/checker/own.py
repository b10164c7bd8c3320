"""One run of this project's checker, by itself, for the benchmark.

`python -m benchmarks.checker.own N JOBS [every-order] [symmetry]` checks two-phase commit with N resource managers;
`python -m benchmarks.checker.own sessions JOBS [STATES]` the session protocol, of which so many states are enough.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from sim.checker.checking import Options, check
from sim.checker.result import Verdict
from sim.model.system import System
from sim.scenario.checked import NO_REDUCTIONS, Bounds, system_of
from tools.scopes import Scope

MODEL = Path(__file__).parents[2] / "scenarios" / "models" / "two_phase_commit.py"
SESSION_STATES = 60_000_000
"""Of the session protocol's states so many are looked at, which takes some 5 GB."""


def two_phase_commit(managers: int) -> System:
    """The system that ships, loaded as a user's model is."""
    spec = importlib.util.spec_from_file_location("two_phase_commit", MODEL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    system = module.build(managers)
    assert isinstance(system, System)
    return system


def sessions() -> System:
    """Two workers of two slots, three workflows with one session of one activity, a crash and a lost response: every promise watched,
    and nothing reduced, so that states and steps are as plain as those of other tools."""
    scenario = Scope("", (2, 2, 3)).scenario()
    return system_of(scenario, Bounds(crashes=1, lost_responses=1), None, NO_REDUCTIONS)


def main() -> None:
    """Check once, and print what the benchmark reads."""
    managers, jobs, *words = sys.argv[1:]
    if managers == "sessions":
        states = int(words[0]) if words else SESSION_STATES
        result = check(sessions(), Options(jobs=int(jobs), symmetry=False, subsumption=False, limit=states))
        held = result.properties["slot_limit"].verdict is not Verdict.BROKEN
    else:
        once, symmetry = "every-order" not in words, "symmetry" in words
        result = check(two_phase_commit(int(managers)), Options(jobs=int(jobs), once=once, symmetry=symmetry))
        held = result.complete and all(judgement.verdict is Verdict.HELD for judgement in result.properties.values())
    print(
        f"states={result.states} generated={result.generated} seconds={result.search_s:.3f} compile={result.compile_s:.3f} "
        f"held={str(held).lower()} bytes={result.bytes_per_state:.1f} handlers={result.handler_calls}"
    )


if __name__ == "__main__":
    main()
