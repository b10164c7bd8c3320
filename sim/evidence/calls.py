"""How long calls and their answers take, so that they arrive when the recording says that they did."""

from __future__ import annotations

from typing import Final

from sim.evidence.cuts import Cuts
from sim.evidence.expected import TIMER_LATE, Expected, command_of
from sim.evidence.recording import At, Call, RecordedActivity, kind_of_queue
from sim.history import events as ev
from sim.model.inputs import Deliver, Reply, Tag, Unreachable, Withdrawn
from sim.protocol import messages as msg
from sim.protocol.names import workflow_queue
from sim.protocol.queue import LEAST_POLL, LONG_POLL, OpenPoll, TaskQueue
from sim.protocol.worker.creation import MAX_HEARTBEAT_INTERVAL
from sim.protocol.worker.node import Worker
from sim.protocol.worker.pollers import Kind
from sim.simulator.seats import Parcel
from sim.simulator.simulation import Simulation
from sim.workflow.sessions import CREATION_ACTIVITY

CALL_LIMIT: Final = 1_000_000
"""A message takes at most this long, microseconds, unless a fault holds it up."""

NEAR: Final = 100_000
"""What is told of moments is only taken for a message that is due within this time."""

LOST: Final = ("Unavailable", "DeadlineExceeded")
"""Errors of calls that were lost."""

TOO_LATE: Final = "DeadlineExceeded"
"""The error of a call whose time was over before its answer came."""


AWAKE: Final = 10_000
"""A worker that waits may go on so much later, or have begun to wait so much sooner, than it does here."""

ANSWERS: Final = (msg.RespondActivityTaskCompleted, msg.RespondActivityTaskFailed, msg.RespondActivityTaskCanceled)

TAKEN_UP_LAST: Final = 10_000
"""So much later than what was released with it a worker takes up a task of which its log tells nothing."""


class CallSteering:
    """Delays of messages."""

    def __init__(self, sim: Simulation, expected: Expected) -> None:
        self._sim = sim
        self._expected = expected
        self._logged = {key: list(calls) for key, calls in expected.recording.calls.items()}
        """Logged calls that no call of the run was found to be."""
        self._due: dict[int, int] = {}
        """Messages that were sent just now -> when they are dealt with."""
        self._cuts = Cuts(expected.recording)
        self._moments_of_cuts = self._cuts.all()
        self._cut: set[int] = set()
        """Messages that are to be on their way when their worker is cut off."""
        self._meant: dict[int, Call] = {}
        """Open calls of the run by their serial -> the logged call that each is."""

    def delay(self, parcel: Parcel, value: int) -> int:
        """How long this message takes to arrive: no longer than the seed says, for all that is sent later arrives behind it."""
        wanted = self._wanted(parcel, value)
        self._cut.discard(id(parcel))
        if self._sim.now + wanted in self._moments_of_cuts:
            self._cut.add(id(parcel))
        self._due[id(parcel)] = self._sim.now + wanted
        return min(value, wanted)

    def late(self, parcel: Parcel) -> int:
        """How much later than it arrives this message is dealt with."""
        assert parcel.link is not None
        due = self._due.pop(id(parcel), None)
        if due is not None:
            return max(0, due - parcel.link.free_at)
        # It was held back on its way, and released just now.
        match parcel.event:
            case Deliver() as event:
                return self._request(parcel, event, 0)
            case Reply(message=msg.WorkflowTask() as task) if self._expected.is_over(task):
                # Its completion comes too late. What else was released may have been taken up before it.
                return 0 if self._expected.is_seen(task, self._identity(parcel.to)) else TAKEN_UP_LAST
            case Reply() as event:
                return self._answer(parcel, event, 0)
            case _:
                return 0

    def is_cut_off(self, parcel: Parcel) -> bool:
        """Whether this message, which is dealt with late, was to be on its way still when its worker was cut off."""
        return id(parcel) in self._cut

    def _wanted(self, parcel: Parcel, value: int) -> int:
        """How long it is until this message is dealt with; `value` if nothing is known."""
        event = parcel.event
        if isinstance(event, Deliver):
            call = self._find(parcel, event)
            if call is not None:
                self._meant[parcel.serial] = call
                # One that was lost took as long as that was noticed after, not as long as its way.
                if call.length <= CALL_LIMIT and call.error not in LOST and not isinstance(event.message, msg.Poll):
                    value = call.length // 2
            return self._request(parcel, event, value)
        if isinstance(event, Reply):
            return self._answer(parcel, event, value)
        if isinstance(event, Withdrawn):
            return self._withdrawn(event, value)
        return value

    def _withdrawn(self, event: Withdrawn, value: int) -> int:
        """The server notices that a worker's poll is gone only after it has given it the last task that the recording says."""
        caller = event.call.caller
        seat = self._sim.seats.get(caller) or self._sim.departed.get(caller)
        if seat is None or not isinstance(seat.node, Worker):
            return value
        last = self._expected.last_start_by(seat.node.identity, self._sim.now, self._sim.now + NEAR)
        return self._until(last + 1 if last is not None else None, value)

    def _find(self, parcel: Parcel, event: Deliver) -> Call | None:
        """The logged call that this one is: of the same worker and method, and begun at about this time."""
        worker, message = self._identity(event.source), event.message
        method, queue = type(message).__name__, ""
        if isinstance(message, msg.Poll):
            queue = kind_of_queue(parcel.to.rpartition("/")[2])
            method = "PollWorkflowTaskQueue" if parcel.to.startswith(workflow_queue("")) else "PollActivityTaskQueue"
        # Old SDKs did not log which queue.
        calls = self._logged.get((worker, method, queue)) or self._logged.get((worker, method, ""), [])
        near = [call for call in calls if abs(call.begin - self._sim.now) <= NEAR]
        if not near:
            return None
        found = min(near, key=lambda call: (not self._fits(call, parcel, event), abs(call.begin - self._sim.now)))
        calls.remove(found)
        return found

    def _fits(self, call: Call, parcel: Parcel, event: Deliver) -> bool:
        """Whether a logged call ended as this one has to: of an attempt's answer that is known."""
        if not isinstance(
            event.message, msg.RespondActivityTaskCompleted | msg.RespondActivityTaskFailed | msg.RespondActivityTaskCanceled
        ):
            return True
        activity, attempt = self._expected.of_tag(event.call.tag if event.call is not None else None)
        closed = self._expected.answered(parcel.to, activity, attempt)
        if closed is not None:
            return call.error != "NotFound" and call.begin <= closed.time <= call.end
        return bool(call.error) or activity is None or self._failed_at(event, activity, attempt) is not None

    def tried_again(self, worker: str, tag: Tag, value: int) -> int:
        """How long a worker waits until it tries a call again, or polls after an error: until a logged call, if that is one of them."""
        seat = self._sim.seats.get(worker)
        if seat is None or not isinstance(seat.node, Worker) or not isinstance(tag, tuple):
            return value
        node = seat.node
        if tag[0] == "poll":
            poller = node.pollers.find(tag)
            shortest, longest = poller.waits()
            method = "PollWorkflowTaskQueue" if poller.kind is Kind.WORKFLOW else "PollActivityTaskQueue"
            queue = kind_of_queue(node.pollers.queues[poller.kind].rpartition("/")[2])
            kinds = (queue, ":") if poller.kind is Kind.WORKFLOW else (queue,)
        else:
            call = node.calls.open[tag[1]]
            (shortest, longest), method, kinds = call.waits(), type(call.request).__name__, ("",)
        calls = [call for kind in kinds for call in self._logged.get((node.identity, method, kind), ())]
        waits = [call.begin - self._sim.now for call in calls]
        found = min((wait for wait in waits if shortest - AWAKE <= wait <= longest + AWAKE), default=value)
        return min(max(found, shortest), longest)

    def expiry(self, poll: OpenPoll, value: int) -> int:
        """How much later than it may a poll that brings no task is answered."""
        call = self._meant.get(poll.call.serial)
        return value if call is None or call.got else min(max(call.end - self._sim.now, 0), LONG_POLL - LEAST_POLL)

    def _until(self, time: int | None, value: int, limit: int = CALL_LIMIT) -> int:
        """The delay that ends at a time; at once when it has just passed, `value` when it is too far away."""
        if time is None:
            return value
        left = time - self._sim.now
        if left < 0:
            return 0 if left > -limit else value
        return left if left <= limit else value

    def _part(self, left: int | None, parts: int, value: int) -> int:
        """At most this part of the time that is left for several things one after the other."""
        if left is None or left > CALL_LIMIT:
            return value
        return min(value, max(left, 0) // parts)

    # -- requests -----------------------------------------------------------------------------------------------------

    def _request(self, parcel: Parcel, event: Deliver, value: int) -> int:
        tag = event.call.tag if event.call is not None else None
        run = parcel.to
        match event.message:
            case msg.Poll(identity):
                return self._poll(parcel, identity, value)
            case msg.RespondWorkflowTaskCompleted() | msg.RespondWorkflowTaskFailed():
                return self._lands(parcel, event.source, self._expected.end_of_task(run), value, self._longest(event.source))
            case msg.SignalWorkflowExecution() if isinstance(tag, tuple):
                return self._lands(parcel, event.source, self._expected.signal(run, tag[2]), self._in_time(parcel, None, value))
            case msg.GetSystemInfo():
                return self._asked(event.source, tag, 4, value)
            case msg.RecordActivityTaskHeartbeat():
                return self._heartbeat(parcel, tag, value)
            case msg.RespondActivityTaskCompleted() | msg.RespondActivityTaskFailed() | msg.RespondActivityTaskCanceled():
                return self._respond(parcel, event, tag, value)
            case _:
                return value

    def _poll(self, parcel: Parcel, identity: str, value: int) -> int:
        """A poll that a task waits for arrives when that task is started, and when those are over that nobody starts."""
        seat, call = self._sim.seats.get(parcel.to), self._meant.get(parcel.serial)
        if seat is None or not isinstance(seat.node, TaskQueue):
            return value
        waiting = [item for items in seat.node.backlog.values() for item in items]
        starts = [start for item in waiting if (start := self._expected.start(item)) is not None]
        mine = [start.time for start in starts if start.identity == identity and start.time >= self._sim.now]
        if not mine and seat.node.sticky and (pending := self._expected.pending_start(identity)) is not None:
            # The task is still on its way here.
            mine = [pending] if pending >= self._sim.now else []
        if mine and call is not None and call.got and min(mine) > call.end:
            # It has brought another task before, which is still to come.
            mine = []
        over = [time for item in waiting if (time := self._expected.never_started_until(item)) is not None and time - self._sim.now <= NEAR]
        if not mine and over and (call is None or max(over) < call.end):
            return max(value, max(over) + 1 - self._sim.now)
        return self._until(min(mine, default=None), value)

    def _asked(self, worker: str, tag: Tag, parts: int, value: int) -> int:
        """What asking the server takes before an attempt signals: part of what is left until it does, or until the signal is written."""
        begins = [call.begin for call in self._logged.get((self._identity(worker), "SignalWorkflowExecution", ""), ())]
        next_one = min((begin for begin in begins if begin >= self._sim.now), default=None)
        signal = self._expected.signal(tag[1], tag[2]) if isinstance(tag, tuple) else None
        at = min((time for time in (next_one, signal.time if signal is not None else None) if time is not None), default=None)
        return value if at is None else self._part(at - self._sim.now, parts, value)

    def _heartbeat(self, parcel: Parcel, tag: Tag, value: int) -> int:
        activity, _ = self._expected.of_tag(tag)
        last = self._expected.last_heartbeat(activity)
        if last is not None and 0 <= last - TIMER_LATE - self._sim.now <= NEAR:
            return last - TIMER_LATE - self._sim.now
        return self._in_time(parcel, activity, value)

    def _in_time(self, parcel: Parcel, activity: RecordedActivity | None, value: int) -> int:
        """A call under whose way what it is about came to an end arrives before that if it was answered, and after it if there was
        nothing any more."""
        call, over = self._meant.get(parcel.serial), self._expected.over(parcel.to, activity)
        if call is None or over is None or not self._sim.now < over <= call.end:
            return value
        match call.error:
            case "":
                return min(value, over - 1 - self._sim.now)
            case "NotFound":
                return max(value, over + 1 - self._sim.now)
            case _:
                return value

    def _respond(self, parcel: Parcel, event: Deliver, tag: Tag, value: int) -> int:
        run = parcel.to
        activity, attempt = self._expected.of_tag(tag)
        closed = self._expected.answered(run, activity, attempt)
        if closed is not None:
            return self._lands(parcel, event.source, closed, value, self._longest(event.source))
        failed = self._failed_at(event, activity, attempt)
        call = self._meant.get(parcel.serial)
        if failed is not None and call is not None and not call.error:
            # The next start tells when that was, but not exactly: retries may be started late.
            failed = min(failed, call.end)
        if activity is None or (failed is not None and failed - self._sim.now <= NEAR):
            return self._until(failed, value, NEAR)
        return self._lands(parcel, event.source, None, self._in_time(parcel, activity, value))

    def _failed_at(self, event: Deliver, activity: RecordedActivity | None, attempt: int) -> int | None:
        """When the server learnt of this report that an attempt failed which was tried once more; None if it says something else."""
        is_end = isinstance(event.message, msg.RespondActivityTaskCompleted | msg.RespondActivityTaskCanceled)
        return None if is_end else self._expected.failed_at(activity, attempt)

    def _longest(self, node: str) -> int:
        """How long a request may take: also as long as its process is stopped, if that is now; it may not have left it yet."""
        pause = self._cuts.pause(self._identity(node), self._sim.now, NEAR)
        return CALL_LIMIT if pause is None else pause[1] - self._sim.now + CALL_LIMIT

    def _lands(self, parcel: Parcel, node: str, effect: At | None, value: int, limit: int = CALL_LIMIT) -> int:
        """How long a request takes until it has its effect; if that is not in time, until it is cut off, and has none."""
        if effect is not None and effect.time - self._sim.now <= limit:
            return self._until(effect.time, value, limit)
        cut, call = self.next_cut(node), self._meant.get(parcel.serial)
        if cut is None or (effect is not None and effect.time <= cut):
            return value
        was_answered = call is not None and call.error not in LOST and call.end < cut
        # Without a log nothing tells whether it was: only of what was sent just before.
        farthest = CALL_LIMIT if self._expected.recording.case.log is not None else NEAR
        return value if was_answered else self._until(cut, value, farthest)

    def next_cut(self, node: str) -> int | None:
        """When a worker's calls are cut off next."""
        return self._cuts.of_requests(self._identity(node), self._sim.now)

    def _answers_cut(self, node: str) -> int | None:
        """When the answers to a worker's calls are cut off next."""
        return self._cuts.of_answers(self._identity(node), self._sim.now)

    def has_no_effect(self, parcel: Parcel) -> bool:
        """Whether the recording has nothing of a call whose caller was killed before it arrived."""
        return self._effect(parcel) is None

    def is_kept_back(self, parcel: Parcel) -> bool:
        """Whether the recording has nothing now of a call whose caller was stopped before it arrived."""
        effect = self._effect(parcel)
        return effect is None or effect > self._sim.now + NEAR

    def _effect(self, parcel: Parcel) -> int | None:
        """When the recording has the effect of a call; None if never, now if it would have none anyway."""
        event, run = parcel.event, parcel.to
        tag = event.call.tag if isinstance(event, Deliver) and event.call is not None else None
        at: At | None
        match event:
            case Deliver(message=msg.RespondWorkflowTaskCompleted() | msg.RespondWorkflowTaskFailed()):
                at = self._expected.end_of_task(run)
            case Deliver(message=msg.SignalWorkflowExecution()) if isinstance(tag, tuple):
                at = self._expected.signal(run, tag[2])
            case Deliver(message=msg.RespondActivityTaskCompleted() | msg.RespondActivityTaskFailed() | msg.RespondActivityTaskCanceled()):
                activity, attempt = self._expected.of_tag(tag)
                at = self._expected.answered(run, activity, attempt)
                if at is None:
                    return self._sim.now if activity is None else self._failed_at(event, activity, attempt)
            case _:
                return self._sim.now
        return at.time if at is not None else None

    def _identity(self, node: str) -> str:
        seat = self._sim.seats.get(node)
        return seat.node.identity if seat is not None and isinstance(seat.node, Worker) else ""

    # -- answers ------------------------------------------------------------------------------------------------------

    def _answer(self, parcel: Parcel, event: Reply, value: int) -> int:
        call = self._meant.get(parcel.serial)
        if call is not None and call.error == TOO_LATE and (late := self._too_late(parcel, call, value)) is not None:
            return late
        if call is not None and call.error not in LOST:
            cut = self._answers_cut(parcel.to)
            if cut is not None and cut < call.end and not call.method.startswith("Poll") and not isinstance(event.message, Unreachable):
                # It was on its way when it was held up. Of polls there are several alike.
                return self._until(cut, value)
            value = self._until(call.end, value)
        match event.message:
            case Unreachable() if call is not None:
                # What has come is read before the end of the connection is.
                return self._until(call.end if call.error else call.end + NEAR, value)
            case msg.WorkflowTask(run=run) | msg.WorkflowTaskAccepted(task=msg.WorkflowTask(run=run)):
                # What a completion brings along is the task after the one that it ends, which is not written yet.
                end = self._expected.end_of_task(run, inline=isinstance(event.message, msg.WorkflowTaskAccepted))
                if end is None:
                    return self._until(self._answers_cut(parcel.to), value)
                if call is not None and call.error not in LOST and call.end < end.time:
                    return value
                return self._part(end.time - self._sim.now, 2, value)
            case msg.ActivityTask() as task:
                return self._task(parcel.to, task, value)
            case msg.Ok() if isinstance(event.tag, tuple) and event.tag[0] == "info":
                return self._asked(parcel.to, event.tag, 2, value)
            case msg.Ok() if isinstance(event.tag, tuple) and event.tag[0] == "signal" and call is None:
                return self._signalled(event.tag, value)
            case msg.HeartbeatAnswer(cancel_requested=True) if isinstance(event.tag, tuple):
                activity, attempt = self._expected.of_tag(event.tag)
                closed = self._expected.answered(event.tag[1], activity, attempt)
                return self._part(closed.time - self._sim.now, 2, value) if closed is not None else value
            case _:
                return value

    def _too_late(self, parcel: Parcel, call: Call, value: int) -> int | None:
        """The answer to a call whose time was over when its worker could see it: it comes after the worker was stopped or cut off,
        and once that can go on, after the end of its time."""
        cut = self._answers_cut(parcel.to)
        if cut is not None and cut < call.end:
            return self._until(cut, value)
        return 1 if abs(call.end - self._sim.now) <= NEAR else None

    def _task(self, worker: str, task: msg.ActivityTask, value: int) -> int:
        """An attempt begins at the logged time, or so that it can do what it does until its end."""
        tag = ("", task.run, task.ordinal, task.attempt)
        logged = self._expected.logged(tag)
        begin = logged.begin if logged is not None else None
        if begin is not None and begin - self._sim.now <= CALL_LIMIT:
            return self._until(begin, value)
        if self._expected.recording.case.log is not None and (cut := self._answers_cut(worker)) is not None:
            # It never began, or only when the worker went on.
            return self._until(cut, value) if begin is None or cut < begin else value
        activity, attempt = self._expected.of_tag(tag)
        signal = self._expected.signal(task.run, task.ordinal)
        if task.activity.activity_type == CREATION_ACTIVITY and signal is not None:
            return self._part(signal.time - self._sim.now, 2, value)
        closed = self._expected.answered(task.run, activity, attempt)
        if closed is None:
            return value
        work = task.activity.input
        length = int(work.get("ms", 0)) * 1000 if isinstance(work, dict) else 0
        left = closed.time - self._sim.now - length
        return self._part(left, 3, value) if left >= 0 else value

    def _signalled(self, tag: tuple[str, str, int, int], value: int) -> int:
        """The ticker starts when the signal's answer arrives: all later heartbeats hang on that."""
        activity, attempt = self._expected.of_tag(tag)
        if activity is None:
            return value
        last = self._expected.last_heartbeat(activity)
        if last is not None:
            return self._until_tick(activity, last - TIMER_LATE, 2, value)
        closed = self._expected.answered(tag[1], activity, attempt)
        if closed is not None and not isinstance(closed.event, ev.ActivityTaskCompleted):
            return self._until_tick(activity, closed.time, 4, value)
        return value

    def _until_tick(self, activity: RecordedActivity, effect: int, parts: int, value: int) -> int:
        """A delay after which a tick comes just before a heartbeat's effect."""
        interval = min(command_of(activity).heartbeat // 3, MAX_HEARTBEAT_INTERVAL)
        left = effect - self._sim.now
        if not interval or left < interval:
            return value
        rest = left % interval
        return min(value, rest // parts) if rest < NEAR else value
