"""What one input makes of one station, said once and for all: `World.apply` and its effects, without the rest of the state.

Almost everything that a handler asks for depends on its own node alone. Three things do not: an answer is only sent
while its caller waits for it, replies to a call that ends leave the mail, and nodes come and go. These stand in the
`Change` as conditions and instructions, which the kernels carry out on whatever state they meet.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar, assert_never

from sim.checker.intern import Interner, ModelError, Station
from sim.checker.outcome_kernels import CRASHED, FRESH, GONE
from sim.model import effects as fx
from sim.model.apart import Bundle, Needed, Part, Partly
from sim.model.canon import Frozen, by_key, freeze
from sim.model.inputs import Call, Deliver, Fault, Fired, Input, Move, Name, NoSuchNode, Reply, Tag, Withdrawn
from sim.model.instant import CALL, CRASH, PROMPT, InstantWorld, armed_as, carried_out, is_prompt, is_retry
from sim.model.node import Node
from sim.model.outcomes import Outcome
from sim.model.windows import FOREVER, Armed
from sim.model.world import Network, Parcel, World

T = TypeVar("T")
Given = Mapping[Part, int]
"""Stations of parts of the node that takes an input, by number; 0 where there is nothing."""


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
    sets: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Slot of another node, or of a part: (its station, FRESH or GONE or CRASHED or 0)."""

    def is_idle(self, station: int) -> bool:
        """Whether nothing changes where it befalls this station."""
        return self.station == station and not (self.consumed or self.adds or self.purges or self.sets)


@dataclass(frozen=True, slots=True)
class Trigger:
    """Something that a node does by itself in a world without delays. `parcel`: the input, as if it were sent."""

    parcel: int
    guard: frozenset[Hashable] = frozenset()
    """What beats the timer that fires."""
    retry: bool = False
    """Whether something is tried again after it."""


class Handler(Protocol):
    """Who runs handlers."""

    def __call__(self, station: Station, name: Name, event: Input) -> tuple[Outcome, ...]:
        """All outcomes."""

    def apart(self, station: Station, name: Name, event: Input, bundles: Mapping[Part, Bundle], every: Iterable[Part]) -> Whole:
        """All outcomes of an input of a node that is kept in parts, and whether its code went through all of `every`. Raises Needed."""


Whole = tuple[tuple[Partly, ...], bool]


class Rules:
    """The world's rules, asked per (station, input)."""

    def __init__(self, world: World, interner: Interner, handler: Handler) -> None:
        self.world = world
        self.interner = interner
        self.handler = handler
        self.instant = isinstance(world, InstantWorld)
        self.went_through = False
        """Whether the last input made its node go through all parts that it may have."""

    def by_itself(self, number: int) -> list[Change]:
        """All that can happen to a station without mail: its timers, then its moves."""
        station = self._station(number)
        return [change for event in self._events(station) for change in self._changes(station, event, {})]

    def triggers(self, number: int) -> list[Trigger]:
        """The same in a world without delays, where it is taken like mail."""
        station = self._station(number)
        name, timers = self.interner.names[station.slot], dict(station.timers)
        found = []
        for event in self._events(station):
            parcel = self.interner.parcel(Parcel(name, name, event))  # type: ignore[arg-type]
            if isinstance(event, Fired):
                prompt = is_prompt(station.kind, event.tag)
                guard = frozenset(timers[event.tag].beaten_by) | (frozenset() if prompt else {PROMPT})
                found.append(Trigger(parcel, guard, is_retry(station.kind, event.tag)))
            else:
                found.append(Trigger(parcel))
        return found

    def later(self, number: int) -> int | None:
        """The station after a unit of time; None where its node has to do something first."""
        station = self._station(number)
        if any(armed.must_end for _, armed in station.timers):
            return None
        timers = tuple((tag, armed.later()) for tag, armed in station.timers)
        local = station.local
        if station.kind is not None and self.interner.parts[station.slot] is None and isinstance(self.world, InstantWorld):
            assert self.world.ticks is not None
            local = station.kind.later(local, self.world.ticks.unit)
        same = timers == station.timers and local == station.local
        return number if same else self.interner.station(replace(station, local=local, timers=timers))

    def _events(self, station: Station) -> Iterator[Input]:
        yield from (Fired(tag) for tag, armed in station.timers if armed.may_fire)
        if station.kind is not None and station.kind.restless and self.interner.parts[station.slot] is None:
            moves = station.kind.restored(station.local).moves()
            if not isinstance(moves, Iterable):
                raise ModelError(f"{self.interner.names[station.slot]}: moves() gives {moves!r}; expected the names of moves")
            yield from map(Move, moves)

    def delivery(self, number: int, parcel_number: int, given: Given) -> list[Change]:
        """All that can become of a parcel at a station; at 0 nobody is there. Raises Needed."""
        parcel = self.interner.parcels[parcel_number]
        assert parcel is not None
        station = self._station(number) if number else Station(self.interner.slot(parcel.to), None, None)
        found = list(self._changes(station, parcel.event, given))
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

    def _changes(self, station: Station, event: Input, given: Given) -> Iterator[Change]:
        name = self.interner.names[station.slot]
        self.went_through = False
        if self.instant and event == CRASH:
            turn = _Turn(self, name, station, given)
            turn.crash()
            yield turn.change(None, event)
            return
        if station.kind is None:
            turn = _Turn(self, name, station, given)
            if isinstance(event, Fired | Reply):
                turn.ends(event)
            if isinstance(event, Deliver) and event.call is not None:
                turn.answer(event.call, Parcel(name, event.call.caller, Reply(event.call.tag, NoSuchNode())))
            yield turn.change(None, event)
            return
        for result, parts in self._handled(station, name, event, given):
            turn = _Turn(self, name, station, given)
            if isinstance(event, Fired | Reply):
                turn.ends(event)
            turn.local = result.state
            for part, bundle in parts.items():
                turn.own(part).local = bundle
            if isinstance(self.world, InstantWorld):
                turn.adds += [(parcel, None) for parcel in self.world.seen(name, result)]
            try:
                change = turn.change(result.answers, event) if carried_out(turn.ticks, result, turn.carry_out, turn.left) else None
            except (TypeError, AttributeError) as error:
                raise ModelError(f"{name}, on {event}, asks for what cannot be done: {error}") from error
            if change is not None:
                yield change

    def _handled(self, station: Station, name: Name, event: Input, given: Given) -> Iterator[tuple[Outcome, Mapping[Part, Bundle]]]:
        assert station.kind is not None
        if not self.interner.apart(station.kind):
            yield from ((result, {}) for result in self.handler(station, name, event))
            return
        bundles = {part: self.interner.bundle(number) for part, number in given.items()}
        every = [part for part, _ in self.interner.parts_of(station.slot)]
        results, self.went_through = self.handler.apart(station, name, event, bundles, every)
        yield from ((partly.outcome, partly.parts) for partly in results)


@dataclass(slots=True)
class _Own:
    """What a turn changes: a node, or a part of it."""

    local: Frozen
    timers: dict[Tag, Armed]
    calls: dict[Tag, Name]


class _Turn:
    """One handler's effects, carried out in order."""

    def __init__(self, rules: Rules, me: Name, station: Station, given: Given) -> None:
        self.interner = rules.interner
        self.instant = rules.instant
        self.ticks = rules.world.ticks if isinstance(rules.world, InstantWorld) else None
        self.me = me
        self.slot = station.slot
        self.kind = station.kind
        self.apart = station.kind if station.kind is not None and rules.interner.apart(station.kind) else None
        """Its class before anything happened, if nodes of that class are kept in parts."""
        self.given = given
        self.owned: dict[Part, _Own] = {None: _Own(station.local, dict(station.timers), dict(station.calls))}
        self.over: list[Tag] = []
        self.adds: list[tuple[Parcel, tuple[int, Tag] | None]] = []
        self.others: dict[int, tuple[Station, int]] = {}
        """By slot: what others are now, and FRESH or GONE."""
        self.gone = 0

    @property
    def local(self) -> Frozen:
        return self.owned[None].local

    @local.setter
    def local(self, local: Frozen) -> None:
        self.owned[None].local = local

    def own(self, part: Part) -> _Own:
        """A part of this node. Raises Needed when it is not given."""
        if part not in self.owned:
            if part not in self.given:
                raise Needed(part)
            station = self.interner.stations[self.given[part]]
            self.owned[part] = _Own(station.local, dict(station.timers), dict(station.calls)) if station is not None else _Own((), {}, {})
        return self.owned[part]

    def at(self, tag: Tag) -> _Own:
        """Where a timer or call belongs."""
        return self.own(self.apart.part_of(tag) if self.apart is not None else None)

    def ends(self, event: Fired | Reply) -> None:
        """What taking this input ends: the timer that fires, the call that is answered or whose budget is over."""
        own = self.at(event.tag)
        own.timers.pop(event.tag, None)
        called = own.calls.pop(event.tag, None)
        self.over.append(event.tag)
        if self.instant and called is not None and isinstance(event, Fired):
            self.adds.append((Parcel(self.me, called, Withdrawn(Call(self.me, event.tag))), None))

    def crash(self) -> None:
        """The node is gone, and whoever it had called gets to know: first those whom its parts had called."""
        own = self.owned[None]
        self.over += own.calls
        self.adds += [(Parcel(self.me, to, Withdrawn(Call(self.me, tag))), None) for tag, to in own.calls.items()]
        own.timers, own.calls = {}, {}
        self.kind, own.local, self.gone = None, None, CRASHED

    def left(self, tag: Tag) -> Armed | None:
        """How a timer of this node is armed. Raises Needed when it belongs to a part that is not given."""
        return self.at(tag).timers.get(tag)

    def arm(self, effect: fx.Arm) -> None:
        timers = self.at(effect.tag).timers
        if not self.instant:
            armed = FOREVER if effect.fires else None
        else:
            armed = armed_as(self.ticks, self.kind, effect, self.left)
        if armed is None:
            timers.pop(effect.tag, None)
        else:
            timers[effect.tag] = armed

    def carry_out(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Send(to=to, message=message):
                fault = self.instant and isinstance(message, Fault)
                self.adds.append((Parcel(self.me, to, message if fault else Deliver(freeze(message), self.me)), None))  # type: ignore[arg-type]
            case fx.Request(to=to, request=request, tag=tag, budget=budget):
                self.adds.append((Parcel(self.me, to, Deliver(freeze(request), self.me, Call(self.me, tag))), None))
                own = self.at(tag)
                own.calls[tag] = to
                if budget is not None:
                    own.timers[tag] = Armed(((CALL, self.me, tag),)) if self.instant else FOREVER
            case fx.Answer(call=call, message=message):
                self.answer(call, Parcel(self.me, call.caller, Reply(call.tag, freeze(message))))
            case fx.Arm():
                self.arm(effect)
            case fx.Disarm(tag=tag):
                self.at(tag).timers.pop(tag, None)
            case fx.Abandon(tag=tag):
                own = self.at(tag)
                own.timers.pop(tag, None)
                called = own.calls.pop(tag, None)
                self.over.append(tag)
                self.adds = [(p, c) for p, c in self.adds if not (p.to == self.me and isinstance(p.event, Reply) and p.event.tag == tag)]
                if self.instant and called is not None:
                    self.adds.append((Parcel(self.me, called, Withdrawn(Call(self.me, tag))), None))
            case fx.Spawn(name=name, node=node):
                self._spawn(name, node)
            case fx.Retire(name=name):
                self._retire(name)
            case _:
                assert_never(effect)

    def answer(self, call: Call, parcel: Parcel) -> None:
        """Add a reply if its caller waits for it: known here for this node and those that came or went just now."""
        caller = self.interner.slot(call.caller)
        if caller == self.slot:
            if call.tag in self.at(call.tag).calls:
                self.adds.append((parcel, None))
        elif caller not in self.others:
            self.adds.append((parcel, (self.interner.slot_of_call(call.caller, call.tag), call.tag)))

    def _spawn(self, name: Name, node: Node) -> None:
        slot = self.interner.slot(name)
        there = self.kind is not None if slot == self.slot else slot in self.others and self.others[slot][0].kind is not None
        if there:
            raise ModelError(f"{self.me} spawns {name}, which exists; a name belongs to one node at a time")
        if slot == self.slot:
            self.kind, self.local = type(node), node.snapshot()
            return
        fresh = FRESH if slot not in self.others else 0
        for station in self.interner.stations_of(name, type(node), node.snapshot()):
            self.others[station.slot] = station, fresh

    def _retire(self, name: Name) -> None:
        slot = self.interner.slot(name)
        if slot == self.slot:
            own = self.owned[None]
            own.timers, own.calls = {}, {}
            self.kind, own.local, self.gone = None, None, GONE
        else:
            self.others[slot] = Station(slot, None, None), GONE

    def change(self, answers: tuple[int, ...] | None, event: Input) -> Change:
        """The change that this turn comes to, in numbers."""
        number = self.interner.station
        sets = {slot: (number(station), how) for slot, (station, how) in self.others.items()}
        for part, own in self.owned.items():
            if part is not None and not self.gone:
                slot = self.interner.slot(self.me, part)
                sets[slot] = number(Station(slot, self.kind, own.local, _in_order(own.timers), _in_order(own.calls))), 0
        own = self.owned[None]
        if self.gone and self.apart is not None:
            sets[self.slot] = 0, self.gone
        mine = Station(self.slot, self.kind, own.local, _in_order(own.timers), _in_order(own.calls))
        return Change(
            number(mine),
            answers,
            event,
            adds=[(self.interner.parcel(parcel), waits) for parcel, waits in self.adds],
            purges=sorted({self.interner.reply_class(self.slot, tag) for tag in self.over}),
            sets=sets,
        )


def _in_order(items: dict[Tag, T]) -> tuple[tuple[Tag, T], ...]:
    return tuple(by_key(items.items())) if items else ()
