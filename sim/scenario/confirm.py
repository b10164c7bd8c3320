"""From a path of the checker to a run with a clock: the same scenario, with the path's faults at times that its timers allow.

The checker leaves out clocks, so what it finds may be nothing that a clock allows. A finding is confirmed by a tape: a run of
the simulator, of whatever seed, in which the same property is broken.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sim.model import effects as fx
from sim.model.inputs import Deliver, Fault, Fired, Move, Name, Reply, Tag
from sim.model.instant import InstantWorld, Way, is_held
from sim.model.world import Enabled, Parcel, State
from sim.properties import KNOWN
from sim.scenario.calls import METHODS, is_call
from sim.scenario.judging import setting_of
from sim.scenario.load import Scenario
from sim.scenario.retold import is_broken
from sim.scenario.run import PreparedRun, run
from sim.trace.tape import Tape
from sim.trace.times import Clockless, Key, extremes, times

TRIES: Final = 200
"""Seeds, and small shifts of the faults, that are tried."""
FEWER: Final = 5
"""One of so many runs is made where none is expected to break it."""
SHIFTS_US: Final = (0, 500, 2_000, 10_000, 50_000, 200_000, 1_000_000)
"""How much later than the earliest time a fault may come: a path says what is before what, not by how much."""

KINDS: Final = {
    "crash": "kill", "restart": "start", "stop": "stop", "cancel": "cancel", "lose machine": "lose_machine", "pause": "pause",
    "partition": "partition",
}  # fmt: skip
"""What the operator does -> the kind of fault."""

Step = tuple[Enabled, Way]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`tape`: the run that breaks the property, None when there was none; then `why`. `clockless`: no clock allows the way, or breaks
    the property by it."""

    tape: Tape | None = None
    why: str = ""
    tries: int = 0
    clockless: bool = False


@dataclass(frozen=True, slots=True)
class Idle:
    """Whether a timer may have fired without anybody noticing: nothing came of it, or its call was simply made anew.

    `states`: the first one, and that after each step.
    """

    world: InstantWorld
    states: Sequence[State]

    def __call__(self, step: int, key: Key) -> bool:
        state = self.states[step]
        timer = next((t for t in state.timers if (t.node, t.tag) == key), None)
        if timer is None:
            return False
        if is_held(timer.armed.beaten_by, self.world.shields(state)):
            return True
        return any(after == state for _, after in self.world.apply(state, Enabled(key[0], Fired(key[1]))))


def confirm(scenario: Scenario, name: str, path: Sequence[Step], is_idle: Idle, tries: int = TRIES) -> Confirmation:
    """Look for a run with a clock in which the property `name` is broken as the path says."""
    ways = [way for _, way in path]
    try:
        at = times(ways, is_idle)
        breaking = _breaking(scenario, name, ways, is_idle) if KNOWN[name].times else at
    except Clockless as reason:
        return Confirmation(None, f"no clock allows it: {reason}", clockless=True)
    if breaking is None:
        # Ticks are coarser than clocks. Messages take their time in runs, so some are made all the same.
        tries = -(-tries // FEWER)
    # A promise about time is broken by some times and not by others; but runs keep to a way best when nothing waits for long.
    plans = [list(faults_of(path, when)) for when in ((at,) if breaking is None or breaking == at else (breaking, at))]
    for number in range(tries):
        faults = plans[number % len(plans)]
        shifts = random.Random(number)
        shifted = [{**fault, "at": f"{max(0, fault['at'] + _shift(shifts, number))}us"} for fault in faults]
        timed = Scenario.from_dict({**_at_once(scenario), "faults": shifted}, source=scenario.source)
        result = run(timed, number, properties=(name,))
        if result.properties[name] == "broken":
            return Confirmation(result.tape, "", number + 1)
    if breaking is None:
        return Confirmation(None, "it breaks in ticks, and at no times that its timers allow; a smaller --unit may decide", tries, True)
    return Confirmation(None, f"none of {tries} runs with its faults at their times breaks it", tries)


def _breaking(scenario: Scenario, name: str, ways: Sequence[Way], is_idle: Idle) -> Sequence[int] | None:
    """Times of these steps at which a promise about time is broken; None where it is at none of those that its timers allow."""
    setting = setting_of(scenario.model, PreparedRun(scenario, 0, properties=()).delays)
    first, _ = is_idle.world.begun()
    return next((at for at in extremes(ways, is_idle) if is_broken(KNOWN[name], setting, [first, *ways], [0, *at])), None)


def _shift(shifts: random.Random, number: int) -> int:
    """The first tries take the earliest times."""
    return 0 if number < 3 else shifts.choice(SHIFTS_US) + shifts.randrange(500)


def _at_once(scenario: Scenario) -> dict[str, Any]:
    """The scenario's tables, with all workflows started at first, as the checker does."""
    tables = scenario.to_dict()
    for workflow in tables["workflows"]:
        workflow["arrival"] = {"at": ["0s"]}
    return {**tables, "expect": {}, "properties": {}}


def faults_of(path: Sequence[Step], at: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The faults of a path as tables of a scenario; `at` in microseconds."""
    calls = _Calls()
    for number, ((choice, way), time) in enumerate(zip(path, at, strict=True)):
        if isinstance(choice.event, Move) and isinstance(choice.event.label, tuple):
            kind, target = choice.event.label
            if kind in KINDS:
                yield {"kind": KINDS[kind], "target": target, "at": time, **_more(kind, target, path[number:], at[number:])}
        for micro in way:
            if isinstance(micro.event, Fault) and isinstance(micro.event.detail, Parcel):
                yield calls.lost(micro.event.detail)
            before: fx.Request | None = None
            for effect in micro.outcome.effects if micro.outcome is not None else ():
                if isinstance(effect, fx.Request):
                    if effect == before:
                        yield calls.doubled(micro.node, effect)
                    else:
                        calls.made(micro.node, effect)
                    before = effect


def _more(kind: str, target: object, path: Sequence[Step], at: Sequence[int]) -> dict[str, Any]:
    """Further keys of an operator's deed. `path`, `at`: from there on."""
    if kind == "stop":
        return {"exits": False}
    end = {"pause": Move(("resume", target)), "partition": Move(("heal", target))}.get(kind)
    over = next((time for (choice, _), time in zip(path, at, strict=True) if choice.event == end), None)
    return {"for": f"{max(1, over - at[0])}us"} if over is not None else {}


class _Calls:
    """Counts the calls of each worker, so that one can be named by its number."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._open: dict[tuple[Name, Tag], tuple[str, int]] = {}

    def made(self, caller: Name, request: fx.Request) -> None:
        method = next((m for m in METHODS if is_call(m, "", request.request, request.to)), "")
        process = caller.partition(".")[0]
        number = self._counts[process, method] = self._counts.get((process, method), 0) + 1
        self._open[caller, request.tag] = method, number

    def doubled(self, caller: Name, request: fx.Request) -> dict[str, Any]:
        """The fault that lets this call arrive twice."""
        return self._fault("duplicate_request", caller, request.tag)

    def lost(self, parcel: Parcel) -> dict[str, Any]:
        """The fault that takes this message of a call away."""
        match parcel.event:
            case Reply(tag=tag):
                kind, caller = "lose_response", parcel.to
            case Deliver(call=call) if call is not None:
                kind, caller, tag = "lose_request", call.caller, call.tag
            case other:
                raise ValueError(f"{other} is no part of a call")
        return self._fault(kind, caller, tag)

    def _fault(self, kind: str, caller: Name, tag: Tag) -> dict[str, Any]:
        method, number = self._open.get((caller, tag), ("", 1))
        fault = {"kind": kind, "target": caller.partition(".")[0], "at": 0, "calls": 1, "nth": number}
        return {**fault, "method": method} if method else fault
