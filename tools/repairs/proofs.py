"""What the checker says: every order of events in small clusters, for each variant; kept as rows, so that a search is done once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from msgspec import json as fast

from sim.checker.checking import Options, check
from sim.checker.result import Verdict
from sim.model.instant import InstantWorld
from sim.scenario.checked import Bounds, system_of
from sim.scenario.findings import findings
from tools.repairs.scopes import IN_TICKS, SCOPES, Scope
from tools.repairs.variants import Variant

MEMORY: Final = 3 * 2**29
"""Bytes that a search may take."""


def plan(variants: Sequence[Variant]) -> Iterator[tuple[Scope, Variant]]:
    """What is searched, the most telling first: whether a repair keeps what it is for, where the original breaks it; then how far
    the original, all repairs and the other protocols go; then the same in ticks; then what single repairs do in scopes that are not
    theirs."""
    telling = [scope for scope in SCOPES if scope.mends is not None]
    first = [(s, v) for s in telling for v in variants if v.thorough or v.name in (s.mends or ())]
    wide = [(s, v) for s in SCOPES for v in variants if v.thorough]
    timed = [(s, v) for s in IN_TICKS for v in variants if v.thorough or v.name in (s.mends or ())]
    rest = [(s, v) for s in telling for v in variants]
    yield from _once((*first, *wide, *timed, *rest))


def _once(each: Iterable[tuple[Scope, Variant]]) -> Iterator[tuple[Scope, Variant]]:
    done = set()
    for scope, variant in each:
        if (scope, variant.name) not in done:
            done.add((scope, variant.name))
            yield scope, variant


@dataclass(frozen=True, slots=True)
class Row:
    """One search. `broken`: property -> steps of the way that a run with a clock confirms; `clockless`: those of which all ways
    that were tried are none that a clock allows, with their number; `untested`: those of which some came to no run.

    `stopped`: why it was not finished; `untried`: properties of which not all ways that the search kept were tried.
    """

    variant: str
    scope: str
    states: int
    stopped: str
    seconds: float
    held: tuple[str, ...]
    broken: dict[str, int]
    clockless: dict[str, int]
    untested: dict[str, int]
    untried: tuple[str, ...]
    ways: dict[str, list[str]]


def search(scope: Scope, variant: Variant, limit: int, seconds: float) -> Row:
    """Search a scope for a variant. `limit`: states at most; `seconds`: how long ways are held to a clock, for each property."""
    scenario = scope.scenario(variant)
    system = system_of(scenario, Bounds(**dict(scope.budget)), scope.only or None, ticks=scope.ticks)
    assert isinstance(system.world, InstantWorld)
    result = check(system, Options(jobs=1, limit=limit, memory=MEMORY))
    broken, clockless, untested, ways, untried = {}, {}, {}, {}, []
    for name, finding in findings(scenario, system.world, result, seconds).items():
        if finding.tape is not None:
            broken[name] = len(finding.path)
            ways[name] = list(_told(finding.path))
            continue
        (untested if finding.untested else clockless)[name] = finding.untested or finding.clockless
        untried += [name] * finding.untried
    held = tuple(name for name, judgement in result.properties.items() if judgement.verdict is Verdict.HELD)
    seconds = round(result.search_s, 1)
    return Row(
        variant.name, str(scope), result.states, result.stopped, seconds, held, broken, clockless, untested, tuple(untried), ways
    )  # fmt: skip


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


def prove(path: Path, variants: Sequence[Variant], limit: int, seconds: float) -> Rows:
    """Search what was not searched yet. Every row is kept as soon as it is there, so whoever is interrupted goes on."""
    rows = Rows(path)
    for scope, variant in plan(variants):
        if rows.find(variant, scope) is None:
            row = search(scope, variant, limit, seconds)
            rows.add(row)
            shown = {name: sorted(getattr(row, name)) for name in ("broken", "clockless", "untested")}
            print(f"{row.variant}: {row.scope}: {row.states} states in {row.seconds} s, {shown}", flush=True)
    return rows
