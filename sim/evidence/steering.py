"""Makes the choices of a run so that it goes along a recording, where the protocol leaves them open.

The recording says when each event was written; a choice that decides when, or by whom, is made accordingly, within limits
that hold for every run: a message takes at most a second, a server's timer is at most a tenth of a second late, and so on.
Nothing here decides what happens: only how long what is on its way takes, and which of several things that are possible is
taken. Choices that nothing is known of stay as the seed would make them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sim.evidence.calls import CallSteering
from sim.evidence.expected import TIMER_LATE, Expected, closed_at
from sim.evidence.follow import Follower
from sim.evidence.matching import MatchingSteering
from sim.evidence.rebuild import SERVER_ANSWERS
from sim.evidence.recording import At, RecordedActivity, Recording, RunRecord
from sim.history import events as ev
from sim.model.inputs import Deliver, Fired, Reply, Tag
from sim.protocol import messages as msg
from sim.protocol.queue import TaskQueue
from sim.protocol.run import COARSENESS
from sim.protocol.worker.attempts import WAKE_UP
from sim.scenario.cluster import EXIT
from sim.simulator.choices import Choices
from sim.simulator.seats import Parcel, Timer
from sim.simulator.simulation import Simulation

LATENESS_LIMIT: Final = 100_000
"""A timer of the server fires at most this late, microseconds."""

START_LIMIT: Final = 1_000_000
"""Unless the server has just started anew: then this late, microseconds."""

START_TIME: Final = 2_000_000
"""A start takes this long before and after the server answers again, microseconds."""

SHORTEST_WAKE_UP, LONGEST_WAKE_UP = WAKE_UP.lo, WAKE_UP.hi

GOROUTINE_LIMIT: Final = 50_000
"""A goroutine that was woken runs at most this much later."""


CANCELED_BEFORE: Final = "(type: SessionWorkerShutdown, retryable: false): context canceled"
"""How a creation activity's error ends whose context was cancelled before its deadline was noticed."""

OTHERS: Final = "load by others"
"""How much later than it would a timer fires for a load of the shard for something else."""

LATENESS: Final = "timer lateness"
"""How much later than it is due a timer fires."""

AHEAD: Final = "timer read ahead"
"""The choice whether the queue was loaded for a timer that fires, or before."""

POLL: Final = "partition of a poll"
"""The choice where a poll waits."""

TASK: Final = "partition of a task"
"""The choice where a task lands."""


@dataclass(frozen=True, slots=True)
class Picked:
    """A choice between several things: what was picked, of how many, and when. `waits`: at a queue, if tasks waited there."""

    label: str
    made: int
    options: int
    at: int
    waits: bool = True

    @property
    def queue(self) -> str:
        """The queue at which a poll took its place; "" for other choices."""
        _, entity, what, _ = self.label.split("|")
        return entity if what == POLL else ""

    def is_at(self, queue: str, what: str, time: int) -> bool:
        """Whether this is the choice of that kind that a queue made at a time."""
        _, entity, kind, _ = self.label.split("|")
        return (entity, kind, self.at) == (queue, what, time)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A task or poll came to a queue: `label` is the choice that made it `late` that much, so that it came `at` that time."""

    label: str
    late: int
    at: int
    queue: str


@dataclass(frozen=True, slots=True)
class Written:
    """A timer task of a run is written, or due: `label` is the choice how much later it fires, for a load by others or by itself."""

    label: str
    at: int
    run: str
    tag: Tag


class Steering(Choices):
    """Choices that follow a recording. `forced`: choices that are made so whatever the recording seems to say.

    `deviations` are the choices made otherwise than the seed would: with them the run happens again without a recording.
    """

    def __init__(self, seed: int, recording: Recording, follower: Follower, forced: Mapping[str, int]) -> None:
        super().__init__(seed, None, recording=True)
        self._forced = forced
        self._expected = Expected(recording, follower)
        self._sim: Simulation | None = None
        self.deviations: dict[str, int] = {}
        self.picked: list[Picked] = []
        self.handed: dict[msg.Item, Arrival] = {}
        """When tasks came to their queues."""
        self.written: list[Written] = []
        """Timer tasks when they were written, in order of time."""
        self.due: list[Written] = []
        """Timer tasks when they were due, in order of time."""
        self.polls: dict[tuple[str, str], list[Arrival]] = {}
        """When polls came to queues, by queue and identity."""

    def join(self, sim: Simulation) -> None:
        """Steer this simulation; to be called before it runs."""
        self._sim = sim
        self._calls = CallSteering(sim, self._expected)
        self._matching = MatchingSteering(sim, self._expected)
        self._spans: dict[str, Callable[[str, Tag, int], int]] = {
            LATENESS: self._lateness,
            OTHERS: self._load_by_others,
            "transfer read": self._matching.read,
            "meeting of a poll and a waiting task": self._matching.meeting,
            "long poll jitter": self._expiry,
            "call retry backoff": self._calls.tried_again,
            "poll error backoff": self._calls.tried_again,
            "exit": lambda process, tag, value: EXIT.bounds()[1] or value,
            "goroutine wake-up": self._goroutine,
            "goroutine answer": self._goroutine,
        }
        self._picks: dict[str, Callable[[str, Sequence[Any], int], int]] = {
            TASK: self._matching.partition_of_task,
            POLL: self._matching.partition_of_poll,
            "partition of a waiting task": self._matching.waiting_task,
            "order of transfer tasks": self._matching.next_transfer,
            "select of the creation activity": self._select,
            "select of the activity": self._select,
            AHEAD: self._read_ahead,
            "select under a cancelled background context": self._result_or_error,
            "end of work at its deadline": self._in_time,
        }

    def settle(self, label: str, value: int, about: object = None) -> int:
        made = self._forced.get(label)
        if made is None or (label.startswith("choose|") and made >= len(about)):  # type: ignore[arg-type]
            # Nothing is forced, or there are fewer things to choose from than in the run that it was found in.
            made = self._made(label, value, about)
        if label.startswith("choose|"):
            assert self._sim is not None
            assert isinstance(about, Sequence)
            self.picked.append(Picked(label, made, len(about), self._sim.now, self._waits(label)))
        return self._kept(label, value, made)

    def _waits(self, label: str) -> bool:
        """Whether tasks wait at the queue that chooses; True if it is none."""
        assert self._sim is not None
        seat = self._sim.seats.get(label.split("|")[1])
        return bool(seat.node.backlog) if seat is not None and isinstance(seat.node, TaskQueue) else True

    def _kept(self, label: str, value: int, made: int) -> int:
        if made != value:
            self.deviations[label] = made
        return super().settle(label, made)

    def late(self, label: str, about: object = None) -> int:
        """What is left of a message's time when it has arrived, or how much later a timer is taken up after a stop."""
        if isinstance(about, Timer):
            return self._kept(label, 0, self._forced.get(label, self._after_heartbeat(about)))
        assert isinstance(about, Parcel)
        if label.startswith("unsent|"):
            return self._kept(label, 0, int(self._calls.has_no_effect(about)))
        if label.startswith("kept|"):
            return self._kept(label, 0, int(self._calls.is_kept_back(about)))
        if label.startswith("caught|"):
            return self._kept(label, 0, int(self._calls.is_cut_off(about)))
        made = self._forced[label] if label in self._forced else self._left(about)
        self._remember(label, about, made)
        return self._kept(label, 0, made) if made else 0

    def _remember(self, label: str, parcel: Parcel, made: int) -> None:
        """Keep what decides which poll meets which task."""
        assert self._sim is not None
        if isinstance(parcel.event, Deliver):
            message = parcel.event.message
            arrived = self._sim.now if parcel.link is None else parcel.link.free_at
            if isinstance(message, msg.AddTask):
                self.handed[message.item] = Arrival(label, made, arrived + made, parcel.to)
            elif isinstance(message, msg.Poll):
                self.polls.setdefault((parcel.to, message.identity), []).append(Arrival(label, made, arrived + made, parcel.to))

    def _left(self, parcel: Parcel) -> int:
        return self._matching.hand_over(parcel) if parcel.link is None else self._calls.late(parcel)

    def _made(self, label: str, value: int, about: Any) -> int:
        kind, entity, what, _ = label.split("|")
        if kind == "delay":
            assert isinstance(about, Parcel)
            return self._calls.delay(about, value)
        if kind == "choose":
            pick = self._picks.get(what)
            return value if pick is None else pick(entity, about, value)
        if what in (OTHERS, LATENESS):
            assert self._sim is not None
            (self.written if what == OTHERS else self.due).append(Written(label, self._sim.now, entity, about))
        draw = self._spans.get(what)
        return value if draw is None else draw(entity, about, value)

    # -- the server's timers ------------------------------------------------------------------------------------------

    def _lateness(self, run: str, tag: Tag, value: int) -> int:
        """A timer is due: it fires when the recording has what it does."""
        assert self._sim is not None
        at = self._fired_at(run, tag)
        if at is None:
            return value
        late, limit = at - self._sim.now, self._latest()
        return min(max(late, 0), limit) if -LATENESS_LIMIT <= late <= limit else value

    def _latest(self) -> int:
        """How late a timer may fire: later just after a new start of the server (P4.3.10)."""
        assert self._sim is not None
        recording = self._expected.recording
        starts = (recording.offset + h.at for h in recording.case.timeline if h.what == SERVER_ANSWERS)
        return START_LIMIT if any(abs(self._sim.now - at) <= START_TIME for at in starts) else LATENESS_LIMIT

    def _load_by_others(self, run: str, tag: Tag, value: int) -> int:
        """A timer is written: it is late by a load for something else if the recording has it fire so late."""
        assert self._sim is not None
        at = self._fired_at(run, tag, by_itself=True)
        left = at - TIMER_LATE - self._sim.now if at is not None else 0
        return left if 0 < left <= COARSENESS else value

    def _fired_at(self, run: str, tag: Tag, by_itself: bool = False) -> int | None:
        """When the recording has what a timer does; `by_itself`: only if nothing else does that."""
        expected = self._expected
        record = expected.run(run)
        if record is None or not isinstance(tag, tuple):
            return None
        written = expected.follower.written(run)
        match tag:
            case ("written", int() as ordinal, _):
                activity = expected.activity(run, ordinal)
                closed = activity.closed if activity is not None else None
                if closed is None or closed.event_id <= written:
                    return None if by_itself else self._without_effect(record)
                if by_itself and not isinstance(closed.event, ev.ActivityTaskTimedOut):
                    return None
                # One that is overtaken by the worker's answer fires after that.
                return closed.time if isinstance(closed.event, ev.ActivityTaskTimedOut) else closed.time + 1
            case ("user timers", *_):
                fired = record.after(written, ev.TimerFired)
            case ("sticky",) | ("task",):
                fired = record.after(written, ev.WorkflowTaskTimedOut)
            case ("backoff",):
                fired = record.after(written, ev.WorkflowTaskScheduled)
            case ("run",):
                fired = record.after(written, ev.WorkflowExecutionTimedOut)
            case _:
                return None
        if fired is None:
            return None if by_itself else self._without_effect(record)
        return fired.time

    def _without_effect(self, record: RunRecord) -> int | None:
        """When a timer fires that the recording has nothing of: after its run was closed."""
        closed = closed_at(record)
        return None if closed is None else closed + 1

    def _expiry(self, queue: str, tag: Tag, value: int) -> int:
        assert self._sim is not None
        node = self._sim.seats[queue].node
        assert isinstance(node, TaskQueue)
        return self._calls.expiry(node.open[tag], value)

    def _read_ahead(self, run: str, options: Sequence[Any], value: int) -> int:
        """A timer that fires was read ahead if one that it makes necessary fires before a second is over (P4.3.10)."""
        assert self._sim is not None
        record, now = self._expected.run(run), self._sim.now
        if record is None:
            return value
        fires = [at.time for at in record.events if isinstance(at.event, (ev.ActivityTaskTimedOut, ev.TimerFired))]
        return options.index(any(now + LATENESS_LIMIT // 10 < time < now + 1_000_000 for time in fires))

    # -- on a worker --------------------------------------------------------------------------------------------------

    def _goroutine(self, entity: str, tag: Tag, value: int) -> int:
        """A goroutine was woken: it leaves half of what is left until its answer is written, or its worker cut off, to the answer's way."""
        assert self._sim is not None
        activity, attempt = self._expected.of_tag(tag)
        closed = self._expected.answered(tag[1], activity, attempt) if isinstance(tag, tuple) else None
        if closed is None:
            return self._seen_to_end(tag, value)
        until = min(closed.time, self._calls.next_cut(entity) or closed.time)
        logged = self._expected.logged(tag)
        if logged is not None and logged.end is not None and logged.end < closed.time - LATENESS_LIMIT:
            # Its first call had no effect: which of several calls that was depends on when it was made.
            return min(max(logged.end - self._sim.now, SHORTEST_WAKE_UP), GOROUTINE_LIMIT)
        return min(max((until - self._sim.now) // 2, 0), GOROUTINE_LIMIT)

    def _after_heartbeat(self, timer: Timer) -> int:
        """A creation activity's deadline came while its process stood still. If it tells of its failure all the same, the heartbeat that
        was due before failed for the deadline before that was noticed."""
        if not isinstance(timer.tag, tuple) or timer.tag[0] != "deadline":
            return 0
        logged = self._expected.logged(timer.tag)
        return LONGEST_WAKE_UP if logged is not None and logged.error.endswith(CANCELED_BEFORE) else 0

    def _seen_to_end(self, tag: Tag, value: int) -> int:
        """Of an attempt whose answer does not arrive the log may still have the end, or not, if its process exited before."""
        logged = self._expected.logged(tag)
        if logged is None:
            return value
        return LONGEST_WAKE_UP if logged.end is None else SHORTEST_WAKE_UP

    def _handled_tag(self) -> Tag:
        """The tag of the call or timer whose end is handled; of a call whose budget ended, its own."""
        assert self._sim is not None
        event = self._sim.handling
        tag = event.tag if isinstance(event, (Reply, Fired)) else None
        return tag[1] if isinstance(tag, tuple) and tag[0] == "budget" else tag

    def _handled(self) -> tuple[RecordedActivity | None, At | None]:
        """The activity whose call or timer a worker is handling the end of, and the closing event that its answer brings."""
        tag = self._handled_tag()
        activity, attempt = self._expected.of_tag(tag)
        return activity, self._expected.answered(tag[1], activity, attempt) if isinstance(tag, tuple) else None

    def _select(self, entity: str, ready: Sequence[Any], value: int) -> int:
        """Several things are ready: the one that gives the recorded end."""
        activity, _ = self._handled()
        closed = activity.closed.event if activity is not None and activity.closed is not None else None
        logged = self._expected.logged(self._handled_tag())
        if closed is None and (logged is None or logged.end is None):
            return value
        completed = isinstance(closed, ev.ActivityTaskCompleted) if closed is not None else logged is not None and not logged.error
        wanted = "context" if not completed else "time" if "time" in ready else "done"
        return ready.index(wanted) if wanted in ready else value

    def _result_or_error(self, entity: str, options: Sequence[Any], value: int) -> int:
        activity, closed = self._handled()
        if activity is None:
            return value
        completed = closed is not None and isinstance(closed.event, ev.ActivityTaskCompleted)
        return options.index(not completed)

    def _in_time(self, entity: str, options: Sequence[Any], value: int) -> int:
        activity, closed = self._handled()
        return value if activity is None else options.index(closed is not None)
