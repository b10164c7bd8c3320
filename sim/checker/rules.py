"""What one input makes of one station, said once and for all: `World.apply` and its effects, without the rest of the state.

Almost everything that a handler asks for depends on its own node alone. Three things do not: an answer is only sent
while its caller waits for it, replies to a call that ends leave the mail, and nodes come and go. These stand in the
`Change` as conditions and instructions, which the kernels carry out on whatever state they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar, assert_never

from sim.checker.intern import Interner, ModelError, Station
from sim.model import effects as fx
from sim.model.canon import freeze, sort_key
from sim.model.inputs import Call, Deliver, Fault, Fired, Input, Move, Name, NoSuchNode, Reply, Tag, Withdrawn
from sim.model.instant import CALL, CRASH, PROMPT, InstantWorld, is_prompt, is_retry
from sim.model.outcomes import Outcome
from sim.model.world import Network, Parcel, World

T = TypeVar("T")
Handler = Callable[[Station, Name, Input], tuple[Outcome, ...]]
Timers = dict[Tag, tuple[Hashable, ...]]
Calls = dict[Tag, Name]


@dataclass(slots=True)
class Change:
    """One way an input comes out. `waits` beside a parcel: it is only added while that slot has that call open."""

    station: int
    answers: tuple[int, ...] | None = None
    """The answers that the handler was given; None where nobody handled anything."""
    event: Input | None = None
    lost: bool = False
    parcel: int = 0
    consumed: int = 0
    """The parcel, if it leaves the mail."""
    adds: list[tuple[int, tuple[int, Tag] | None]] = field(default_factory=list)
    purges: list[int] = field(default_factory=list)
    retry: bool = False
    """Whether the timer that fires makes something be tried again."""
    guard: frozenset[Hashable] = frozenset()
    """What beats the timer that fires."""
    sets: dict[int, tuple[int, bool]] = field(default_factory=dict)
    """Slot of another node: (its station, whether it must have been empty before)."""


class Rules:
    """The world's rules, asked per (station, input)."""

    def __init__(self, world: World, interner: Interner, handler: Handler) -> None:
        self.world = world
        self.interner = interner
        self.handler = handler
        self.instant = isinstance(world, InstantWorld)

    def by_itself(self, number: int) -> list[Change]:
        """All that can happen to a station without mail: its timers, then its moves."""
        station = self._station(number)
        events: list[Input] = [Fired(tag) for tag, _ in station.timers]
        if station.kind is not None and station.kind.restless:
            events += [Move(label) for label in station.kind.restored(station.local).moves()]
        found = [change for event in events for change in self._changes(station, event)]
        if self.instant:
            beaten_by = dict(station.timers)
            for change in found:
                if isinstance(change.event, Fired):
                    change.retry = is_retry(station.kind, change.event.tag)
                    prompt = is_prompt(station.kind, change.event.tag)
                    change.guard = frozenset(beaten_by[change.event.tag]) | (frozenset() if prompt else {PROMPT})
        return found

    def delivery(self, number: int, parcel_number: int) -> list[Change]:
        """All that can become of a parcel at a station; at 0 nobody is there."""
        parcel = self.interner.parcels[parcel_number]
        assert parcel is not None
        station = self._station(number) if number else Station(self.interner.slot(parcel.to), None, None)
        found = list(self._changes(station, parcel.event, parcel))
        for change in found:
            change.parcel = parcel_number
            change.consumed = 0 if self.world.network is Network.SET else parcel_number
        if not self.instant and self.world.lossy is not None and self.world.lossy(parcel):
            found.append(Change(number, None, parcel.event, True, parcel_number, parcel_number))
        return found

    def _station(self, number: int) -> Station:
        station = self.interner.stations[number]
        assert station is not None
        return station

    def _changes(self, station: Station, event: Input, parcel: Parcel | None = None) -> Iterator[Change]:
        name = self.interner.names[station.slot]
        timers, calls = dict(station.timers), dict(station.calls)
        over: list[Tag] = []
        withdrawn: list[Parcel] = []
        if isinstance(event, Fired | Reply):
            timers.pop(event.tag, None)
            called = calls.pop(event.tag, None)
            over.append(event.tag)
            if self.instant and called is not None and isinstance(event, Fired):
                withdrawn.append(Parcel(name, called, Withdrawn(Call(name, event.tag))))
        if self.instant and event == CRASH:
            yield self._crash(name, station)
            return
        if station.kind is None:
            turn = _Turn(self.interner, name, station, timers, calls, over)
            if isinstance(event, Deliver) and event.call is not None:
                turn.answer(event.call, Parcel(name, event.call.caller, Reply(event.call.tag, NoSuchNode())))
            yield turn.change(None, event)
            return
        for result in self.handler(station, name, event):
            turn = _Turn(self.interner, name, station, dict(timers), dict(calls), list(over))
            turn.local = result.state
            turn.instant = self.instant
            turn.adds = [(parcel, None) for parcel in withdrawn]
            if isinstance(self.world, InstantWorld):
                turn.adds += [(parcel, None) for parcel in self.world.seen(name, result)]
            for effect in result.effects:
                turn.carry_out(effect)
            yield turn.change(result.answers, event)

    def _crash(self, name: Name, station: Station) -> Change:
        turn = _Turn(self.interner, name, station, {}, {}, [tag for tag, _ in station.calls])
        turn.adds = [(Parcel(name, to, Withdrawn(Call(name, tag))), None) for tag, to in station.calls]
        turn.kind, turn.local = None, None
        return turn.change(None, CRASH)


class _Turn:
    """One handler's effects, carried out in order."""

    def __init__(self, interner: Interner, me: Name, station: Station, timers: Timers, calls: Calls, over: list[Tag]) -> None:
        self.interner = interner
        self.me = me
        self.slot = station.slot
        self.kind = station.kind
        self.local = station.local
        self.timers = timers
        self.calls = calls
        self.over = over
        self.adds: list[tuple[Parcel, tuple[int, Tag] | None]] = []
        self.others: dict[Name, Station] = {}
        self.fresh: set[Name] = set()
        self.instant = False
        """Whether the world is one without delays: whoever was called gets to know when a call is given up."""

    def carry_out(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Send(to=to, message=message):
                fault = self.instant and isinstance(message, Fault)
                self.adds.append((Parcel(self.me, to, message if fault else Deliver(freeze(message), self.me)), None))  # type: ignore[arg-type]
            case fx.Request(to=to, request=request, tag=tag, budget=budget):
                self.adds.append((Parcel(self.me, to, Deliver(freeze(request), self.me, Call(self.me, tag))), None))
                self.calls[tag] = to
                if budget is not None:
                    self.timers[tag] = ((CALL, self.me, tag),) if self.instant else ()
            case fx.Answer(call=call, message=message):
                self.answer(call, Parcel(self.me, call.caller, Reply(call.tag, freeze(message))))
            case fx.Arm(tag=tag, fires=True, beaten_by=beaten_by):
                self.timers[tag] = beaten_by if self.instant else ()
            case fx.Arm(tag=tag) | fx.Disarm(tag=tag):
                self.timers.pop(tag, None)
            case fx.Abandon(tag=tag):
                self.timers.pop(tag, None)
                called = self.calls.pop(tag, None)
                self.over.append(tag)
                self.adds = [(p, c) for p, c in self.adds if not (p.to == self.me and isinstance(p.event, Reply) and p.event.tag == tag)]
                if self.instant and called is not None:
                    self.adds.append((Parcel(self.me, called, Withdrawn(Call(self.me, tag))), None))
            case fx.Spawn(name=name, node=node):
                self._spawn(name, Station(self.interner.slot(name), type(node), node.snapshot()))
            case fx.Retire(name=name):
                self._retire(name)
            case _:
                assert_never(effect)

    def answer(self, call: Call, parcel: Parcel) -> None:
        """Add a reply if its caller waits for it: known here for this node and those that came or went just now."""
        caller = call.caller
        if caller == self.me or caller in self.others:
            calls = self.calls if caller == self.me else dict(self.others[caller].calls)
            if call.tag in calls:
                self.adds.append((parcel, None))
            return
        self.adds.append((parcel, (self.interner.slot(caller), call.tag)))

    def _spawn(self, name: Name, station: Station) -> None:
        there = self.kind is not None if name == self.me else name in self.others and self.others[name].kind is not None
        if there:
            raise ModelError(f"{self.me} spawns {name}, which exists; a name belongs to one node at a time")
        if name == self.me:
            self.kind, self.local = station.kind, station.local
            return
        if name not in self.others:
            self.fresh.add(name)
        self.others[name] = station

    def _retire(self, name: Name) -> None:
        if name == self.me:
            self.kind, self.local = None, None
            self.timers.clear()
            self.calls.clear()
        else:
            self.others[name] = Station(self.interner.slot(name), None, None)

    def change(self, answers: tuple[int, ...] | None, event: Input) -> Change:
        """The change that this turn comes to, in numbers."""
        number = self.interner.station
        mine = Station(self.slot, self.kind, self.local, _in_order(self.timers), _in_order(self.calls))
        return Change(
            number(mine),
            answers,
            event,
            adds=[(self.interner.parcel(parcel), waits) for parcel, waits in self.adds],
            purges=sorted({self.interner.reply_class(self.slot, tag) for tag in self.over}),
            sets={self.interner.slot(name): (number(station), name in self.fresh) for name, station in self.others.items()},
        )


def _in_order(items: dict[Tag, T]) -> tuple[tuple[Tag, T], ...]:
    return tuple(sorted(items.items(), key=lambda item: sort_key(item[0])))
