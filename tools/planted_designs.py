"""Which planted bugs of host sessions and typed resources checker and campaigns find: ``python -m tools.planted_designs``.

It writes `reports/host-sessions/planted.md`; scopes and scenarios are those of tests/checker and tests/fuzz.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from sim import Scenario, fuzz
from sim.checker.checking import Options, check
from sim.checker.result import Judgement
from sim.protocol.mutants import Mutant
from sim.scenario.checked import Bounds, system_of
from tests.checker import test_host, test_typed
from tests.fuzz.host import host_sessions
from tests.fuzz.typed import typed_resources

OUT: Final = Path(__file__).parent.parent / "reports" / "host-sessions" / "planted.md"
RUNS: Final = 100
CAMPAIGNS: Final = 3
APART: Final = 1_000
"""First seeds of campaigns lie so far apart."""
HEAD: Final = f"""# Planted bugs of host sessions and typed resources

`python -m tools.planted_designs`: for each bug the promise that it breaks; by the checker the scope, its states and the steps of the
shortest way; by campaigns of random faults how many runs it takes, in {CAMPAIGNS} campaigns with first seeds {APART} apart;
`>{RUNS}`: not in so many.

| bug | promise | checker: scope | states | steps | campaigns: runs |
|---|---|---|---:|---:|---|
"""

Case = tuple[Mutant, str, str, Callable[[], tuple[int, Judgement]], Callable[[Mutant], Scenario]]
"""Bug, promise, scope, search, scenario of campaigns."""


def cases() -> Iterator[Case]:
    """All bugs."""
    for bug, (name, workers, slots, budgets) in test_host.PLANTED.items():
        scope = f"{workers} processes of a host x {slots} slots x 1 workflow, {_said(budgets)}"
        yield bug, name, scope, lambda b=bug, n=name, c=(workers, slots, budgets): _host(b, n, *c), host_sessions  # type: ignore[misc]
    for name, bug, *case in test_typed.PLANTED:
        units, _, programs, budgets = case
        has = ", ".join(f"{count} {kind}" for kind, count in units.items())
        scope = f"1 worker ({has}) x {len(programs)} workflows, {_said(budgets)}"
        yield bug, name, scope, lambda b=bug, n=name, c=tuple(case): _typed(b, n, *c), typed_resources  # type: ignore[misc]


def _said(budgets: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in budgets.items()) or "no fault"


def _host(bug: Mutant, name: str, workers: int, slots: int, budgets: dict[str, int]) -> tuple[int, Judgement]:
    result = test_host.checked([name], workers, slots, budgets, bug)
    return result.states, result.properties[name]


def _typed(
    bug: Mutant, name: str, units: dict[str, int], shapes: object, programs: list[object], budgets: dict[str, int]
) -> tuple[int, Judgement]:
    scenario = test_typed.pool(units, *programs, shapes=shapes, bug=bug)  # type: ignore[arg-type]
    result = check(system_of(scenario, Bounds(**budgets), [name]), Options(jobs=1))
    return result.states, result.properties[name]


def until_found(scenario: Scenario, name: str, first: int) -> int | None:
    """How many runs of a campaign it takes until the promise is broken."""
    for number in range(RUNS):
        if name in [row.name for row in fuzz(scenario, 1, seed=first + number, guarded=0).broken]:
            return number + 1
    return None


def main() -> None:
    lines = []
    for bug, name, scope, search, scenario in cases():
        states, judged = search()
        steps = str(len(judged.path)) if judged.path is not None else "not found"
        runs = [until_found(scenario(bug), name, 1 + APART * number) for number in range(CAMPAIGNS)]
        numbers = ", ".join(f">{RUNS}" if n is None else str(n) for n in runs)
        lines.append(f"| `{bug.name.lower()}`: {bug.value} | `{name}` | {scope} | {states:,} | {steps} | {numbers} |")
        print(lines[-1], flush=True)
    OUT.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
