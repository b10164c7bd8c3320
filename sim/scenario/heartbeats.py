"""Heartbeats that nobody can notice, kept aside (`sim.simulator.quiet`): those of creation activities whose sessions nothing happens to.

A round is: the activity's ticker ticks, it calls RecordActivityTaskHeartbeat, the run moves the attempt's deadline, the answer comes
back (P3.6, P4.1.5). Besides, the timer task that the run wrote for the deadline comes due now and then, finds it moved, and is written
anew (P4.3.11), which loads the shard's timer queue (P4.3.10). No event comes of it and no workflow task.

Nobody notices as long as the attempt rests but for its heartbeats (`CreationAttempt.rests`), the server has nothing to tell it in an
answer, every other deadline of the run is further away than this one will be, and an exchange is shorter than any budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sim.history.failures import TimeoutType
from sim.model.inputs import Call, Deliver, Reply, Tag
from sim.model.spans import SECOND
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.activity_record import ActivityRecord, Attempt
from sim.protocol.run import COARSENESS, LATENESS, LOAD_BY_OTHERS, Run
from sim.protocol.worker.creation import CreationAttempt
from sim.protocol.worker.node import Worker
from sim.simulator.loops import Loop
from sim.simulator.quiet import Aside, Pair, QuietSimulation, depart
from sim.simulator.seats import Parcel, Seat, Timer

LEAST_BUDGET: Final = SECOND
"""Of a heartbeat call (P3.6.3)."""
REACH: Final = 2 * SECOND
"""More than a timer task is late, and an exchange takes."""

TICK, ARRIVAL, ANSWER, DUE, FIRE = range(5)
"""Stages: the ticker ticks; the call is at the server, the answer at the worker; the timer task is due, and fires."""


class HeartbeatLoop(Loop):
    """The heartbeats of one attempt, from one answer to the next, and the timer task for their deadline."""

    __slots__ = (
        "_answer_at", "_answers", "_arrives_at", "_aside", "_asks", "_attempt", "_deadline", "_fires_at", "_home", "_interval", "_lasts",
        "_late", "_number", "_order", "_record", "_shard", "_tick_at", "_tick_tag", "_ticker", "_written_tag", "stage",
    )  # fmt: skip

    def __init__(self, pair: Pair, caller: Seat, callee: Seat, attempt: CreationAttempt, record: ActivityRecord) -> None:
        super().__init__(pair, caller, callee, attempt.key)
        self._attempt, self._record, self._number = attempt, record, record.attempt
        self._interval, self._lasts = attempt.interval, record.command.heartbeat
        self._asks = pair.up.delays[msg.RecordActivityTaskHeartbeat]
        self._answers = pair.down.delays[msg.HeartbeatAnswer]
        assert isinstance(callee.node, Run)
        self._home = pair.up.source, pair.down.source
        self._shard = pair.sim.seats[callee.node.spec.shard]
        self._tick_tag, self._written_tag = attempt.tag("tick"), ("written", record.ordinal, TimeoutType.HEARTBEAT)
        self.stage = ANSWER
        """What happened last of the exchange."""
        self._tick_at = caller.timers[self._tick_tag].due
        """The next tick, microseconds; that of a call that is under way was an interval ago."""
        self._arrives_at = self._answer_at = self._order = 0
        """Of the exchange under way; the number of its latest message."""
        written = callee.timers[self._written_tag]
        self._fires_at, self._late = written.due, written.late is None
        """When the timer task is due, or, if it is `_late` already, when it fires."""
        self._deadline = callee.timers[record.due(TimeoutType.HEARTBEAT)]
        self._ticker = Aside(caller, self._tick_tag, self._stopped)
        self._aside = Aside(callee, self._written_tag)

    def begin(self) -> None:
        """Take the timers off the agenda, and say when it goes on."""
        for seat, tag, aside in ((self.caller, self._tick_tag, self._ticker), (self.callee, self._written_tag, self._aside)):
            seat.timers[tag].drop()
            seat.timers[tag] = aside
        self.pair.due(self._tick_at, self.caller.name, f"timer {self._tick_tag}", 0, self, TICK)
        self._write()

    def _write(self) -> None:
        self.pair.due(self._fires_at, self.callee.name, f"timer {self._written_tag}", 0, self, FIRE if self._late else DUE)

    def _stopped(self) -> None:
        """The attempt has ended."""
        self.pair.sim.surface(self)

    # -- whether it goes on -------------------------------------------------------------------------------------------

    def goes_on(self) -> bool:
        run, record, timers = self.callee.node, self._record, self.callee.timers
        if self.pair.sim.seats.get(self.callee.name) is not self.callee or timers.get(self._written_tag) is not self._aside:
            return False
        assert isinstance(run, Run)
        if record.attempt != self._number or not is_quiet(run, record):
            return False
        self._deadline = timers[record.due(TimeoutType.HEARTBEAT)]
        return others_are_far(self.callee, run, record, self.pair.alarm_at + self._lasts + self._interval + REACH)

    # -- what happens -------------------------------------------------------------------------------------------------

    def carry_out(self, stage: int, time: int) -> None:
        pair = self.pair
        sim = pair.sim
        if stage == TICK:
            sim.timers_fired += 1
            self.stage = TICK
            pair.flying[self] = None
            self._tick_at = time + self._interval
            self._arrives_at = depart(pair.up, self._asks, time)
            self._order = pair.up.sent
            pair.due(self._tick_at, self.caller.name, f"timer {self._tick_tag}", 0, self, TICK)
            pair.due(self._arrives_at, self.callee.name, f"parcel {self._home[0]}", self._order, self, ARRIVAL)
        elif stage == ARRIVAL:
            sim.messages += 1
            self.stage = ARRIVAL
            self._deadline.due = time + self._lasts
            self._answer_at = depart(pair.down, self._answers, time)
            self._order = pair.down.sent
            pair.due(self._answer_at, self.caller.name, f"parcel {self._home[1]}", self._order, self, ANSWER)
        elif stage == ANSWER:
            sim.messages += 1
            self.stage = ANSWER
            del pair.flying[self]
        elif stage == DUE:
            self._fires_at, self._late = time + sim.late(self.callee, self._written_tag, LATENESS), True
            self._write()
        else:
            self._fire(time)

    def _fire(self, time: int) -> None:
        """The timer task fires, finds the deadline moved, and is written anew."""
        sim = self.pair.sim
        sim.timers_fired += 1
        self.callee.marks["load"] = time
        # The shard hears of it: a message within the server.
        sim.local_messages += 1
        marks = self._shard.marks
        marks["load"] = max(marks.get("load", 0), time)
        self._fires_at, self._late = max(self._deadline.due, time + COARSENESS), False
        self._write()

    # -- in the open --------------------------------------------------------------------------------------------------

    def surface(self) -> None:
        caller, callee = self.caller, self.callee
        if callee.timers.get(self._written_tag) is self._aside:
            self._put(Timer(callee, self._written_tag, self._fires_at, None, None if self._late else LATENESS))
        if caller.timers.get(self._tick_tag) is self._ticker:
            self._put(Timer(caller, self._tick_tag, self._tick_at, None, None))
            if self.stage != ANSWER:
                self._call()

    def _put(self, timer: Timer) -> None:
        timer.seat.timers[timer.tag] = timer
        self.pair.sim.quiet.put(timer.due, timer)

    def _call(self) -> None:
        """A call is under way: let the worker know of it, and send what is on its way."""
        sim, caller, callee = self.pair.sim, self.caller, self.callee
        worker = caller.node
        assert isinstance(worker, Worker)
        call, budget = self._attempt.has_called(worker)
        tag, since = self._attempt.tag("beat"), self._tick_at - self._interval
        self._put(Timer(caller, ("budget", tag), since + sim.length_then(caller, budget, since), None, None))
        serial = sim.serial = sim.serial + 1
        caller.calls[tag] = (serial, callee.name, call.request)
        if self.stage == TICK:
            request = Deliver(call.request, caller.name, Call(caller.name, tag, serial))
            parcel, arrives = Parcel(sim, callee.name, request, self.pair.up, serial), self._arrives_at
        else:
            answer = Reply(tag, msg.HeartbeatAnswer(False, False))
            parcel, arrives = Parcel(sim, caller.name, answer, self.pair.down, serial), self._answer_at
        parcel.order = self._order
        sim.quiet.put(arrives, parcel)


def is_quiet(run: Run, record: ActivityRecord) -> bool:
    """Whether a heartbeat of this activity does nothing but move its deadline, and the run writes no timer task but for that."""
    return (
        run.activities.get(record.ordinal) is record
        and record.phase is Attempt.STARTED
        and not (record.paused or record.cancel_requested or run.closed or run.locked)
        and record.details is None
        and TimeoutType.HEARTBEAT in record.written
    )


def others_are_far(seat: Seat, run: Run, record: ActivityRecord, until: int) -> bool:
    """Whether no deadline of the run but that of the heartbeats comes before a time, and the soonest timer has its timer task."""
    timers = seat.timers
    if any(timers[tag].due <= until for tag in _others(run, record)):
        return False
    return not run.timers or run.timers[min(run.timers, key=lambda ordinal: timers["user", ordinal].due)]


def _others(run: Run, record: ActivityRecord) -> Iterator[Tag]:
    for other in run.activities.values():
        for kind in other.deadlines():
            if other is not record or kind is not TimeoutType.HEARTBEAT:
                yield other.due(kind)


class Heartbeats:
    """Knows the heartbeats that nobody notices."""

    answer: type = msg.HeartbeatAnswer
    loud: frozenset[type] = frozenset({obs.HeartbeatRecorded})

    def begin(self, sim: QuietSimulation, caller: Seat, tag: Tag) -> HeartbeatLoop | None:
        """The loop that a creation activity is in whose heartbeat was just answered."""
        attempt = _resting(caller, tag)
        callee = sim.seats.get(attempt.task.run) if attempt is not None else None
        if attempt is None or callee is None or not isinstance(callee.node, Run):
            return None
        run = callee.node
        record = run.activities.get(attempt.task.ordinal)
        if record is None or record.attempt != attempt.task.attempt or not is_quiet(run, record):
            return None
        pair = sim.pair(caller.place.name, callee.place.name)
        if not _regular(sim, pair, run, attempt) or not _to_come(sim, caller, attempt.tag("tick"), callee, attempt.task.ordinal):
            return None
        pair.ready()
        if not others_are_far(callee, run, record, pair.alarm_at + record.command.heartbeat + attempt.interval + REACH):
            return None
        loop = HeartbeatLoop(pair, caller, callee, attempt, record)
        loop.begin()
        return loop


def _resting(caller: Seat, tag: Tag) -> CreationAttempt | None:
    """The attempt whose heartbeat this was, if it rests now."""
    worker = caller.node
    if type(worker) is not Worker or not isinstance(tag, tuple) or worker.options.mutants or worker.options.repairs:
        return None
    attempt = worker.attempts.get(tag[1:])
    if type(attempt) is not CreationAttempt or not attempt.rests:
        return None
    return None if attempt.tag("wake") in caller.timers else attempt


def _to_come(sim: QuietSimulation, caller: Seat, tick: Tag, callee: Seat, ordinal: int) -> bool:
    """Whether the timers of a loop are still to come: what came due while a place stood still is carried out one after the other."""
    mine, theirs = caller.timers.get(tick), callee.timers.get(("written", ordinal, TimeoutType.HEARTBEAT))
    return mine is not None and theirs is not None and mine.due > sim.now and theirs.due > sim.now


def _regular(sim: QuietSimulation, pair: Pair, run: Run, attempt: CreationAttempt) -> bool:
    """Whether network and server are such that an exchange is what `HeartbeatLoop` takes it for."""
    lateness = sim.laws.get(LATENESS.label)
    return (
        pair.calm()
        and pair.longest < min(LEAST_BUDGET, attempt.interval // 2)
        and run.spec.transaction is None
        and not run.spec.plain
        and LOAD_BY_OTHERS.label not in sim.laws
        and (lateness is None or lateness.bounds()[0] > 0)
    )
