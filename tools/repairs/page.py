"""The report: properties x variants, what was searched, what it costs, who replays it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sim.properties import ALL, promises
from sim.properties.automaton import timeless
from sim.sweep.statistics import Interval
from sim.workflow.repairs import UNTOUCHED, WORKFLOW_SIDE, Repair
from sim.workflow.variants import Variant as Variants
from tools.repairs.costs import FIGURES, SCENES, SEEDS, Measured, difference, of_original
from tools.repairs.exercised import MECHANISMS, Exercised
from tools.repairs.exercised import SEEDS as EXERCISED
from tools.repairs.proofs import Row, Rows
from tools.repairs.replays import Replays
from tools.repairs.scopes import IN_TICKS, SCOPES, Scope
from tools.repairs.simulated import SEEDS as RANDOM_SEEDS
from tools.repairs.simulated import Cases, Random
from tools.repairs.variants import HOST, ORIGINAL, TYPED, Variant

HEADS: Final = "# Repairs of the promises that sessions break\n"


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that the page is made of."""

    variants: Sequence[Variant]
    without: Sequence[Variant]
    proofs: Rows
    cases: Cases
    random: Random
    measured: Measured
    replays: Replays
    exercised: Mapping[str, Exercised]


def page(found: Findings) -> Iterator[str]:
    """Its lines."""
    yield HEADS
    yield "Made by `python -m tools.repairs`. What each repair changes, and why some promises are beyond repair: "
    yield "[the design note](../../docs/design/repairs.md). A scenario switches them on with `repairs = [...]`.\n"
    yield from _legend()
    yield from _matrix(found)
    yield from _checker(found)
    yield from _with_a_clock(found)
    yield from _scenarios(found)
    yield from _random(found)
    yield from _costs(found)
    yield from _replays(found)
    yield from _exercised(found)
    yield from _searches(found)


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * left + "---:|" * (len(heads) - left)
    yield from ("| " + " | ".join(map(str, row)) + " |" for row in rows)
    yield ""


def _legend() -> Iterator[str]:
    yield "| | repair | side | history | what it does |"
    yield "|---:|---|---|---|---|"
    for number, repair in enumerate(Repair, 1):
        side = "workflow" if repair in WORKFLOW_SIDE else "worker"
        history = "as it was" if repair in UNTOUCHED else "changes: needs an SDK flag"
        yield f"| {number} | `{repair.name.lower()}` | {side} | {history} | {repair.value} |"
    yield ""


def _broken_by_search(found: Findings, variant: Variant, name: str, scopes: Sequence[Scope] = SCOPES) -> Row | None:
    """The first scope in which a search finds it broken by a run with a clock: scopes come in order of their size."""
    rows = (found.proofs.find(variant, scope) for scope in scopes)
    return next((row for row in rows if row is not None and name in row.broken), None)


def _held_by_search(found: Findings, variant: Variant, name: str) -> Row | None:
    """The search with most states that came to its end and in which it held."""
    held = [row for row in _without_a_clock(found, variant) if not row.stopped and name in row.held]
    return max(held, key=lambda row: row.states, default=None)


def _without_a_clock(found: Findings, variant: Variant) -> list[Row]:
    """The searches of a variant that know no clock."""
    return [row for scope in SCOPES if (row := found.proofs.find(variant, scope)) is not None]


def _in_scenarios(found: Findings, variant: Variant, name: str) -> int:
    """In how many of the scenarios a property is broken."""
    return sum(name in broken for broken in found.cases[variant.name].values())


def _sign(found: Findings, variant: Variant, name: str) -> str:
    by = ("c" if _broken_by_search(found, variant, name) else "") + ("s" if _in_scenarios(found, variant, name) else "")
    by += "t" if _broken_by_search(found, variant, name, IN_TICKS) else ""
    by += "r" if found.random.get(variant.name, {}).get(name) else ""
    return f"**{by}**" if by else "+"


def _matrix(found: Findings) -> Iterator[str]:
    yield "## Properties x variants\n"
    yield "Broken: **c** in a search of the checker, **t** in one in which time passes in ticks, each confirmed by a run with a clock;"
    yield "**s** in a scenario made for it; **r** in a random run under random faults. `+`: in none of these. Numbers are the repairs"
    yield "above, each alone.\n"
    short = [str(n) for n, _ in enumerate(Repair, 1)]
    names = {repair.name.lower(): number for repair, number in zip(Repair, short, strict=True)}
    heads = ["property", *(names.get(variant.name, variant.name) for variant in found.variants)]
    rows = [(f"`{name}`", *(_sign(found, v, name) for v in found.variants)) for name in ALL]
    of_host = [name for name in promises(Variants.HOST) if name not in ALL]
    rows += [(f"`{name}`", *(_sign(found, v, name) if v in (HOST, TYPED) else "" for v in found.variants)) for name in of_host]
    yield from _table(heads, rows)


def _checker(found: Findings) -> Iterator[str]:
    yield "## By the checker\n"
    yield "For each variant the smallest scope (workers x slots x workflows, program, budget of faults) in which a search breaks the"
    yield "property, with the steps of the shortest way that a clock allows, and the largest in which it held, with its states. Single"
    yield "repairs are searched in fewer scopes than the original, all repairs, host sessions and typed resources; which, stands below."
    yield "`held` is said only of a variant that was searched to its end where the original breaks the property; `not decided`: there"
    yield "are ways in the checker, which knows no clock, and of none of them came a run with a clock. `in ticks`: what a search says"
    yield "in which time passes in ticks, if there is one; its scopes stand in the next section, with the properties that are about"
    yield "time.\n"
    names = timeless(Variants.HOST)
    seen = [name for name in names if any(_broken_by_search(found, variant, name) for variant in found.variants)]
    for name in seen:
        yield f"**`{name}`**\n"
        rows = [(variant.name, *_by_checker(found, variant, name)) for variant in found.variants]
        yield from _table(["variant", "verdict", "in ticks", "smallest scope where it breaks", "largest scope where it held"], rows, left=5)
    yield from _unbroken(found, [name for name in names if name not in seen])


def _by_checker(found: Findings, variant: Variant, name: str) -> tuple[str, str, str, str]:
    """Verdict, that in ticks, where it breaks first, how far it held."""
    said = {_verdict(row, name) for row in _in_ticks(found, variant, name)}
    ticks = next((word for word in ("broken", "not decided", "held") if word in said), "-")
    original = _broken_by_search(found, ORIGINAL, name)
    broken, held = _broken_by_search(found, variant, name), _held_by_search(found, variant, name)
    worst = f"{broken.scope}; {broken.broken[name]} steps" if broken else "none found"
    best = f"{held.scope}; {held.states:,} states" if held else "-"
    of_variant = _without_a_clock(found, variant)
    where = [row for row in of_variant if original is not None and row.scope == original.scope and not row.stopped]
    if broken:
        return "broken", ticks, worst, best
    if any(name in row.clockless or name in row.untested for row in (where or of_variant)):
        return "not decided", ticks, worst, best
    return "held" if any(name in row.held for row in where) else "not searched there", ticks, worst, best


def _in_ticks(found: Findings, variant: Variant, name: str) -> Iterator[Row]:
    """The searches in ticks that look at a property."""
    rows = (found.proofs.find(variant, scope) for scope in IN_TICKS if name in scope.only)
    yield from (row for row in rows if row is not None)


def _verdict(row: Row, name: str) -> str:
    """What a search says of one property."""
    if name in row.broken:
        return "broken"
    if name in row.clockless or name in row.untested:
        return "not decided"
    return "held" if name in row.held and not row.stopped else "-"


def _searched(found: Findings, scopes: Sequence[Scope]) -> Iterator[tuple[Scope, Row]]:
    """What there is of searches of these scopes, scope by scope."""
    every = ((scope, found.proofs.find(variant, scope)) for scope in scopes for variant in found.variants)
    yield from ((scope, row) for scope, row in every if row is not None)


def _with_a_clock(found: Findings) -> Iterator[str]:
    yield "## By the checker, with a clock\n"
    yield "Time passes in ticks ([check sessions](../../docs/how-to/check-sessions.md#time)): timers last as long as they do, to within"
    yield "a tick, and what holds there holds for all clocks. These scopes are made for the properties that are about time, and for"
    yield "`exclusive_work`, which no search without a clock decides. `broken`, with the steps of the shortest way that a run confirms;"
    yield "`no clock`, `no run`: as under *What was searched*; `-`: never put to the test, or the search was stopped.\n"
    rows = []
    for scope, row in _searched(found, IN_TICKS):
        said = (_said(row, name) for name in scope.only)
        rows.append((scope, row.variant, "; ".join(said), f"{row.states:,}", row.seconds))
    yield from _table(["scope", "variant", "verdicts", "states", "seconds"], rows, left=3)


def _said(row: Row, name: str) -> str:
    """A verdict in words, with what stands behind it."""
    verdict = _verdict(row, name)
    more = f" ({row.broken[name]} steps)" if name in row.broken else ""
    for how, ways in (("no clock", row.clockless), ("no run", row.untested)):
        if name in ways and verdict == "not decided":
            verdict, more = how, f" ({ways[name]}{'+' * (name in row.untried)})"
    return f"`{name}`: {verdict}{more}"


def _unbroken(found: Findings, names: Sequence[str]) -> Iterator[str]:
    """Properties that no search breaks: the largest scope in which each held, for whom everything is searched."""
    yield "No search breaks any of the others, for any variant. The largest scope in which they held; `-`: never put to the test, or of"
    yield "another protocol; `not decided (n)`: broken by n ways of which none is a run that a clock allows.\n"
    shown = [variant for variant in found.variants if variant.thorough]
    rows = [(f"`{name}`", *(_unbroken_cell(found, variant, name) for variant in shown)) for name in names]
    yield from _table(["property", *(variant.name for variant in shown)], rows, left=1 + len(shown))


def _unbroken_cell(found: Findings, variant: Variant, name: str) -> str:
    held = _held_by_search(found, variant, name)
    of_variant = _without_a_clock(found, variant)
    loose = sum(row.clockless.get(name, 0) + row.untested.get(name, 0) for row in of_variant)
    said = f"{held.scope}; {held.states:,} states" if held else "-"
    return f"{said}; not decided ({loose}) in others" if loose else said


def _scenarios(found: Findings) -> Iterator[str]:
    yield "## In the scenarios that break the original\n"
    yield "The scenarios of `tests/properties/scenarios_broken.py`: what is broken in each, for the original and with all repairs; and what"
    yield "is broken again when one of them is taken out (with those that need it). An empty last column: several repairs keep it.\n"
    rows = []
    for scenario, broken in found.cases[ORIGINAL.name].items():
        left = found.cases["all"][scenario]
        needed = [
            f"{variant.name.removeprefix('all but ')}: {', '.join(again)}"
            for variant in found.without
            if (again := [name for name in found.cases[variant.name][scenario] if name not in left])
        ]
        rows.append((scenario.replace("_", " "), ", ".join(broken), ", ".join(left) or "-", "; ".join(needed)))
    yield from _table(["scenario", "original", "all repairs", "without one of them"], rows, left=4)
    yield "A repair alone breaks what the original keeps in that scenario only here:\n"
    for variant in found.variants:
        for scenario, broken in found.cases[variant.name].items():
            for name in broken:
                if name not in found.cases[ORIGINAL.name][scenario]:
                    yield f"* {variant.name}, {scenario.replace('_', ' ')}: `{name}`"
    yield ""


def _random(found: Findings) -> Iterator[str]:
    seeds = len(RANDOM_SEEDS)
    yield "## In random runs\n"
    yield f"Small clusters under one to five random faults, {seeds} seeds, the same for all (`tests/properties/test_random_runs.py`): in"
    yield "how many of them a property is broken.\n"
    names = [name for name in ALL if any(name in of for of in found.random.values())]
    shown = [variant for variant in found.variants if variant.name in found.random]
    rows = [(v.name, *(len(found.random[v.name].get(name, ())) for name in names)) for v in shown]
    yield from _table(["variant", *(name.replace("_", " ") for name in names)], rows)


def _costs(found: Findings) -> Iterator[str]:
    yield "## What it costs\n"
    yield f"{len(SEEDS)} seeds, the same for all. The original's mean, and how much more or less it is with repairs: the mean of the"
    yield "differences on the same seeds, with its 95 % interval. `=`: the same in every run.\n"
    for scene, (what, _) in SCENES.items():
        yield f"**{scene}**: {what}.\n"
        rows = []
        for variant in found.variants:
            if variant.name not in found.measured.get(scene, {}):
                continue
            if variant is ORIGINAL:
                rows.append((variant.name, *(f"{of_original(found.measured, scene, figure).estimate:.4g}" for figure in FIGURES)))
            else:
                rows.append((variant.name, *(_more(difference(found.measured, scene, variant.name, figure)) for figure in FIGURES)))
        yield from _table(["variant", *FIGURES], rows)
    yield from (f"* `{figure}`: {meaning}" for figure, meaning in FIGURES.items())
    yield ""


def _more(interval: Interval) -> str:
    if interval.estimate == interval.low == interval.high == 0:
        return "="
    return f"{interval.estimate:+.3g} ± {interval.half_width:.2g}"


def _replays(found: Findings) -> Iterator[str]:
    yield "## Who replays it\n"
    yield "Histories of drawn programs under drawn faults, made by each variant and replayed by the Go SDK 1.48.0 as it is; temporalio,"
    yield "the Python SDK, reads them. What is accepted needs no marker; what is refused is a workflow whose commands or results the"
    yield "variant has changed, and needs an SDK flag. In these runs most mechanisms seldom have anything to do; the next table is made"
    yield "of scenarios in which each has. Host sessions and typed resources are protocols of their own: histories without a"
    yield "re-attachment or a second request happen to replay.\n"
    rows = []
    for variant in found.variants:
        if variant.name in found.replays:
            of = found.replays[variant.name]
            counts = [of["verdicts"].get(key, 0) for key in ("accepted", "refused", "nothing")]
            whys = "; ".join(f"{why} ({count})" for why, count in of["whys"].items())
            rows.append((variant.name, *counts, of["loaded"], whys))
    heads = ["variant", "accepted", "refused", "no workflow task", "read by temporalio", "what the SDK says of the refused"]
    yield from _table(heads, rows)


def _exercised(found: Findings) -> Iterator[str]:
    yield "## Where each mechanism acts\n"
    yield f"Drawn scenarios for one mechanism each (`tools/repairs/exercises.py`), {len(EXERCISED)} seeds. `acted`: in how many of the"
    yield "histories it had something to do: for a repair, those that differ without it, or of which workflow code saw something else"
    yield "of its sessions; for the other protocols, those in which its trace stands. temporalio reads how many of all; the Go SDK"
    yield "1.48.0 accepts or refuses those in which it acted. What a repair changes in commands or results, and all that the other"
    yield "protocols do beyond the original, it has to refuse.\n"
    rows = []
    scenarios = {mechanism.name: mechanism.scenario for mechanism in MECHANISMS}
    for name, of in found.exercised.items():
        whys = "; ".join(f"{why} ({count})" for why, count in of["whys"].items())
        mechanism = f"{of['protocol']}: {name}" if of["protocol"] else f"`{name}`"
        verdicts = [of["verdicts"].get(key, 0) for key in ("accepted", "refused")]
        rows.append((mechanism, scenarios[name], of["histories"], of["acted"], of["loaded"], *verdicts, whys))
    heads = ["mechanism", "scenario", "histories", "acted", "read by temporalio", "accepted", "refused", "what the SDK says of the refused"]
    yield from _table(heads, rows, left=2)


def _searches(found: Findings) -> Iterator[str]:
    yield "## What was searched\n"
    yield "`no clock`: ways to break it were found, and none of those that were tried is one that a clock allows; `no run`: no run came of"
    yield "some of them. A search that was stopped says by what; a number of ways with + is one of which more were kept than were tried.\n"
    rows = []
    for _, row in _searched(found, SCOPES):
        what = [f"{name}: broken" for name in row.broken]
        for how, ways in (("no clock", row.clockless), ("no run", row.untested)):
            what += [f"{name}: {how} ({n}{'+' * (name in row.untried)})" for name, n in ways.items()]
        states = f"{row.states:,}" + (f" (stopped: {row.stopped})" if row.stopped else "")
        rows.append((row.scope, row.variant, "; ".join(what) or "all held", states, row.seconds))
    yield from _table(["scope", "variant", "found", "states", "seconds"], rows, left=3)
