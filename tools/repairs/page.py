"""The report: properties x variants, what was searched, what it costs, who replays it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sim.properties import ALL, promises
from sim.properties.automaton import timeless
from sim.sweep.statistics import Interval
from sim.workflow.repairs import UNTOUCHED, WORKFLOW_SIDE, Repair
from sim.workflow.variants import Variant as Variants
from tools.repairs.costs import FIGURES, SCENES, SEEDS, Measured, difference, of_original
from tools.repairs.proofs import SCOPES, Row, Rows
from tools.repairs.replays import Replays
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


def page(found: Findings) -> Iterator[str]:
    """Its lines."""
    yield HEADS
    yield "Made by `python -m tools.repairs`. What each repair changes, and why some promises are beyond repair: "
    yield "[docs/design/repairs.md](../../docs/design/repairs.md). A scenario switches them on with `repairs = [...]`.\n"
    yield from _legend()
    yield from _matrix(found)
    yield from _checker(found)
    yield from _scenarios(found)
    yield from _random(found)
    yield from _costs(found)
    yield from _replays(found)
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


def _broken_by_search(found: Findings, variant: Variant, name: str) -> Row | None:
    """The first scope in which a search finds it broken by a run with a clock: scopes come in order of their size."""
    rows = (found.proofs.find(variant, scope) for scope in SCOPES)
    return next((row for row in rows if row is not None and name in row.broken), None)


def _held_by_search(found: Findings, variant: Variant, name: str) -> Row | None:
    """The search with most states that came to its end and in which it held."""
    rows = [row for scope in SCOPES if (row := found.proofs.find(variant, scope)) is not None]
    held = [row for row in rows if not row.stopped and name in row.held]
    return max(held, key=lambda row: row.states, default=None)


def _in_scenarios(found: Findings, variant: Variant, name: str) -> int:
    """In how many of the scenarios a property is broken."""
    return sum(name in broken for broken in found.cases[variant.name].values())


def _sign(found: Findings, variant: Variant, name: str) -> str:
    by = ("c" if _broken_by_search(found, variant, name) else "") + ("s" if _in_scenarios(found, variant, name) else "")
    by += "r" if found.random.get(variant.name, {}).get(name) else ""
    return f"**{by}**" if by else "+"


def _matrix(found: Findings) -> Iterator[str]:
    yield "## Properties x variants\n"
    yield "Broken: **c** in a search of the checker, confirmed by a run with a clock; **s** in a scenario made for it; **r** in a random"
    yield "run under random faults. `+`: in none of these. Numbers are the repairs above, each alone.\n"
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
    yield "`held` is said only of a variant that was searched to its end where the original breaks the property; `not decided`: there are"
    yield "ways in the checker, which knows no clock, and of none of them came a run with a clock. Properties about time are not here: no"
    yield "search without a clock can break them; the scenarios and random runs below say what becomes of them.\n"
    names = timeless(Variants.HOST)
    seen = [name for name in names if any(_broken_by_search(found, variant, name) for variant in found.variants)]
    for name in seen:
        yield f"**`{name}`**\n"
        rows = [(variant.name, *_by_checker(found, variant, name)) for variant in found.variants]
        yield from _table(["variant", "verdict", "smallest scope where it breaks", "largest scope where it held"], rows, left=4)
    yield from _unbroken(found, [name for name in names if name not in seen])


def _by_checker(found: Findings, variant: Variant, name: str) -> tuple[str, str, str]:
    """Verdict, where it breaks first, how far it held."""
    original = _broken_by_search(found, ORIGINAL, name)
    broken, held = _broken_by_search(found, variant, name), _held_by_search(found, variant, name)
    worst = f"{broken.scope}; {broken.broken[name]} steps" if broken else "none found"
    best = f"{held.scope}; {held.states:,} states" if held else "-"
    of_variant = [row for row in found.proofs.rows if row.variant == variant.name]
    where = [row for row in of_variant if original is not None and row.scope == original.scope and not row.stopped]
    if broken:
        return "broken", worst, best
    if any(name in row.clockless or name in row.untested for row in (where or of_variant)):
        return "not decided", worst, best
    return "held" if any(name in row.held for row in where) else "not searched there", worst, best


def _unbroken(found: Findings, names: Sequence[str]) -> Iterator[str]:
    """Properties that no search breaks: the largest scope in which each held, for whom everything is searched."""
    yield "No search breaks any of the others, for any variant. The largest scope in which they held; `-`: never put to the test, or of"
    yield "another protocol; `not decided (n)`: broken by n ways of which none is a run that a clock allows.\n"
    shown = [variant for variant in found.variants if variant.thorough]
    rows = [(f"`{name}`", *(_unbroken_cell(found, variant, name) for variant in shown)) for name in names]
    yield from _table(["property", *(variant.name for variant in shown)], rows, left=1 + len(shown))


def _unbroken_cell(found: Findings, variant: Variant, name: str) -> str:
    held = _held_by_search(found, variant, name)
    of_variant = [row for row in found.proofs.rows if row.variant == variant.name]
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
    yield "variant has changed, and needs an SDK flag. These runs are short: no worker is lost before its signal in them with time to see"
    yield "it, so they do not put `creation_again` to the test, and few sessions are taken up anew. Host sessions and typed resources are"
    yield "protocols of their own: histories without a re-attachment or a second request happen to replay.\n"
    rows = []
    for variant in found.variants:
        if variant.name in found.replays:
            of = found.replays[variant.name]
            counts = [of["verdicts"].get(key, 0) for key in ("accepted", "refused", "nothing")]
            whys = "; ".join(f"{why} ({count})" for why, count in of["whys"].items())
            rows.append((variant.name, *counts, of["loaded"], whys))
    heads = ["variant", "accepted", "refused", "no workflow task", "read by temporalio", "what the SDK says of the refused"]
    yield from _table(heads, rows)


def _searches(found: Findings) -> Iterator[str]:
    yield "## What was searched\n"
    yield "`no clock`: ways to break it were found, and none of those that were tried is one that a clock allows; `no run`: no run came of"
    yield "some of them. A search that was stopped says by what; a number of ways with + is one of which more were kept than were tried.\n"
    rows = []
    for scope in SCOPES:
        for variant in found.variants:
            row = found.proofs.find(variant, scope)
            if row is not None:
                what = [f"{name}: broken" for name in row.broken]
                for how, ways in (("no clock", row.clockless), ("no run", row.untested)):
                    what += [f"{name}: {how} ({n}{'+' * (name in row.untried)})" for name, n in ways.items()]
                states = f"{row.states:,}" + (f" (stopped: {row.stopped})" if row.stopped else "")
                rows.append((row.scope, row.variant, "; ".join(what) or "all held", states, row.seconds))
    yield from _table(["scope", "variant", "found", "states", "seconds"], rows, left=3)
