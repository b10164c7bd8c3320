"""A world in which messages take no time: what one choice sets off is carried out at once, to the end.

A state is *settled*: nothing is on its way but what `travels`. One choice (a timer, a move of a node, a deed of the
environment, mail that travelled) is followed by all deliveries that come of it, in the order of sending, and by all
choices that the nodes make on the way; `apply` gives each way it can go, with every step of it.

Three rules take the place of a clock:

* **Prompt timers.** A node's class says which of its timers stand for what takes next to no time (`Node.prompt`). While
  one is armed anywhere, no other kind of timer fires.
* **What beats a timer.** A timer may be armed with names of what comes before it unless something is slow (`beaten_by`);
  nodes say what they will do in time (`Node.shields`). An open call is beaten by its callee's still having it.
* **Slowness** is a budget: with the environment's leave, a timer fires in spite of both. So is what is tried again.

Faults are deeds of one node, the environment: it moves by itself, and may take a message on its way.

A world with `ticks` has a clock after all, a coarse one (`sim.model.windows`): time passes by choice, a unit at a time, and
timers other than prompt ones fire within their windows, whatever would have beaten them. Budgets of calls have none: an
answer takes no time, and that of a call which was lost may be given up at any time. That messages take no time stays true.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import assert_never

from msgspec import Struct

from sim.model import effects as fx
from sim.model.canon import Frozen, freeze, sort_key
from sim.model.environment import LOST_REQUEST, LOST_RESPONSE, RETRY, SLOW, Environment
from sim.model.inputs import Call, Deliver, Fault, Fired, Input, Move, Name, NoSuchNode, Reply, Tag, Withdrawn
from sim.model.node import Node
from sim.model.outcomes import Outcome, outcomes
from sim.model.windows import ANY, Armed, LeftOf, Ticks
from sim.model.words import Words
from sim.model.world import Enabled, Network, OpenCall, Parcel, State, Timer, World, in_order_of_tags

CRASH = Fault("crash")
"""The driver's own input: the node is gone, and whoever it had called gets to know."""

PROMPT = ("prompt",)
"""The shield of every prompt timer, against all others."""

CALL = "call"
"""First word of the shield of a call that its callee has."""

TICK = Enabled("clock", Move("a unit of time passes"))
"""The choice to let time pass, in a world with ticks; no node takes it."""

Handler = Callable[[type[Node], Name, Frozen, Input], Iterable[Outcome]]


class Micro(Struct, frozen=True):
    """One step of a way: who took what, and how it came out (None where nobody handled anything).

    A message that the environment takes stands there as the detail of its fault.
    """

    node: Name
    event: Input
    outcome: Outcome | None


Way = tuple[Micro, ...]


def lost_of(outcome: Outcome | Way | None) -> tuple[str, ...]:
    """The messages that did not arrive in a step, in words."""
    faults = (micro.event for micro in outcome if isinstance(micro.event, Fault)) if isinstance(outcome, tuple) else ()
    return tuple(f"{fault.kind}: {_said(fault.detail)}" for fault in faults if isinstance(fault.detail, Parcel))


def seen_of(outcome: Outcome | Way | None) -> tuple[object, ...]:
    """What could be observed of a step, in order."""
    if isinstance(outcome, tuple):
        return tuple(o for micro in outcome if micro.outcome is not None for o in micro.outcome.seen)
    return outcome.seen if outcome is not None else ()


def _said(parcel: Parcel) -> str:
    match parcel.event:
        case Reply(tag=tag):
            what = f"the answer to {tag[0] if isinstance(tag, tuple) else tag}"
        case Deliver(message=message):
            what = type(message).__name__
        case other:
            what = str(other)
    return f"{what} from {parcel.source} to {parcel.to}"


@dataclass(frozen=True, slots=True)
class InstantWorld(World):
    """`lossy` says which messages the environment may take on their way; `travels` which ones are mail between states."""

    environment: Name = ""
    travels: Callable[[Parcel], bool] | None = None
    handler: Handler = outcomes
    watchers: Mapping[Name, Callable[[Name, object], bool]] = field(default_factory=dict)
    """Nodes that take observations as messages, from whoever emits them, if they hear of them: (by whom, what)."""
    words: bool = False
    """Whether names are made of words: then what symmetry swaps are words, wherever they stand."""
    stepwise: bool = False
    """Whether each delivery is a choice of its own, and what is between two of them a state: the same runs, cut into smaller steps.
    The network has to be a queue."""
    first: tuple[Parcel, ...] = ()
    """What is delivered before the first state."""
    ticks: Ticks | None = None
    """The unit of its clock; None in a world without one."""
    mail_first: bool = False
    """Whether what is on its way arrives before any timer fires that does not stand for next to no time, unless all is slow."""

    def renaming(self, names: Mapping[Name, Name]) -> Mapping[Name, Name]:
        return Words(names) if self.words else names

    def initial(self) -> State:
        """The settled state after the first deliveries. Raises ValueError when there are several."""
        return self.begun()[1]

    def begun(self) -> tuple[Way, State]:
        """The first deliveries, and the settled state after them. Raises ValueError when there are several."""
        empty = State(tuple((n, type(self.nodes[n]), self.nodes[n].snapshot()) for n in sorted(self.nodes)), (), (), ())
        # Nothing is lost before the first state.
        calm = replace(self, lossy=None, stepwise=False)
        flow = _Flow.of(calm, empty)
        flow.urgent.extend(self.first)
        found = {state: way for way, state in calm._settle(flow, ())}
        if len(found) != 1:
            raise ValueError(f"the first deliveries lead to {len(found)} states; a world has one first state")
        ((state, way),) = found.items()
        return way, state

    def enabled(self, state: State) -> Iterator[Enabled]:
        """What may happen next, in a fixed order: mail, its losses, timers, moves."""
        for parcel in self._deliverable(state.mail):
            yield Enabled(parcel.to, parcel.event, parcel)
            # In a set a message that is lost is one that is never delivered.
            losable = self.lossy is not None and self.lossy(parcel) and self.network is not Network.SET
            if losable and self._grants(state, loss_of(parcel)):
                yield Enabled(parcel.to, parcel.event, parcel, lost=True)
        if self.stepwise and state.mail:
            return
        shields = self.shields(state)
        kinds, slow = {name: kind for name, kind, _ in state.nodes}, None
        if self._may_tick(state, shields):
            yield TICK
        for timer in state.timers:
            if not timer.armed.may_fire or (self._is_retry(kinds.get(timer.node), timer.tag) and not self._grants(state, RETRY)):
                continue
            if not beaten(state, timer, shields):
                yield Enabled(timer.node, Fired(timer.tag))
            elif not is_held(timer.armed.beaten_by, shields):
                slow = self._grants(state, SLOW) if slow is None else slow
                if slow:
                    yield Enabled(timer.node, Fired(timer.tag), slow=True)
        for name, kind, local in state.nodes:
            if kind.restless:
                for label in kind.restored(local).moves():
                    yield Enabled(name, Move(label))

    def apply(self, state: State, choice: Enabled) -> Iterator[tuple[Way, State]]:  # type: ignore[override]
        """Every (way, next state) of one choice."""
        flow = _Flow.of(self, state)
        if choice == TICK:
            flow.tick()
            yield (), flow.state()
            return
        if choice.parcel is not None and self.network is not Network.SET:
            flow.mail.remove(choice.parcel)
        if choice.lost:
            assert choice.parcel is not None
            for after, way in self._lost(flow, choice.parcel, ()):
                yield from self._settle(after, way)
            return
        way = ()
        for deed in self._price(state, choice):
            if not self._grants(state, deed):
                return
            ((more, flow),) = self._taken(flow, self.environment, deed)
            way += more
        yield from self._go(flow, choice.node, choice.event, way)

    def _may_tick(self, state: State, shields: set[Hashable]) -> bool:
        """Whether time may pass: nothing prompt comes first, no timer has come to its end, and for some it makes a difference."""
        if self.ticks is None or PROMPT in shields or any(timer.armed.must_end for timer in state.timers):
            return False
        us = self.ticks.unit
        return any(t.armed.later() != t.armed for t in state.timers) or any(kind.later(s, us) != s for _, kind, s in state.nodes)

    def _price(self, state: State, choice: Enabled) -> Iterator[Fault]:
        """What the environment gives for a timer that fires."""
        kind = next((kind for name, kind, _ in state.nodes if name == choice.node), None)
        if isinstance(choice.event, Fired) and self._is_retry(kind, choice.event.tag):
            yield RETRY
        if choice.slow:
            yield SLOW

    def _is_retry(self, kind: type[Node] | None, tag: Tag) -> bool:
        return bool(self.environment) and is_retry(kind, tag)

    def _go(self, flow: _Flow, name: Name, event: Input, way: Way) -> Iterator[tuple[Way, State]]:
        for more, after in self._taken(flow, name, event):
            yield from self._settle(after, way + more)

    def _grants(self, state: State, deed: Fault) -> bool:
        """Whether the environment has something left of this."""
        for name, kind, local in state.nodes:
            if name == self.environment:
                return self._leave(kind, local, deed)
        return False

    @staticmethod
    def _leave(kind: type[Node], local: Frozen, deed: Fault) -> bool:
        environment = kind.restored(local)
        return isinstance(environment, Environment) and deed.kind in environment.grants()

    def shields(self, state: State) -> set[Hashable]:
        """What all nodes will do in time unless something is slow."""
        found = {shield for _, kind, local in state.nodes for shield in kind.restored(local).shields()}
        kinds = {name: kind for name, kind, _ in state.nodes}
        prompt = any(timer.armed.fires and is_prompt(kinds.get(timer.node), timer.tag) for timer in state.timers)
        if prompt or (self.mail_first and state.mail):
            found.add(PROMPT)
        return found

    # -- ways ----------------------------------------------------------------------------------------------------------

    def _settle(self, flow: _Flow, way: Way) -> Iterator[tuple[Way, State]]:
        """Deliver what is under way, in order, until nothing is."""
        # No recursion: one choice may set off thousands of deliveries.
        todo = [(flow, way)]
        while todo:
            flow, way = todo.pop()
            if flow.urgent:
                todo += reversed(list(self._delivered(flow, flow.urgent.pop(0), way)))
            else:
                yield way, flow.state()

    def _delivered(self, flow: _Flow, parcel: Parcel, way: Way) -> Iterator[tuple[_Flow, Way]]:
        """What comes of one message that is under way: it is lost, or taken, every way."""
        if self.lossy is not None and self.environment in flow.nodes and self.lossy(parcel):
            kind, local = flow.nodes[self.environment]
            if self._leave(kind, local, loss_of(parcel)):
                yield from self._lost(flow.copy(), parcel, way)
        for more, after in self._taken(flow, parcel.to, parcel.event):
            yield after, way + more

    def _lost(self, flow: _Flow, parcel: Parcel, way: Way) -> Iterator[tuple[_Flow, Way]]:
        loss = loss_of(parcel)
        for _, after in self._taken(flow, self.environment, loss):
            yield after, (*way, Micro(self.environment, Fault(loss.kind, parcel), None))

    def goes_by_mail(self, parcel: Parcel) -> bool:
        """Whether it is mail between states, and not delivered at once. Watchers see what happens while it does."""
        if self.stepwise:
            return parcel.to not in self.watchers
        return self.travels is not None and self.travels(parcel)

    def seen(self, name: Name, result: Outcome) -> Iterator[Parcel]:
        """What the watchers get to see of an outcome."""
        for observation in result.seen:
            for watcher, hears in self.watchers.items():
                if hears(name, observation):
                    yield Parcel(name, watcher, Deliver(freeze(observation), name))

    def _taken(self, flow: _Flow, name: Name, event: Input) -> Iterator[tuple[Way, _Flow]]:
        """Let a node take one input, every way."""
        flow.ends(name, event)
        node = flow.nodes.get(name)
        if event == CRASH:
            flow.crash(name)
            yield (Micro(name, event, None),), flow
            return
        if node is None:
            if isinstance(event, Deliver) and event.call is not None:
                flow.answer(name, event.call, NoSuchNode())
            yield (Micro(name, event, None),), flow
            return
        kind, local = node
        for result in self.handler(kind, name, local, event):
            after = flow.copy()
            after.nodes[name] = (kind, result.state)
            after.urgent.extend(self.seen(name, result))
            if after.carry_all_out(name, result):
                yield (Micro(name, event, result),), after


def with_ticks(world: World, ticks: Ticks) -> InstantWorld:
    """The same world with a coarse clock: timers keep to their windows, messages take any time, and are lost as before.

    Raises ValueError when a node has the name that the losses need.
    """
    nodes = dict(world.nodes)
    if world.lossy is not None:
        if NATURE in nodes:
            raise ValueError(f"a node is called {NATURE!r}; that name is needed for the losses of a world with a clock")
        nodes[NATURE] = Environment({LOST_REQUEST.kind: -1, LOST_RESPONSE.kind: -1})
    environment = NATURE if world.lossy is not None else ""
    return InstantWorld(nodes, world.network, world.lossy, environment, travels=_always, ticks=ticks)


NATURE = "nature"


def _always(parcel: Parcel) -> bool:
    return True


def loss_of(parcel: Parcel) -> Fault:
    """What the environment does when it takes this message."""
    return LOST_RESPONSE if isinstance(parcel.event, Reply) else LOST_REQUEST


def is_held(beaten_by: Iterable[Hashable], shields: set[Hashable]) -> bool:
    """Whether the timer is the budget of a call that its callee still has: then it does not even fire when all is slow.

    A server ends a long poll before its caller does, and the caller polls anew: nothing comes of it.
    """
    return any(is_of_call(name) and name in shields for name in beaten_by)


def is_of_call(shield: Hashable) -> bool:
    """Whether a shield says that a callee still has a call."""
    return isinstance(shield, tuple) and shield[0] == CALL


def is_retry(kind: type[Node] | None, tag: Tag) -> bool:
    """Whether something is tried again after this timer."""
    return kind is not None and (tag[0] if isinstance(tag, tuple) else tag) in kind.retries()


def is_prompt(kind: type[Node] | None, tag: Tag) -> bool:
    """Whether a timer stands for what takes next to no time."""
    return kind is not None and (tag[0] if isinstance(tag, tuple) else tag) in kind.prompt()


def is_anytime(kind: type[Node] | None, tag: Tag) -> bool:
    """Whether ticks do not count for a timer."""
    return kind is not None and (tag[0] if isinstance(tag, tuple) else tag) in kind.anytime()


def beaten(state: State, timer: Timer, shields: set[Hashable]) -> bool:
    """Whether something comes before this timer, unless it is slow."""
    if any(name in shields for name in timer.armed.beaten_by):
        return True
    kind = next((k for n, k, _ in state.nodes if n == timer.node), None)
    return PROMPT in shields and not is_prompt(kind, timer.tag)


def armed_as(ticks: Ticks | None, kind: type[Node] | None, effect: fx.Arm, left: LeftOf) -> Armed | None:
    """How a timer is armed; None for a deadline without a clock, which nobody can tell from none.

    One of which ticks know nothing, or need not know anything, keeps what beats it.
    """
    if ticks is None or is_prompt(kind, effect.tag) or is_anytime(kind, effect.tag):
        return Armed(effect.beaten_by) if effect.fires else None
    window = ticks.window(effect.after, left, effect.late)
    if not effect.fires:
        return Armed((), window, fires=False)
    return Armed(effect.beaten_by) if window == ANY else Armed((), window)


def carried_out(ticks: Ticks | None, result: Outcome, carry_out: Callable[[fx.Effect], None], left: LeftOf) -> bool:
    """Carry out what an outcome asks for, in order; False where no clock gives the answers that it was given on the way."""
    done = 0
    if ticks is not None:
        for (before, question), answer in zip(result.asked, result.answers, strict=True):
            for effect in result.effects[done:before]:
                carry_out(effect)
            done = before
            if not ticks.allows(question, answer, left):
                return False
    for effect in result.effects[done:]:
        carry_out(effect)
    return True


@dataclass(slots=True)
class _Flow:
    """A state that is being changed. `urgent`: what is delivered at once, in this order."""

    world: InstantWorld
    nodes: dict[Name, tuple[type[Node], Frozen]]
    mail: list[Parcel]
    timers: dict[tuple[Name, Tag], Armed]
    calls: dict[tuple[Name, Tag], Name]
    urgent: list[Parcel] = field(default_factory=list)

    @staticmethod
    def of(world: InstantWorld, state: State) -> _Flow:
        return _Flow(
            world, {n: (k, s) for n, k, s in state.nodes}, list(state.mail), {(t.node, t.tag): t.armed for t in state.timers},
            {(c.node, c.tag): c.to for c in state.calls},
        )  # fmt: skip

    def copy(self) -> _Flow:
        return _Flow(self.world, dict(self.nodes), list(self.mail), dict(self.timers), dict(self.calls), list(self.urgent))

    def state(self) -> State:
        return State(
            tuple(sorted(((n, k, s) for n, (k, s) in self.nodes.items()), key=lambda node: node[0])),
            self.world.network.in_order(self.mail),
            in_order_of_tags(Timer(n, t, armed) for (n, t), armed in self.timers.items()),
            in_order_of_tags(OpenCall(n, t, to) for (n, t), to in self.calls.items()),
        )

    def ends(self, name: Name, event: Input) -> None:
        """What taking this input ends: the timer that fires, the call that is answered or whose budget is over."""
        if isinstance(event, Fired | Reply):
            self.timers.pop((name, event.tag), None)
            self._close(name, event.tag, withdrawn=isinstance(event, Fired))

    def send(self, parcel: Parcel) -> None:
        (self.mail if self.world.goes_by_mail(parcel) else self.urgent).append(parcel)

    def answer(self, source: Name, call: Call, message: object) -> None:
        if (call.caller, call.tag) in self.calls:
            self.send(Parcel(source, call.caller, Reply(call.tag, freeze(message))))

    def tick(self) -> None:
        """A unit of time passes."""
        assert self.world.ticks is not None
        us = self.world.ticks.unit
        self.timers = {key: armed.later() for key, armed in self.timers.items()}
        self.nodes = {name: (kind, kind.later(local, us)) for name, (kind, local) in self.nodes.items()}

    def carry_all_out(self, me: Name, result: Outcome) -> bool:
        """As `carried_out`."""
        return carried_out(self.world.ticks, result, partial(self.carry_out, me), lambda tag: self.timers.get((me, tag)))

    def arm(self, me: Name, effect: fx.Arm) -> None:
        """Start a timer. A deadline is only kept where there is a clock."""
        kind = self.nodes[me][0] if me in self.nodes else None
        armed = armed_as(self.world.ticks, kind, effect, lambda tag: self.timers.get((me, tag)))
        if armed is None:
            self.timers.pop((me, effect.tag), None)
        else:
            self.timers[me, effect.tag] = armed

    def carry_out(self, me: Name, effect: fx.Effect) -> None:
        match effect:
            case fx.Send(to=to, message=message):
                self.send(Parcel(me, to, message if isinstance(message, Fault) else Deliver(freeze(message), me)))
            case fx.Request(to=to, request=request, tag=tag, budget=budget):
                self.send(Parcel(me, to, Deliver(freeze(request), me, Call(me, tag))))
                self.calls[me, tag] = to
                if budget is not None:
                    self.timers[me, tag] = Armed(((CALL, me, tag),))
            case fx.Answer(call=call, message=message):
                self.answer(me, call, message)
            case fx.Arm():
                self.arm(me, effect)
            case fx.Disarm(tag=tag):
                self.timers.pop((me, tag), None)
            case fx.Abandon(tag=tag):
                self.timers.pop((me, tag), None)
                self._close(me, tag, withdrawn=True)
            case fx.Spawn(name=name, node=node):
                self.nodes[name] = (type(node), node.snapshot())
            case fx.Retire(name=name):
                self._remove(name)
            case _:
                assert_never(effect)

    def _close(self, name: Name, tag: Tag, withdrawn: bool) -> None:
        """A call is over on the caller's side."""
        to = self.calls.pop((name, tag), None)
        if to is None:
            return
        for parcels in (self.mail, self.urgent):
            parcels[:] = [p for p in parcels if not (p.to == name and isinstance(p.event, Reply) and p.event.tag == tag)]
        if withdrawn:
            self.send(Parcel(name, to, Withdrawn(Call(name, tag))))

    def _remove(self, name: Name) -> None:
        self.nodes.pop(name, None)
        self.timers = {key: b for key, b in self.timers.items() if key[0] != name}
        self.calls = {key: to for key, to in self.calls.items() if key[0] != name}

    def crash(self, name: Name) -> None:
        """The callees get to know in the order of the caller's parts, and of those of the rest last."""
        kind = self.nodes[name][0] if name in self.nodes else Node

        def order(tag: Tag) -> tuple[bool, tuple[str, str], tuple[str, str]]:
            part = kind.part_of(tag)
            return part is None, sort_key(part), sort_key(tag)

        for tag in sorted((tag for node, tag in self.calls if node == name), key=order):
            self._close(name, tag, withdrawn=True)
        self._remove(name)
