"""What the checker says: every order of events in small clusters, for each variant; kept as rows, so that a search is done once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

from msgspec import json as fast

from sim import Scenario
from sim.checker.checking import Options, check
from sim.checker.result import Verdict
from sim.model.instant import InstantWorld
from sim.scenario.checked import Bounds, system_of
from sim.scenario.findings import findings
from tools.findings import AGAIN, LONG_WORK, PROGRAM
from tools.repairs.variants import Variant

PROGRAMS: Final[Mapping[str, Any]] = {
    "one session": PROGRAM,
    "once more after a failure": AGAIN,
    "one session, obeying": None,
    "once more, obeying": None,
}
"""Programs of tools/findings.py. An obeying activity ends when its context does; otherwise it works on to its end."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is searched: a program, (workers, slots, workflows), and how often what may happen. `of_all`: for every variant."""

    program: str
    size: tuple[int, int, int]
    budget: tuple[tuple[str, int], ...] = ()
    of_all: bool = False

    def __str__(self) -> str:
        budget = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in self.budget) or "no fault"
        return f"{' x '.join(map(str, self.size))}, {self.program}, {budget}"

    def scenario(self, variant: Variant) -> Scenario:
        """The scenario of a variant."""
        workers, slots, workflows = self.size
        base = self.program.removesuffix(", obeying")
        program = AGAIN if base.startswith("once more") else PROGRAM
        if base != self.program:
            program = json.loads(json.dumps(program).replace(f'"ms": {LONG_WORK}', f'"ms": {LONG_WORK}, "obey": true'))
        return Scenario.from_dict(
            {
                "name": "scope",
                "workers": [{"name": "w", "count": workers, "max_concurrent_session_execution_size": slots}],
                "workflows": [{"id": "job", "count": workflows, "program": program, "arrival": {"at": ["0s"]}}],
                **variant.tables,
            }
        )


def _scopes() -> Iterator[Scope]:
    one, again, obeying = "one session", "once more after a failure", "once more, obeying"
    for kinds in ("stops", "lost_requests", "lost_responses", "crashes", "cancels"):
        yield Scope(one, (1, 1, 1), ((kinds, 1),), of_all=kinds in ("stops", "lost_requests"))
    for kinds in ("lost_responses", "stops", "crashes", "lost_requests", "cancels"):
        yield Scope(one, (2, 1, 1), ((kinds, 1),), of_all=kinds == "lost_responses")
    for kinds in ("stops", "crashes"):
        yield Scope(again, (2, 1, 1), ((kinds, 1),))
        yield Scope(obeying, (2, 1, 1), ((kinds, 1),))
    yield Scope(one, (2, 1, 1), (("stops", 1), ("crashes", 1)))
    yield Scope(one, (1, 1, 1), (("lost_requests", 2),))
    yield Scope(one, (2, 1, 2), (("stops", 1),))


SCOPES: Final = tuple(_scopes())


@dataclass(frozen=True, slots=True)
class Row:
    """One search. `broken`: property -> steps of the way that a run with a clock confirms; `clockless`: those of which all ways
    that were tried are none that a clock allows, with their number; `untested`: those of which some came to no run."""

    variant: str
    scope: str
    states: int
    complete: bool
    seconds: float
    held: tuple[str, ...]
    broken: dict[str, int]
    clockless: dict[str, int]
    untested: dict[str, int]
    ways: dict[str, list[str]]


def search(scope: Scope, variant: Variant, limit: int, seconds: float) -> Row:
    """Search a scope for a variant. `limit`: states at most; `seconds`: how long ways are held to a clock, for each property."""
    scenario = scope.scenario(variant)
    system = system_of(scenario, Bounds(**dict(scope.budget)))
    assert isinstance(system.world, InstantWorld)
    result = check(system, Options(jobs=1, limit=limit, memory=3 * 2**30))
    broken, clockless, untested, ways = {}, {}, {}, {}
    for name, finding in findings(scenario, system.world, result, seconds).items():
        if finding.tape is not None:
            broken[name] = len(finding.path)
            ways[name] = list(_told(finding.path))
        elif finding.untested:
            untested[name] = finding.untested
        else:
            clockless[name] = finding.clockless
    held = tuple(name for name, judgement in result.properties.items() if judgement.verdict is Verdict.HELD)
    return Row(variant.name, str(scope), result.states, result.complete, round(result.search_s, 1), held, broken, clockless, untested, ways)


def _told(path: Iterable[Any]) -> Iterator[str]:
    for leg in path:
        yield from (f"**{lost}**" for lost in leg.lost)
        for seen in leg.seen:
            sentence = getattr(seen, "sentence", None)
            if sentence is not None:
                yield sentence()


class Rows:
    """The searches that were made, in a file of one row a line: what is there is not searched again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        self.rows = [fast.decode(line, type=Row) for line in lines]

    def find(self, variant: Variant, scope: Scope) -> Row | None:
        """The row of a search, if there is one."""
        return next((r for r in self.rows if (r.variant, r.scope) == (variant.name, str(scope))), None)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row)) + "\n")


def prove(path: Path, variants: Iterable[Variant], limit: int, seconds: float) -> Rows:
    """Search what was not searched yet."""
    rows, variants = Rows(path), list(variants)
    # What is searched everywhere comes first: that is the table's backbone.
    thorough = [variant for variant in variants if variant.thorough]
    for scope, variant in [*product(SCOPES, thorough), *product(SCOPES, [v for v in variants if not v.thorough])]:
        if (scope.of_all or variant.thorough) and rows.find(variant, scope) is None:
            row = search(scope, variant, limit, seconds)
            rows.add(row)
            shown = {name: sorted(getattr(row, name)) for name in ("broken", "clockless", "untested")}
            print(f"{row.variant}: {row.scope}: {row.states} states in {row.seconds} s, {shown}", flush=True)
    return rows
