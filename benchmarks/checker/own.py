"""One run of this project's checker, by itself, for the benchmark: `python -m benchmarks.checker.own N JOBS [every-order] [symmetry]`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from sim.checker.checking import Options, check
from sim.model.system import System

MODEL = Path(__file__).parents[2] / "scenarios" / "models" / "two_phase_commit.py"


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


def main() -> None:
    """Check two-phase commit once, and print what the benchmark reads."""
    managers, jobs, *words = sys.argv[1:]
    result = check(two_phase_commit(int(managers)), Options(jobs=int(jobs), once="every-order" not in words, symmetry="symmetry" in words))
    held = all(judgement.verdict.value == "held" for judgement in result.properties.values())
    print(
        f"states={result.states} generated={result.generated} seconds={result.search_s:.3f} compile={result.compile_s:.3f} "
        f"held={str(held and result.complete).lower()} bytes={result.bytes_per_state:.1f} handlers={result.handler_calls}"
    )


if __name__ == "__main__":
    main()
