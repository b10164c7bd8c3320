"""The simulator without what nobody notices: some loops of calls go on aside, and are carried out when somebody looks.

A loop (`loops.py`) is kept aside from the answer that ends one of its rounds on, as times at which something happens in it, in
a heap of its pair of places. They are not on the agenda. Each is carried out, in the order of the agenda and with the draws
that it would have had, before anything is done at which it could be seen: a message over the same links, an input of its callee,
a draw from the same stream. It *surfaces*, that is, what it has under way is put on the agenda as if it had never left
it, when it may be interfered with: before an input of its caller while a call is under way, when a timer of its part is armed,
when its callee is no longer such that nobody notices, before a place or link of its pair is tampered with, and at the end of `run`.

What does not tell is left out: the digest. So there are no tapes, and no deviations from choices either.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Mapping
from heapq import heappop, heappush
from typing import Final

import simpy

from sim.model.inputs import Input, Name, Reply, Tag
from sim.model.laws import Law
from sim.model.samples import Samples
from sim.model.spans import SECOND, Span
from sim.simulator.agenda import Agenda, Entry
from sim.simulator.busy import Busy
from sim.simulator.digest import Unkept
from sim.simulator.loops import Loop, Watch
from sim.simulator.places import Condition, Delays, Link
from sim.simulator.seats import Later, Parcel, Seat, Timer
from sim.simulator.simulation import Listener, Simulation
from sim.simulator.step import LiveStep

ALARM: Final = 120 * SECOND
"""How often a pair's loops are asked whether they may go on: what ends them by the mere passing of time has to be further away."""

At = tuple[int, Name, str, int, Loop, int]
"""When, at which node, label, number of the message (0: it is none), whose, and what it is to the loop."""


class QuietAgenda(Agenda):
    """An agenda that knows what it is carrying out, since what is kept aside may be due at the same microsecond."""

    __slots__ = ("_rest", "_woke", "again", "current")

    def __init__(self) -> None:
        super().__init__()
        self.current: Entry | None = None
        """What is carried out now."""
        self.again = False
        """Whether what was due at this time had been carried out before `current` was put on the agenda."""
        self._rest: list[Entry] = []
        """What is due now and still to be carried out, the next one last."""
        self._woke = -1

    def _wake(self, event: simpy.Event) -> None:
        event.callbacks = self._callbacks
        now = self.now
        self.again = now == self._woke
        self._woke = now
        due = self._buckets.pop(now)
        self._rest = [entry for what in (due if isinstance(due, list) else [due]) for entry in what.ready(now)]
        if len(self._rest) > 1:
            # Of equal keys the one that was put there first comes first, here too: a sort in reverse leaves their order as it is.
            self._rest.reverse()
            self._rest.sort(key=_key, reverse=True)
        while self._rest:
            self.current = entry = self._rest.pop()
            entry.run()
        self.current = None

    def comes_first(self, what: At) -> bool:
        """Whether something kept aside is carried out before what is carried out now."""
        if what[0] != self.now:
            return what[0] < self.now
        return self.current is None or self.again or (what[1], label(what[2], what[3])) < self.current.key()

    def put(self, time: int, entry: Entry) -> None:
        """Put an entry on the agenda that would have been there long since."""
        if time > self.now:
            self.at(time, entry)
            return
        places = [_Descending(other.key()) for other in self._rest]
        self._rest.insert(bisect_left(places, _Descending(entry.key())), entry)


class _Descending:
    """A key in the reverse order."""

    __slots__ = ("key",)

    def __init__(self, key: tuple[str, str]) -> None:
        self.key = key

    def __lt__(self, other: _Descending) -> bool:
        return other.key < self.key


def _key(entry: Entry) -> tuple[str, str]:
    return entry.key()


def label(text: str, number: int) -> str:
    """What `Parcel.key` and `Timer.key` say besides the node."""
    return f"{text} {number:012d}" if number else text


class Aside(Timer):
    """In place of a timer that a loop keeps aside. `on_drop`: what to do when its node stops it."""

    __slots__ = ("_on_drop",)

    def __init__(self, seat: Seat, tag: Tag, on_drop: Callable[[], None] | None = None) -> None:
        super().__init__(seat, tag, 0, None, None)
        self._on_drop = on_drop

    def drop(self) -> None:
        if self.live:
            self.live = False
            if self._on_drop is not None and self.seat.timers.get(self.tag) is not self:
                self._on_drop()


class Pair:
    """Two places, the links between them, and the loops that go on over these."""

    __slots__ = ("_bounded", "alarm_at", "down", "flying", "heap", "longest", "loops", "places", "sim", "up")

    def __init__(self, sim: QuietSimulation, caller: Name, callee: Name) -> None:
        self.sim = sim
        self.places = sim.place(caller), sim.place(callee)
        self.up, self.down = sim.link(caller, callee), sim.link(callee, caller)
        self.heap: list[At] = []
        self.loops: dict[Loop, None] = {}
        self.flying: dict[Loop, None] = {}
        """Those whose caller waits for an answer, in the order of their calls."""
        self.alarm_at = 0
        """Until when all of `loops` may go on."""
        bounds = [link.law.bounds() for link in (self.up, self.down)]
        # A message that takes no time would come at the same instant as what it answers, but after all else of it.
        self._bounded = all(low > 0 and high is not None for low, high in bounds)
        self.longest = sum(high or 0 for _, high in bounds)
        """The most that call and answer take together, microseconds."""

    def calm(self) -> bool:
        """Whether nothing is out of the ordinary with places and links."""
        sim = self.sim
        for place in self.places:
            if place.condition is not Condition.UP or place.clock.drift_ppm:
                return False
        if self.up.broken or self.down.broken:
            self.up, self.down = (sim.link(link.source, link.target) for link in (self.up, self.down))
        return self._bounded and not any(
            link.broken or link.held or link.waiting or link.rules or link.calls is not None for link in (self.up, self.down)
        )

    def due(self, time: int, node: Name, text: str, number: int, loop: Loop, stage: int) -> None:
        """Something of a loop is due; `text` and `number` as in `label`."""
        heappush(self.heap, (time, node, text, number, loop, stage))

    def catch_up(self) -> None:
        """Carry out all that would have happened by now."""
        heap, agenda = self.heap, self.sim.quiet
        while heap and heap[0][0] <= agenda.now:
            if not agenda.comes_first(heap[0]):
                return
            time, _, _, _, loop, stage = heappop(heap)
            if loop.live:
                loop.carry_out(stage, time)

    def ring(self) -> None:
        """Let those go on that may go on until the next alarm."""
        self.catch_up()
        self.alarm_at = self.sim.now + ALARM
        for loop in list(self.loops):
            if not loop.goes_on():
                self.sim.surface(loop)
        if self.loops:
            self._set_alarm()
        else:
            self.alarm_at = 0

    def _set_alarm(self) -> None:
        up = self.up
        self.sim.agenda.at(self.alarm_at, Later(("", f"alarm {up.source} {up.target}"), self.ring))

    def ready(self) -> None:
        """A loop may be about to begin."""
        if self.alarm_at <= self.sim.now:
            self.alarm_at = self.sim.now + ALARM
            self._set_alarm()


def depart(link: Link, samples: Samples, time: int) -> int:
    """Send a message over a link aside at a time; gives when it arrives, microseconds."""
    ready = samples.ready
    arrival = time + (ready.pop() if ready else samples.more())
    if arrival < link.free_at:
        arrival = link.free_at
    link.free_at = arrival
    link.sent += 1
    return arrival


class QuietSimulation(Simulation):
    """A run without what nobody notices: the same observations at the same times, and the same counts once `run` returns.

    Whoever changes a place, a link or a clock by other ways than `outages` and the cluster calls `disturb` before, and
    nobody looks at nodes while the run goes on.
    """

    def __init__(
        self, seed: int, delays: Delays | None = None, *, watch: Watch, laws: Mapping[str, Law] | None = None, busy: Busy | None = None
    ) -> None:
        super().__init__(seed, delays, laws=laws, busy=busy, digest=Unkept())
        self.quiet = QuietAgenda()
        self.agenda = self.quiet
        self._step = self._looking = QuietStep(self)
        self.watch = watch
        self.pairs: dict[tuple[Name, Name], Pair] = {}
        """By the places of callers and callees, in either order."""
        self.callers: dict[Name, list[Pair]] = {}
        """Pairs in which a node has been in a loop that it calls in."""
        self.callees: dict[Name, dict[Loop, None]] = {}
        """Loops by the node that is called in them."""
        self.parts: dict[tuple[Name, Hashable], Loop] = {}
        """Loops by caller and part."""
        self.begun = 0
        """How many loops were kept aside so far."""
        self._overheard = busy is not None

    # -- loops --------------------------------------------------------------------------------------------------------

    def pair(self, caller: Name, callee: Name) -> Pair:
        """The pair of these places, made when it is new."""
        pair = self.pairs.get((caller, callee))
        if pair is None:
            pair = self.pairs[caller, callee] = self.pairs[callee, caller] = Pair(self, caller, callee)
        return pair

    def _perhaps(self, caller: Seat, tag: Tag) -> None:
        loop = None if self._overheard else self.watch.begin(self, caller, tag)
        if loop is not None:
            self.begun += 1
            loop.pair.loops[loop] = None
            pairs = self.callers.setdefault(caller.name, [])
            if loop.pair not in pairs:
                pairs.append(loop.pair)
            self.callees.setdefault(loop.callee.name, {})[loop] = None
            self.parts[caller.name, loop.part] = loop

    def surface(self, loop: Loop) -> None:
        """A loop goes on in the open. All that would have happened by now has been carried out."""
        if not loop.live:
            return
        loop.live = False
        pair = loop.pair
        loop.surface()
        del pair.loops[loop], self.parts[loop.caller.name, loop.part]
        pair.flying.pop(loop, None)
        called = self.callees[loop.callee.name]
        del called[loop]
        if not called:
            del self.callees[loop.callee.name]
        if not pair.loops:
            pair.heap.clear()

    def disturb(self, place: Name, other: Name = "") -> None:
        for (source, target), pair in self.pairs.items():
            if pair.loops and source == place and other in ("", target):
                pair.catch_up()
                for loop in (*pair.flying, *pair.loops):
                    self.surface(loop)

    def look_everywhere(self) -> None:
        """Carry out all that would have happened by now, anywhere."""
        for pair in self.pairs.values():
            pair.catch_up()

    def length_then(self, seat: Seat, span: Span, time: int) -> int:
        """How long a span of a node was at an earlier time, microseconds of its place's clock; it may draw nothing."""
        step, agenda = self._looking, self.agenda
        outer, now = step.seat, agenda.now
        step.seat, agenda.now = seat, time
        length = step.length(span)
        step.seat, agenda.now = outer, now
        return length

    def late(self, seat: Seat, tag: Tag, span: Span) -> int:
        """Draw how late a timer fires that is kept aside, microseconds."""
        return self._looking.lateness(Timer(seat, tag, 0, None, None), span)

    # -- where somebody looks -----------------------------------------------------------------------------------------

    def handle(self, seat: Seat, event: Input) -> None:
        name = seat.name
        called = name in self.callees
        if called:
            self._look_at_calls_to(name)
        for pair in self.callers.get(name, ()):
            pair.catch_up()
            for loop in list(pair.flying):
                self.surface(loop)
        super().handle(seat, event)
        if called:
            for loop in list(self.callees.get(name, ())):
                if not loop.goes_on():
                    self.surface(loop)
        if type(event) is Reply and type(event.message) is self.watch.answer:
            self._perhaps(seat, event.tag)

    def _look_at_calls_to(self, callee: Name) -> None:
        for loop in self.callees.get(callee, ()):
            loop.pair.catch_up()

    def _delay(self, link: Link, parcel: Parcel) -> int:
        pair = self.pairs.get((link.source, link.target))
        if pair is not None:
            pair.catch_up()
        return super()._delay(link, parcel)

    def postpone(self, timer: Timer, late: Span) -> None:
        self._look_at_calls_to(timer.seat.name)
        super().postpone(timer, late)

    def listen(self, kind: type, listener: Listener) -> None:
        super().listen(kind, listener)
        if kind in self.watch.loud:
            self._overheard = True
            self.surface_all()

    def surface_all(self) -> None:
        """All loops go on in the open."""
        for pair in list(self.pairs.values()):
            self.disturb(pair.up.source)

    def run(self, until: int | None = None, stop: Callable[[], bool] = lambda: False) -> None:
        super().run(until, stop)
        self.surface_all()

    def release(self) -> None:
        self.pairs.clear()
        for held in (self.callers, self.callees, self.parts):
            held.clear()
        super().release()
        del self._looking


class QuietStep(LiveStep):
    """A step that notices when a node begins with something that a loop of its has to do with."""

    __slots__ = ("_quiet",)

    def __init__(self, sim: QuietSimulation) -> None:
        super().__init__(sim)
        self._quiet = sim

    def arm(self, tag: Tag, after: Span, beaten_by: tuple[Hashable, ...] = (), late: Span | None = None) -> None:
        parts = self._quiet.parts
        if parts and type(tag) is tuple and (loop := parts.get((self.me, tag[1:]))) is not None:
            self._quiet.surface(loop)
        super().arm(tag, after, beaten_by, late)

    def length(self, span: Span) -> int:
        """The span in microseconds of the seat's clock."""
        return self._length(span)

    def _since_mark(self, node: Name, tag: Tag, after: int) -> int:
        self._quiet.look_everywhere()
        return super()._since_mark(node, tag, after)
