"""Which promises of sessions the protocol breaks, and with how little: ``python -m tools.findings [--out reports/checker]``.

With ``--unit 5s`` the same in windows of time, promises about time included (``--out reports/checker/windows --sizes 2``).

Small clusters are checked with one fault of each kind; the table has, for each property, the smallest of them in which it is
broken by a run that a clock allows, or the largest that was searched to the end. Tapes of the findings lie beside it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sim import Scenario
from sim.checker.checking import Options, check
from sim.checker.result import CheckResult, Verdict
from sim.model.durations import format_duration, parse_duration
from sim.model.instant import TICK, InstantWorld
from sim.model.windows import Ticks
from sim.properties.automaton import in_ticks, timeless
from sim.scenario.checked import Bounds, system_of
from sim.scenario.findings import Finding, findings

SIZES: Final = ((1, 1, 1), (2, 1, 1), (2, 1, 2), (2, 2, 3))
"""Workers, slots of each, workflows."""
FAULTS: Final = ((), ("cancels",), ("stops",), ("crashes",), ("lost_requests",), ("lost_responses",), ("slow",))
PAIRS: Final = (("crashes", "stops"), ("crashes", "slow"), ("crashes", "restarts"), ("stops", "slow"), ("cancels", "crashes"))
"""With these, up to two workers and one workflow."""
FEW: Final = ((), ("stops",), ("crashes",))
"""The faults that the largest cluster is searched with."""
LONG_WORK: Final = 30_000
"""Milliseconds that the activity lasts: longer than a call's budget and a heartbeat timeout."""
PROGRAM: Final[list[dict[str, Any]]] = [
    {"op": "create", "as": "s", "creation": "60s", "execution": "600s"},
    {"op": "defer_complete", "in": "s"},
    {"op": "act", "in": "s", "work": {"name": "work", "ms": LONG_WORK}},
]
AGAIN: Final = [{"op": "until_ok", "times": 2, "ms": 0, "steps": [*PROGRAM[:1], *PROGRAM[2:], {"op": "complete", "in": "s"}]}]
"""The whole session once more when it failed."""
RECREATED: Final = [
    PROGRAM[0],
    {"op": "token", "in": "s", "as": "t"},
    {
        "op": "continue_as_new",
        "steps": [{"op": "recreate", "as": "s", "signal": "t", "creation": "60s", "execution": "600s"}, *PROGRAM[1:]],
    },
]
FAILING: Final = [
    *PROGRAM[:2],
    {"op": "act", "in": "s", "work": {"name": "fails", "ms": 2_000, "fail": "non_retryable"}, "ignore": True},
    PROGRAM[2],
]
"""An activity fails by itself, before the other one."""
ASKED_TWICE: Final = [*PROGRAM[:2], {**PROGRAM[0], "as": "s2", "in": "s", "ignore": True}, PROGRAM[2]]
"""One more session is asked for with the context of an open one."""
PROGRAMS: Final = {
    "one session": PROGRAM,
    "once more after a failure": AGAIN,
    "recreated over ContinueAsNew": RECREATED,
    "an activity fails": FAILING,
    "asked for twice": ASKED_TWICE,
    "with time to stop": PROGRAM,
}
WORKERS: Final[dict[str, dict[str, Any]]] = {"with time to stop": {"worker_stop_timeout": "60s"}}
"""What workers have besides, by program."""
LOST: Final = {"lost_requests", "lost_responses"}


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


@dataclass(frozen=True, slots=True)
class Scope:
    """What was searched."""

    program: str
    size: tuple[int, int, int]
    faults: tuple[str, ...]

    def __str__(self) -> str:
        workers, slots, workflows = self.size
        return f"{workers} x {slots} x {workflows}, {self.program}, {named(self.faults)}"

    def scenario(self) -> Scenario:
        workers, slots, workflows = self.size
        tables: dict[str, Any] = {
            "name": "scope",
            "title": str(self),
            "workers": [
                {"name": "w", "count": workers, "max_concurrent_session_execution_size": slots, **WORKERS.get(self.program, {})},
            ],
            "workflows": [{"id": "job", "count": workflows, "program": PROGRAMS[self.program], "arrival": {"at": ["0s"]}}],
        }
        return Scenario.from_dict(tables)


def named(faults: Sequence[str]) -> str:
    """Budgets of one each, in words."""
    return " and ".join(f"one of {fault.replace('_', ' ')}" for fault in faults) or "no fault"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports/checker"))
    parser.add_argument("--limit", type=int, default=4_000_000, help="states of one search at most")
    parser.add_argument("--memory", type=float, default=6, help="GiB")
    parser.add_argument("--jobs", type=int, default=0, help="threads; 0 is one per core")
    parser.add_argument("--sizes", type=int, default=len(SIZES), help="so many of the sizes")
    parser.add_argument("--unit", type=parse_duration, default=0, help="let time pass in ticks of this length, such as 5s")
    options = parser.parse_args()
    ticks = Ticks(options.unit) if options.unit else None
    options.out.mkdir(parents=True, exist_ok=True)
    rows, found, held = [], dict[str, tuple[Scope, Finding]](), dict[str, Scope]()
    unconfirmed: dict[str, Scope] = {}
    for scope in _scopes(options.sizes, ticks is not None):
        scenario = scope.scenario()
        system = system_of(scenario, Bounds(**dict.fromkeys(scope.faults, 1)), ticks=ticks)
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
    (options.out / "findings.md").write_text("\n".join(_page(rows, found, held, unconfirmed, ticks)) + "\n")


def _scopes(sizes: int, timed: bool) -> Iterator[Scope]:
    """Small ones first: without faults, then with one, then with two, then more of everything."""
    for size in SIZES[:sizes]:
        for faults in FEW if size == SIZES[-1] else (*FAULTS, *(PAIRS if size[2] == 1 else ())):
            for program in _programs(size, faults, timed):
                yield Scope(program, size, faults)


def _programs(size: tuple[int, int, int], faults: tuple[str, ...], timed: bool) -> Sequence[str]:
    """What workflows do there. In windows two workers and lost calls have some million states by all but the simplest."""
    if size[2] > 1 or faults in PAIRS or (timed and LOST & set(faults) and size != SIZES[0]):
        return ("one session",)
    return [name for name in PROGRAMS if name not in WORKERS or (timed and "stops" in faults)]


def _row(scope: Scope, result: CheckResult) -> str:
    kinds = ", ".join(f"{kind} {n:,}" for kind, n in result.local_states.items() if kind in ("Run", "Worker", "Watcher"))
    end = "" if result.complete else f" (stopped: {result.stopped})"
    return (
        f"| {scope} | {result.states:,}{end} | {result.generated:,} | {result.depth} | {result.handler_calls:,} | {kinds} | "
        f"{result.bytes_per_state:,.0f} | {result.search_s:.1f} |"
    )


def _page(
    rows: list[str], found: dict[str, tuple[Scope, Finding]], held: dict[str, Scope], unconfirmed: dict[str, Scope], ticks: Ticks | None
) -> Iterator[str]:  # fmt: skip
    yield "# What the protocol breaks, and with how little\n"
    clock = f" --unit {format_duration(ticks.unit)}" if ticks is not None else ""
    yield f"`python -m tools.findings{clock}`: every order of events in small clusters (workers x slots x workflows), with at most"
    yield "two faults."
    if ticks is not None:
        yield f"Time passes in windows (`--unit {format_duration(ticks.unit)}`): timers last as long as they do, to within that."
    yield f"The activity lasts {LONG_WORK // 1000} s. Each finding is a run with a clock:"
    yield "`session-sim explain PROPERTY.tape`. A stop here stops the worker and leaves its process be.\n"
    yield "| property | smallest scope | steps | ways passed over that no clock allows | what a user can do |"
    yield "|---|---|---:|---:|---|"
    for name, (scope, finding) in found.items():
        yield f"| [`{name}`]({name}.tape) | {scope} | {len(finding.path)} | {finding.clockless} | {REMEDIES.get(name, '')} |"
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
