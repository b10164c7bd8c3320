"""Which promises of sessions the protocol breaks, and with how little: ``python -m tools.findings [--out reports/checker]``.

With ``--unit 5s`` the same in windows of time, promises about time included (``--out reports/checker/windows --sizes 2``). With
``--without-faults`` workflows that invite it, and nothing fails (``--unit 5s --out reports/checker/without_faults --sizes 2``).

Small clusters are checked with one fault of each kind; the table has, for each property, the smallest of them in which it is
broken by a run that a clock allows, or the largest that was searched to the end. Tapes of the findings lie beside it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sim.checker.checking import Options, check
from sim.checker.result import CheckResult, Verdict
from sim.model.durations import format_duration, parse_duration
from sim.model.instant import TICK, InstantWorld
from sim.model.windows import Ticks
from sim.properties.automaton import in_ticks, timeless
from sim.scenario.checked import system_of
from sim.scenario.findings import Finding, findings
from tools.finding_scopes import INVITING, LONG_WORK, SIZES, Scope, with_few_faults, without_faults

REMEDIES: Final = {
    "activity_needs_slot": "Let activities heartbeat, so that they end when their session does, and give workers a WorkerStopTimeout "
    "longer than they run; what must not be shared should be counted where it is used, not by slots.",
    "failure_is_failure": "Do not return the activity's error as it is: when the session has failed (its context is cancelled, the "
    "workflow's is not), return an error of your own.",
    "exclusive_work": "Let activities heartbeat and set WaitForCancellation, so that the old one is over before the next session begins; "
    "or let what they write to refuse the older session.",
    "creation_bounded": "Run more workers than one: CreateSession returns in a workflow task, and none comes while no worker lives.",
    "failure_propagation": "Run more workers than one: a loss is learned in a workflow task, and none comes while no worker lives.",
    "no_false_alarm": "Expect it: a session may fail although its worker lives. Begin a new one, and let what activities write refuse "
    "the older one.",
    "graceful_stop_waits": "Let activities of sessions survive a cancellation for as long as they need: a stop cancels them at once.",
    "execution_timeout_is_total": "Let activities heartbeat, or give them a StartToClose timeout below the session's ExecutionTimeout.",
    "completion_frees_slot": "Count on a slot's being free only after a heartbeat and its call's budget.",
    "closed_is_final": "Do not go by a session's state after CompleteSession, which may become Failed: go by what its activities returned.",
    "one_binding": "Give the session's activities a heartbeat or ScheduleToStart timeout of their own: the creation activity then watches "
    "another worker than theirs.",
}
"""What a user can do about it."""
WITHOUT_FAULTS: Final = {
    **REMEDIES,
    "activity_needs_slot": "Let activities heartbeat, so that they end when their session does; what must not be shared should be counted "
    "where it is used, not by slots.",
    "creation_bounded": "Complete a session before you recreate it: a full worker refuses at once, again and again, and CreationTimeout "
    "bounds each of these waits alone.",
}
"""The same where nothing fails."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports/checker"))
    parser.add_argument("--limit", type=int, default=4_000_000, help="states of one search at most")
    parser.add_argument("--memory", type=float, default=6, help="GiB")
    parser.add_argument("--jobs", type=int, default=0, help="threads; 0 is one per core")
    parser.add_argument("--sizes", type=int, default=len(SIZES), help="so many of the sizes")
    parser.add_argument("--unit", type=parse_duration, default=0, help="let time pass in ticks of this length, such as 5s")
    parser.add_argument("--without-faults", action="store_true", help="workflows that invite it, and nothing fails")
    options = parser.parse_args()
    ticks = Ticks(options.unit) if options.unit else None
    options.out.mkdir(parents=True, exist_ok=True)
    rows, found, held = [], dict[str, tuple[Scope, Finding]](), dict[str, Scope]()
    unconfirmed: dict[str, Scope] = {}
    for scope in without_faults(options.sizes) if options.without_faults else with_few_faults(options.sizes, ticks is not None):
        scenario = scope.scenario()
        system = system_of(scenario, scope.bounds(), ticks=ticks)
        assert isinstance(system.world, InstantWorld)
        result = check(system, Options(jobs=options.jobs, limit=options.limit, memory=int(options.memory * 2**30)))
        rows.append(_row(scope, result))
        print(rows[-1], flush=True)
        new = {name: f for name, f in findings(scenario, system.world, result).items() if f.tape is not None}
        for name, judgement in result.properties.items():
            if name in new and name not in found:
                found[name] = scope, new[name]
            elif judgement.verdict is Verdict.HELD:
                held[name] = scope
            elif judgement.verdict is Verdict.BROKEN and name not in new:
                unconfirmed.setdefault(name, scope)
    for name, (_, finding) in found.items():
        assert finding.tape is not None
        finding.tape.write(options.out / f"{name}.tape")
    (options.out / "findings.md").write_text("\n".join(_page(rows, found, held, unconfirmed, ticks, options.without_faults)) + "\n")


def _row(scope: Scope, result: CheckResult) -> str:
    kinds = ", ".join(f"{kind} {n:,}" for kind, n in result.local_states.items() if kind in ("Run", "Worker", "Watcher"))
    end = "" if result.complete else f" (stopped: {result.stopped})"
    return (
        f"| {scope} | {result.states:,}{end} | {result.generated:,} | {result.depth} | {result.handler_calls:,} | {kinds} | "
        f"{result.bytes_per_state:,.0f} | {result.search_s:.1f} |"
    )


def _head(ticks: Ticks | None, faultless: bool) -> Iterator[str]:
    unit = f" --unit {format_duration(ticks.unit)}" if ticks is not None else ""
    every = "every order of events in small clusters (workers x slots x workflows), with"
    if faultless:
        yield "# What the protocol breaks without any fault\n"
        yield f"`python -m tools.findings --without-faults{unit}`: {every} no fault at all."
    else:
        yield "# What the protocol breaks, and with how little\n"
        yield f"`python -m tools.findings{unit}`: {every} at most"
        yield "two faults."
    if unit:
        yield f"Time passes in windows (`{unit.strip()}`): timers last as long as they do, to within that."
    if faultless:
        yield "Workflows do what somebody may well write, and no activity heartbeats:\n"
        yield from (f"* {program}: {what}." for program, (what, _) in INVITING.items())
        yield "\nEach finding is a run with a clock: `session-sim explain PROPERTY.tape`.\n"
    else:
        yield f"The activity lasts {LONG_WORK // 1000} s. Each finding is a run with a clock:"
        yield "`session-sim explain PROPERTY.tape`. A stop here stops the worker and leaves its process be.\n"


def _page(
    rows: list[str], found: dict[str, tuple[Scope, Finding]], held: dict[str, Scope], unconfirmed: dict[str, Scope], ticks: Ticks | None,
    faultless: bool,
) -> Iterator[str]:  # fmt: skip
    yield from _head(ticks, faultless)
    remedies = WITHOUT_FAULTS if faultless else REMEDIES
    yield "| property | smallest scope | steps | ways passed over that no clock allows | what a user can do |"
    yield "|---|---|---:|---:|---|"
    for name, (scope, finding) in found.items():
        yield f"| [`{name}`]({name}.tape) | {scope} | {len(finding.path)} | {finding.clockless} | {remedies.get(name, '')} |"
    loose = {name: scope for name, scope in unconfirmed.items() if name not in found}
    if loose:
        yield "\nBroken by ways of which no run with a clock came, so that they are no findings; the smallest scope of each:\n"
        yield from (f"* `{name}`: {scope}" for name, scope in loose.items())
    yield "\nHeld wherever they were put to the test, up to the largest scope:\n"
    for name in timeless() if ticks is None else in_ticks():
        if name not in found and name not in loose:
            yield f"* `{name}`: {held[name]}" if name in held else f"* `{name}`: not put to the test"
    yield "\n## What was searched\n"
    yield "States are counted up to the names of workers and workflows that are interchangeable.\n"
    yield "| scope | states | successors | depth | handler calls | local states | bytes a state | seconds |"
    yield "|---|---:|---:|---:|---:|---|---:|---:|"
    yield from rows
    yield "\n## The ways\n"
    for name, (scope, finding) in found.items():
        yield f"### {name}\n\n{scope}:\n"
        for number, leg in enumerate(finding.path, 1):
            if leg.choice == TICK:
                if number == len(finding.path) or finding.path[number].choice != TICK:
                    yield f"{number}. time has passed"
                continue
            yield f"{number}. {leg.told}"
            yield from (f"   * **{lost}**" for lost in leg.lost)
            for seen in leg.seen:
                sentence = getattr(seen, "sentence", None)
                if sentence is not None:
                    yield f"   * {sentence()}"
        yield ""


if __name__ == "__main__":
    main()
