"""A world without a clock: nodes, mail, armed timers; what is enabled, and what each choice leads to.

A state of the world is one immutable value. Any driver that only chooses (search, tape, Hypothesis, a person) steps
it with `enabled` and `apply`; the simulator keeps the same things in a form made for clocks, and every run of it is
a path of this world (a test holds the two together).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar, assert_never

from msgspec import Struct

from sim.model import effects as fx
from sim.model.canon import Frozen, freeze, sort_key
from sim.model.inputs import Call, Deliver, Fault, Fired, Input, Move, Name, NoSuchNode, Reply, Tag, Withdrawn
from sim.model.node import Node
from sim.model.outcomes import Outcome, outcomes
from sim.model.renaming import rename as rename_frozen
from sim.model.windows import FOREVER, Armed


class Network(Enum):
    """What may happen to a message between its sending and its delivery."""

    SET = "messages are never consumed and equal ones are one: any may be delivered any number of times"
    BAG = "each message is delivered once, in any order"
    ORDERED = "each message is delivered once, in the order of sending per pair of nodes"
    QUEUE = "each message is delivered once, in the order of sending of all"

    @property
    def keeps_order(self) -> bool:
        """Whether the order of sending says what may be delivered."""
        return self in (Network.ORDERED, Network.QUEUE)

    def in_order(self, mail: Iterable[Parcel]) -> tuple[Parcel, ...]:
        """Mail, given in the order of sending as far as it counts, in the form in which worlds that cannot be told apart are equal."""
        match self:
            case Network.SET:
                return tuple(sorted(set(mail), key=sort_key))
            case Network.BAG:
                return tuple(sorted(mail, key=sort_key))
            case Network.ORDERED:
                # Sorting is stable: of the links between nodes each keeps its order.
                return tuple(sorted(mail, key=lambda parcel: (parcel.source, parcel.to)))
            case Network.QUEUE:
                return tuple(mail)


class Parcel(Struct, frozen=True):
    """A message on its way: to whom, and the input it will be there."""

    source: Name
    to: Name
    event: Deliver | Reply | Withdrawn | Fault


class Timer(Struct, frozen=True):
    """A timer that may fire, or the budget of an open call. `armed`: what else is known of it; only some worlds keep it."""

    node: Name
    tag: Tag
    armed: Armed = FOREVER


class OpenCall(Struct, frozen=True):
    """A call that waits for its answer, from `to`."""

    node: Name
    tag: Tag
    to: Name


Owned = TypeVar("Owned", Timer, OpenCall)


class State(Struct, frozen=True):
    """A global state: (name, kind, local state) of each node by name; mail; timers that may fire; open calls."""

    nodes: tuple[tuple[Name, type[Node], Frozen], ...]
    mail: tuple[Parcel, ...]
    timers: tuple[Timer, ...]
    calls: tuple[OpenCall, ...]


class Enabled(Struct, frozen=True):
    """One thing that may happen next. `lost`: the parcel vanishes instead of being delivered; `slow`: something beats the timer."""

    node: Name
    event: Input
    parcel: Parcel | None = None
    lost: bool = False
    slow: bool = False

    def label(self) -> str:
        """A readable, stable name of the choice."""
        what = type(self.event).__name__
        match self.event:
            case Deliver(message=message, source=source):
                text = f"{what} {message} from {source}"
            case Reply(tag=tag, message=message):
                text = f"{what} {message} to {tag}"
            case Fired(tag=tag):
                text = f"{what} {tag}"
            case Move(label=label):
                text = f"{what} {label}"
            case _:
                text = str(self.event)
        return f"{self.node}: {'lose ' if self.lost else ''}{'too early, ' if self.slow else ''}{text}"


@dataclass(frozen=True, slots=True)
class World:
    """The rules of one system: its first nodes, its network, and the environment's freedom to lose messages."""

    nodes: Mapping[Name, Node]
    network: Network = Network.BAG
    lossy: Callable[[Parcel], bool] | None = None

    def renaming(self, names: Mapping[Name, Name]) -> Mapping[Name, Name]:
        """How nodes of this world are renamed."""
        return names

    def initial(self) -> State:
        """The first state."""
        return State(tuple((n, type(self.nodes[n]), self.nodes[n].snapshot()) for n in sorted(self.nodes)), (), (), ())

    def enabled(self, state: State) -> Iterator[Enabled]:
        """What may happen next, in a fixed order: deliveries, losses, timers, moves."""
        for parcel in self._deliverable(state.mail):
            yield Enabled(parcel.to, parcel.event, parcel)
            if self.lossy is not None and self.lossy(parcel):
                yield Enabled(parcel.to, parcel.event, parcel, lost=True)
        for timer in state.timers:
            yield Enabled(timer.node, Fired(timer.tag))
        for name, kind, local in state.nodes:
            if kind.restless:
                for label in kind.restored(local).moves():
                    yield Enabled(name, Move(label))

    def _deliverable(self, mail: tuple[Parcel, ...]) -> Iterator[Parcel]:
        if self.network is Network.QUEUE:
            yield from mail[:1]
            return
        seen: set[Hashable] = set()
        for parcel in mail:
            key: Hashable = (parcel.source, parcel.to) if self.network is Network.ORDERED else parcel
            if key not in seen:
                seen.add(key)
                yield parcel

    def apply(self, state: State, choice: Enabled) -> Iterator[tuple[Outcome | None, State]]:
        """Every (outcome, next state) of one choice; a loss, and mail to a node that is gone, has no outcome."""
        mail = state.mail
        if choice.parcel is not None and (self.network is not Network.SET or choice.lost):
            i = mail.index(choice.parcel)
            mail = mail[:i] + mail[i + 1 :]
        if choice.lost:
            yield None, State(state.nodes, mail, state.timers, state.calls)
            return
        timers, calls = state.timers, state.calls
        match choice.event:
            case Fired(tag=tag) | Reply(tag=tag):
                timers = tuple(t for t in timers if not (t.node == choice.node and t.tag == tag))
                calls = tuple(c for c in calls if not (c.node == choice.node and c.tag == tag))
                mail = tuple(_without_replies(mail, choice.node, tag))
            case _:
                pass
        index = next((i for i, (name, _, _) in enumerate(state.nodes) if name == choice.node), None)
        if index is None:
            yield None, State(state.nodes, self.network.in_order([*mail, *_nobody_there(choice, calls)]), timers, calls)
            return
        after = State(state.nodes, mail, timers, calls)
        name, kind, local = state.nodes[index]
        for result in outcomes(kind, name, local, choice.event):
            yield result, self._carry_out(after, index, result)

    def _carry_out(self, state: State, index: int, result: Outcome) -> State:
        me, kind, _ = state.nodes[index]
        nodes = list(state.nodes)
        nodes[index] = (me, kind, result.state)
        mail, timers = list(state.mail), set(state.timers)
        calls = {(c.node, c.tag): c for c in state.calls}
        for effect in result.effects:
            match effect:
                case fx.Send(to=to, message=message):
                    mail.append(Parcel(me, to, Deliver(freeze(message), me)))
                case fx.Request(to=to, request=request, tag=tag, budget=budget):
                    mail.append(Parcel(me, to, Deliver(freeze(request), me, Call(me, tag))))
                    calls[me, tag] = OpenCall(me, tag, to)
                    if budget is not None:
                        timers.add(Timer(me, tag))
                case fx.Answer(call=call, message=message):
                    if (call.caller, call.tag) in calls:
                        mail.append(Parcel(me, call.caller, Reply(call.tag, freeze(message))))
                case fx.Arm(tag=tag, fires=True):
                    timers.add(Timer(me, tag))
                case fx.Arm(tag=tag) | fx.Disarm(tag=tag):
                    timers.discard(Timer(me, tag))
                case fx.Abandon(tag=tag):
                    timers.discard(Timer(me, tag))
                    calls.pop((me, tag), None)
                    mail = _without_replies(mail, me, tag)
                case fx.Spawn(name=name, node=node):
                    nodes.append((name, type(node), node.snapshot()))
                case fx.Retire(name=name):
                    nodes = [n for n in nodes if n[0] != name]
                    timers = {t for t in timers if t.node != name}
                    calls = {key: c for key, c in calls.items() if c.node != name}
                case _:
                    assert_never(effect)
        nodes.sort(key=lambda n: n[0])
        return State(tuple(nodes), self.network.in_order(mail), in_order_of_tags(timers), in_order_of_tags(calls.values()))


def in_order_of_tags(items: Iterable[Owned]) -> tuple[Owned, ...]:
    """Timers or calls in the order that states have them in."""
    return tuple(sorted(items, key=lambda item: (item.node, sort_key(item.tag))))


def _without_replies(mail: Iterable[Parcel], caller: Name, tag: Tag) -> list[Parcel]:
    """The mail without answers to a call that is closed: they would be ignored on arrival."""
    return [p for p in mail if not (p.to == caller and isinstance(p.event, Reply) and p.event.tag == tag)]


def _nobody_there(choice: Enabled, calls: tuple[OpenCall, ...]) -> list[Parcel]:
    """What the driver answers in place of a node that does not exist."""
    call = choice.event.call if isinstance(choice.event, Deliver) else None
    if call is None or not any(c.node == call.caller and c.tag == call.tag for c in calls):
        return []
    return [Parcel(choice.node, call.caller, Reply(call.tag, NoSuchNode()))]


def rename_state(state: State, names: Mapping[Name, Name], network: Network = Network.BAG) -> State:
    """The same global state, of a world with this network, with nodes renamed."""
    nodes = tuple(sorted(((names.get(n, n), k, k.rename(s, names)) for n, k, s in state.nodes), key=sort_key))
    mail: list[Any] = [rename_frozen(item, names) for item in state.mail]
    timers: list[Any] = [rename_frozen(item, names) for item in state.timers]
    calls: list[Any] = [rename_frozen(item, names) for item in state.calls]
    return State(nodes, network.in_order(mail), in_order_of_tags(timers), in_order_of_tags(calls))
