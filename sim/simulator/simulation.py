"""The simulator: a world with a clock.

It carries messages over links with delays, runs timers on the clocks of places, and answers every question from keyed
draws. It knows nodes, places and links, and no protocol. Everything that can be done to the world from outside (crash,
hold, freeze, ...) is in `outages.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar, assert_never

from sim.model.draws import Stream
from sim.model.garbage import seldom_collected
from sim.model.inputs import Call, Deliver, Fired, Input, Move, Name, NoSuchNode, Reply, Tag, Unreachable, Withdrawn
from sim.model.laws import Law, Uniform
from sim.model.node import Node
from sim.model.samples import Samples
from sim.model.spans import Span
from sim.simulator.agenda import Agenda, Entry
from sim.simulator.busy import Busy
from sim.simulator.choices import Choices
from sim.simulator.digest import Digest
from sim.simulator.places import Clock, Condition, Delays, Fate, Link, Place, Rule
from sim.simulator.seats import Initiative, Later, Parcel, Seat, Timer
from sim.simulator.step import LiveStep

# Looked up for every message: an attribute of an enum costs more than a name.
_UP = Condition.UP

COLLECT_AFTER = (50_000, 4, 2)
"""How many new objects Python's collector of cycles waits for during a run, and how many of its rounds before it looks at older
ones; at its default of 700 objects it takes a twelfth of the time. What a run leaves behind in cycles is the code of finished
workflows, some 4 kB each; with these numbers 13,000 of them at most wait for the collector, or a quarter of what is alive."""

Listener = Callable[[int, Name, Any], None]
"""Called with (time in microseconds, node, observation)."""


class Simulation:
    """One run. Times are integer microseconds of true time since its start."""

    __deletable__: ClassVar = ["_step"]
    """For the compiled build: what a run that is over lets go of."""

    def __init__(
        self,
        seed: int,
        delays: Delays | None = None,
        deviations: Mapping[str, int] | None = None,
        recording: bool = False,
        think: Law | None = None,
        choices: Choices | None = None,
        laws: Mapping[str, Law] | None = None,
        busy: Busy | None = None,
        digest: Digest | None = None,
    ) -> None:
        """`laws`: what spans that are drawn are drawn from, by label, instead of what the nodes say. `busy`: what draws share."""
        self.agenda = Agenda()
        self.choices = choices or Choices(seed, deviations, recording)
        self.digest = digest or Digest()
        self.places: dict[Name, Place] = {}
        self.seats: dict[Name, Seat] = {}
        self.links: dict[tuple[Name, Name], Link] = {}
        self.departed: dict[Name, Seat] = {}
        """Nodes that died with their place and have not come back."""
        self.listeners: dict[type, list[Listener]] = {}
        self.messages = 0
        """Messages delivered between nodes of different places."""
        self.local_messages = 0
        """Messages delivered between nodes of one place."""
        self.timers_fired = 0
        self._delays = delays or Delays()
        self._think = think or Uniform(1_000, 10_000)
        self.laws: Mapping[str, Law] = laws or {}
        self.busy = busy
        self.local: deque[tuple[Name, Input, int]] = deque()
        """What nodes of one place sent each other just now: to whom, what, and the serial of the call that a reply belongs to."""
        self._asleep: dict[Name, list[Entry]] = {}
        self._of_answers: dict[int, Rule] = {}
        """Rules that hit the answers to calls that are open, by the serial of the call."""
        self._sent: dict[tuple[str, type], int] = {}
        """Messages by way and class, counted where they have to be told apart."""
        self.serial = 0
        """Number of the latest call."""
        self.at_once = not self.choices.labelled
        """Whether what nodes of one place send each other takes no time: only a tape may say otherwise."""
        self.handling: Input | None = None
        """The input that a node took last."""
        self._step = LiveStep(self)

    # -- from outside ------------------------------------------------------------------------------------------------

    def disturb(self, place: Name, other: Name = "") -> None:
        """To be called before anything is done to a place, its links (with `other`: those between the two) or its clock.

        Only a simulation minds that passes over something (`quiet.py`).
        """

    # -- building ---------------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        return self.agenda.now

    def place(self, name: Name, clock: Clock | None = None) -> Place:
        """The place of this name, made when it is new."""
        if name not in self.places:
            self.places[name] = Place(name, clock or Clock())
        return self.places[name]

    def add(self, name: Name, node: Node, place: Name) -> Seat:
        """Put a node into a place. Names are never used twice at the same time."""
        if name in self.seats:
            raise ValueError(f"node {name}: there is one of that name already")
        seat = Seat(self, name, node, self.place(place), self.digest.newcomer(name, type(node).__name__))
        if (earlier := self.departed.pop(name, None)) is not None:
            # A draw has one name and one use: the next life goes on where the last one stopped.
            seat.streams = earlier.streams
        self.seats[name] = seat
        if node.restless:
            self._offer_moves(seat)
        return seat

    def remove(self, name: Name) -> None:
        """Take a node out, with its timers; its open calls are forgotten."""
        seat = self.seats.pop(name, None)
        if seat is not None:
            for timer in seat.timers.values():
                timer.drop()
            seat.timers.clear()

    def listen(self, kind: type, listener: Listener) -> None:
        """Call `listener` for every observation of exactly this class."""
        self.listeners.setdefault(kind, []).append(listener)

    def observe(self, node: Name, observation: object) -> None:
        """Let the listeners see something that no node emitted (a fault)."""
        for listener in self.listeners.get(type(observation), ()):
            listener(self.agenda.now, node, observation)

    def inject(self, name: Name, event: Input) -> None:
        """Hand an input to a node now, from outside. Nothing happens when the node is gone."""
        seat = self.seats.get(name)
        if seat is not None:
            self.handle(seat, event)

    def schedule(self, time: int, name: str, action: Callable[[], None]) -> None:
        """Do something from outside at a time; `name` orders it among what is simultaneous."""

        def act() -> None:
            action()
            self.settle()

        self.agenda.at(time, Later(("", name), act))

    def run(self, until: int | None = None, stop: Callable[[], bool] = lambda: False) -> None:
        """Go on until `until` (microseconds), or `stop`, or until nothing is left to happen."""
        with seldom_collected(COLLECT_AFTER):
            self.settle()
            self.agenda.run(until, stop)

    def release(self) -> None:
        """Let go of all nodes and of all that is due: the run is over. What is told by numbers (`now`, counts, the digest) stays.

        Nearly all of a run refers to it and is referred to by it. Let go here it is gone at once; otherwise it would wait for the
        collector of cycles, which takes a tenth of the time of short runs.
        """
        for seat in (*self.seats.values(), *self.departed.values()):
            seat.timers.clear()
        for place in self.places.values():
            place.links.clear()
        for link in self.links.values():
            link.waiting.clear()
        for held in (self.seats, self.departed, self.places, self.links, self.listeners, self._asleep, self.local):
            held.clear()
        self.agenda.release()
        del self._step

    # -- inputs -----------------------------------------------------------------------------------------------------

    def handle(self, seat: Seat, event: Input) -> None:
        """Let a node take an input."""
        step = self._step
        outer = step.seat
        step.seat = seat
        step.me = seat.name
        self.handling = event
        self.digest.add(self.agenda.now, seat.index, event)
        seat.node.handle(event, step)
        if seat.restless:
            self._offer_moves(seat)
        step.seat = outer
        if outer is not None:
            step.me = outer.name

    def settle(self) -> None:
        """Deliver what nodes of one place sent each other: that takes no time."""
        local, seats = self.local, self.seats
        while local:
            to, event, serial = local.popleft()
            seat = seats.get(to)
            if seat is None or seat.place.condition is not _UP:
                self.not_taken(seat, Parcel(self, to, event, None, serial))
            elif type(event) is not Reply or seat.ends_call(event.tag, serial):
                self.local_messages += 1
                self.handle(seat, event)

    def _offer_moves(self, seat: Seat) -> None:
        for label in seat.node.moves():
            if label not in seat.moving:
                seat.moving.add(label)
                delay = self.choices.sample("move", seat.name, str(label), self.stream(seat, f"move {label}"), self._think)
                self.agenda.at(self.now + delay, Initiative(self, seat, label))

    def move(self, seat: Seat, label: Hashable) -> None:
        """Let a node do what it offered to do, if it still would (and is still there)."""
        seat.moving.discard(label)
        if self.seats.get(seat.name) is seat and label in seat.node.moves():
            self.handle(seat, Move(label))
            self.settle()

    def stream(self, seat: Seat, purpose: str) -> Stream:
        """The seat's own stream of draws for this purpose."""
        stream = seat.streams.get(purpose)
        if stream is None:
            stream = seat.streams[purpose] = self.choices.stream(purpose, seat.name)
        return stream

    # -- messages ---------------------------------------------------------------------------------------------------

    def link(self, source: Name, target: Name) -> Link:
        """The direction from one place to another."""
        link = self.links.get((source, target))
        if link is None:
            link = Link(source, target, self._delays.law(source, target), calls=self._delays.calls(source, target))
            self._put(link)
        return link

    def _put(self, link: Link) -> None:
        self.links[link.source, link.target] = link
        self.place(link.source).links[link.target] = link

    def renew(self, link: Link) -> None:
        """A new connection in place of this one, what is on its way is lost; the faults of the direction go on, and its draws."""
        link.broken = True
        self._put(
            Link(
                link.source, link.target, link.law, held=link.held, held_at=link.held_at, sent=link.sent, rules=link.rules,
                delays=link.delays, streams=link.streams, calls=link.calls, own_streams=link.own_streams,
            )
        )  # fmt: skip

    def home(self, name: Name) -> Place:
        """Where a node is or would be: where it was when its place died, or the place named before the first slash."""
        seat = self.seats.get(name) or self.departed.get(name)
        return seat.place if seat is not None else self.place(name.partition("/")[0])

    def post(self, sender: Seat, target: Place, to: Name, event: Input, serial: int) -> None:
        """Send an input to a node in `target`."""
        source = sender.place
        if target is source:
            if self.choices.labelled:
                parcel = Parcel(self, to, event, None, serial)
                if late := self._late(f"{sender.name}>{to}", parcel):
                    self.agenda.at(self.agenda.now + late, parcel)
                    return
            self.local.append((to, event, serial))
            return
        link = source.links.get(target.name) or self.link(source.name, target.name)
        if type(event) is Deliver and event.call is not None:
            back = target.links.get(source.name)
            if back is not None and back.rules and (rule := back.rule_for_answer((event.message, to))) is not None:
                self._of_answers[serial] = rule
        parcel = Parcel(self, to, event, link, serial)
        if link.calls is None:
            delay = self._delay(link, parcel)
        else:
            law, own = self._laws_of(link, to, event)
            delay = self._way(link, parcel, law)
            parcel.own = self._own(link, parcel, own) if own is not None else 0
        if link.rules and (rule := self._rule(link, to, event, serial)) is not None:
            self._apply_rule(rule, parcel, delay)
        else:
            self._depart(parcel, delay)

    def _late(self, way: str, parcel: Parcel) -> int:
        """How much later than it arrives a message is dealt with: at once, unless a tape says otherwise.

        Messages of a connection arrive in their order; who serves them may take up a later one first.
        """
        key = (way, _kind(parcel.event))
        number = self._sent[key] = self._sent.get(key, 0) + 1
        return self.choices.late(f"late|{way}|{key[1].__name__}|{number}", parcel)

    def _late_after_stop(self, entry: Entry) -> int:
        """How much later than the others something is taken up that came while a place stood still: at once, unless a tape says otherwise.

        Each is taken up by a goroutine of its own, messages and timers alike; a timer is due no later for that.
        """
        if isinstance(entry, Parcel):
            return self._late(f"{entry.link.name} released", entry) if entry.link is not None else 0
        if not isinstance(entry, Timer):
            return 0
        key = (f"{entry.seat.name} released", Fired)
        number = self._sent[key] = self._sent.get(key, 0) + 1
        return self.choices.late(f"late|{key[0]}|Fired|{number}", entry)

    def unsent(self, parcel: Parcel, link: Link) -> bool:
        """Whether a message never left a process that was killed meanwhile: what was sent arrives, unless a tape says otherwise."""
        return self.places[link.source].condition is Condition.DEAD and self.taped("unsent", Condition, parcel, link)

    def kept_back(self, parcel: Parcel, link: Link) -> bool:
        """Whether a process that was stopped meanwhile has not sent a message yet: it does so when it goes on. What was to arrive while
        it is stopped has been sent, unless a tape says otherwise."""
        source = self.places[link.source]
        if source.condition is not Condition.FROZEN or not self.taped("kept", Place, parcel, link):
            return False
        self.later(source, parcel)
        return True

    def taped(self, what: str, kind: type, parcel: Parcel, link: Link) -> bool:
        """Whether a tape says this of a message; `kind` numbers those that it could be said of."""
        number = self._sent[link.name, kind] = self._sent.get((link.name, kind), 0) + 1
        return bool(self.choices.late(f"{what}|{link.name}|{_kind(parcel.event).__name__}|{number}", parcel))

    def _rule(self, link: Link, to: Name, event: Input, serial: int) -> Rule | None:
        """The rule that hits what is sent now: what hits the answers to calls of one kind was chosen when the call was made."""
        if type(event) is Reply:
            rule = self._of_answers.pop(serial, None)
            return rule if rule is not None and rule.matches(event.message) else link.rule_for(event.message)
        return link.rule_for(_payload(event), self._asked(to, event))

    def _asked(self, to: Name, event: Input) -> tuple[object, Name] | None:
        """The request that an input is, or answers, and whom it was made to; None when it is neither."""
        match event:
            case Deliver(message=message, call=Call()):
                return message, to
            case Reply(tag=tag) if to in self.seats and tag in self.seats[to].calls:
                _, callee, request = self.seats[to].calls[tag]
                return request, callee
            case _:
                return None

    def _depart(self, parcel: Parcel, delay: int) -> None:
        link = parcel.link
        assert link is not None
        agenda = self.agenda
        now, free_at = agenda.now, link.free_at
        arrival = now + delay
        if arrival < free_at or (now < free_at and link.calls is not None):
            # It does not overtake. Where kinds of calls are known, what they share is the way: what follows goes with it.
            arrival = free_at
        link.free_at = arrival
        parcel.order = link.sent = link.sent + 1
        if link.calls is not None:
            # What a call takes by itself does not hold up others; the end of a call does not come before the call.
            arrival = arrival + parcel.own if parcel.own or type(parcel.event) is not Withdrawn else max(arrival, link.latest)
            link.latest = max(link.latest, arrival)
        if self.choices.labelled and (late := self._late(link.name, parcel)):
            parcel.arrived = arrival
            arrival += late
        agenda.at(arrival, parcel)

    def _delay(self, link: Link, parcel: Parcel) -> int:
        """How long the way over a link takes that has one law for all messages."""
        if link.calls is not None or self.busy is not None:
            return self._way(link, parcel, link.law)
        kind = _kind(parcel.event)
        samples = link.delays.get(kind)
        if samples is None:
            stream = self.choices.stream(f"delay {kind.__name__}", link.name)
            samples = link.delays[kind] = Samples(stream, link.law)
        ready = samples.ready
        value = ready.pop() if ready else samples.more()
        choices = self.choices
        return choices.settle(f"delay|{link.name}|{kind.__name__}|{samples.drawn}", value, parcel) if choices.labelled else value

    def _laws_of(self, link: Link, to: Name, event: Input) -> tuple[Law, Law | None]:
        """The laws of a message over a link that knows kinds of calls: of its way, and of what it takes besides."""
        asked = self._asked(to, event)
        if asked is None or link.calls is None:
            return link.law, None
        law, own = link.calls(*asked)
        return law or link.law, own

    def _own(self, link: Link, parcel: Parcel, law: Law) -> int:
        """What a call takes besides its way."""
        kind = _kind(parcel.event)
        stream = link.own_streams.get(kind)
        if stream is None:
            stream = link.own_streams[kind] = self.choices.stream(f"own {kind.__name__}", link.name)
        if self.busy is not None and type(parcel.event) is Reply:
            # What answers take besides is of the machine; what requests take is by definition their own.
            law = self.busy.now(law, self.agenda.now)
        return self.choices.sample("own", link.name, kind.__name__, stream, law, parcel)

    def _way(self, link: Link, parcel: Parcel, law: Law) -> int:
        """How long the way over a link takes by this law."""
        kind = _kind(parcel.event)
        stream = link.streams.get(kind)
        if stream is None:
            stream = link.streams[kind] = self.choices.stream(f"delay {kind.__name__}", link.name)
        if self.busy is not None:
            law = self.busy.now(law, self.agenda.now)
        return self.choices.sample("delay", link.name, kind.__name__, stream, law, parcel)

    def _apply_rule(self, rule: Rule, parcel: Parcel, delay: int) -> None:
        match rule.fate:
            case Fate.LOSE:
                return
            case Fate.DELAY:
                assert isinstance(rule.value, int)
                assert parcel.link is not None
                parcel.link.sent += 1
                parcel.order = parcel.link.sent
                # One slow message does not hold up the connection: it is the request that is slow.
                parcel.unsent = True
                self.agenda.at(self.agenda.now + delay + rule.value, parcel)
            case Fate.DUPLICATE:
                self._depart(parcel, delay)
                assert parcel.link is not None
                self._depart(parcel, self._delay(parcel.link, parcel))
            case Fate.ERROR:
                self._answer_for(parcel, rule.value)
            case Fate.BREAK:
                assert isinstance(rule.value, int)
                self._break_call(parcel, rule.value)

    def _break_call(self, parcel: Parcel, after: int) -> None:
        """The call that a request or a reply belongs to ends as unreachable on its caller's side."""
        match parcel.event:
            case Deliver(call=Call(caller, tag, serial)):
                self.agenda.at(self.now + after, Parcel(self, caller, Reply(tag, Unreachable()), None, serial))
            case Reply(tag=tag):
                self.agenda.at(self.now + after, Parcel(self, parcel.to, Reply(tag, Unreachable()), None, parcel.serial))
            case _:
                pass

    def not_taken(self, seat: Seat | None, parcel: Parcel) -> None:
        """Nobody is there to take a parcel, or not now."""
        if seat is None:
            self._nobody_there(parcel)
        elif seat.place.condition is Condition.DOWN and parcel.link is not None:
            self._answer_for(parcel, Unreachable())
        else:
            self.later(seat.place, parcel)

    def _nobody_there(self, parcel: Parcel) -> None:
        place = self.places[parcel.link.target] if parcel.link is not None else None
        condition = Condition.UP if place is None else place.condition
        match condition:
            case Condition.UP:
                self._answer_for(parcel, NoSuchNode())
            case Condition.DOWN | Condition.DEAD:
                self._answer_for(parcel, Unreachable())
            case Condition.FROZEN:
                assert place is not None
                self.later(place, parcel)
            case Condition.LOST:
                pass
            case _:
                assert_never(condition)

    def _answer_for(self, parcel: Parcel, message: object) -> None:
        """If the parcel is a request, answer it in the name of where it was sent."""
        event = parcel.event
        if isinstance(event, Deliver) and event.call is not None:
            place = parcel.link.target if parcel.link is not None else None
            self.answer(event.call.caller, event.call.tag, event.call.serial, place, message)

    def answer(self, caller: Name, tag: Tag, serial: int, place: Name | None, message: object) -> None:
        """The driver itself answers a call, in the name of `place` (None: the caller's own)."""
        seat = self.seats.get(caller)
        if seat is None:
            return
        event = Reply(tag, message)
        if place is None or place == seat.place.name:
            self.local.append((caller, event, serial))
        else:
            link = self.link(place, seat.place.name)
            parcel = Parcel(self, caller, event, link, serial)
            self._depart(parcel, self._delay(link, parcel))

    # -- calls ------------------------------------------------------------------------------------------------------

    def give_up(self, seat: Seat, tag: Tag) -> None:
        """Forget an open call; the callee gets to know over the link, if that still works."""
        open_call = seat.calls.pop(tag, None)
        if open_call is not None:
            self.tell_withdrawn(seat, tag, *open_call[:2])

    def tell_withdrawn(self, seat: Seat, tag: Tag, serial: int, callee: Name) -> None:
        """Let the callee of a call know that nobody waits for its answer."""
        target = self.seats.get(callee)
        if target is not None:
            self.post(seat, target.place, callee, Withdrawn(Call(seat.name, tag, serial)), 0)

    def postpone(self, timer: Timer, late: Span) -> None:
        """A timer that is due fires late."""
        timer.late = None
        timer.due = self.agenda.now + self._step.lateness(timer, late)
        self.agenda.at(timer.due, timer)

    def later(self, place: Place, entry: Entry) -> None:
        """Keep an entry until the place runs again (not when it is dead)."""
        if place.condition not in (Condition.DEAD, Condition.LOST):
            self._asleep.setdefault(place.name, []).append(entry)

    def wake(self, place: Place) -> None:
        """A place runs again: what came due meanwhile happens now, in the order in which it came due."""
        self.carry_out(self._asleep.pop(place.name, []))

    def forget(self, place: Place) -> None:
        """What came due while the place did not run will never happen."""
        self._asleep.pop(place.name, None)

    def carry_out(self, entries: Sequence[Entry]) -> None:
        """Carry out entries now, in this order; some later, if a tape says so."""
        for entry in entries:
            late = self._late_after_stop(entry) if self.choices.labelled else 0
            if late:
                self.agenda.at(self.agenda.now + late, entry)
            else:
                entry.run()
                self.settle()


def _kind(event: Input) -> type:
    if type(event) is Deliver or type(event) is Reply:
        return type(event.message)
    return type(event)


def _payload(event: Input) -> object:
    return event.message if isinstance(event, (Deliver, Reply)) else event
