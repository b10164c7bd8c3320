"""How long calls and their answers take, so that they arrive when the recording says that they did."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from sim.evidence.expected import TIMER_LATE, Expected, command_of
from sim.evidence.recording import Call, RecordedActivity, kind_of_queue
from sim.history import events as ev
from sim.model.inputs import Deliver, Reply, Tag, Withdrawn
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

CUTS_REQUESTS: Final = ("kill -9", "machine lost (no FIN)", "network held (up)", "network held (both)")
CUTS_ANSWERS: Final = ("kill -9", "machine lost (no FIN)", "SIGSTOP", "network held (down)", "network held (both)")
"""After which of a case's happenings a worker's calls do not arrive any more, or their answers."""

LOST: Final = ("Unavailable", "DeadlineExceeded")
"""Errors of calls that were lost."""

TOO_LATE: Final = "DeadlineExceeded"
"""The error of a call whose time was over before its answer came."""

EXITED: Final = 1_000
"""A process has exited this long after its last worker was stopped."""


class CallSteering:
    """Delays of messages."""

    def __init__(self, sim: Simulation, expected: Expected) -> None:
        self._sim = sim
        self._expected = expected
        self._logged = {key: list(calls) for key, calls in expected.recording.calls.items()}
        """Logged calls that no call of the run was found to be."""
        self._due: dict[int, int] = {}
        """Messages that were sent just now -> when they are dealt with."""
        recording = expected.recording
        self._cuts = {recording.offset + h.at + 1 for h in recording.case.timeline if h.what in (*CUTS_REQUESTS, *CUTS_ANSWERS)}
        """Just after workers are cut off."""
        self._cut: set[int] = set()
        """Messages that are to be on their way when their worker is cut off."""
        self._meant: dict[int, Call] = {}
        """Open calls of the run by their serial -> the logged call that each is."""

    def delay(self, parcel: Parcel, value: int) -> int:
        """How long this message takes to arrive: no longer than the seed says, for all that is sent later arrives behind it."""
        wanted = self._wanted(parcel, value)
        self._cut.discard(id(parcel))
        if self._sim.now + wanted in self._cuts:
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
        found = min(near, key=lambda call: abs(call.begin - self._sim.now))
        calls.remove(found)
        return found

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
        first, last = self._sim.now + shortest, self._sim.now + longest
        calls = [call for kind in kinds for call in self._logged.get((node.identity, method, kind), ())]
        return min((call.begin for call in calls if first <= call.begin <= last), default=self._sim.now + value) - self._sim.now

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
                end = self._expected.end_of_task(run)
                if end is None:
                    return self._until(self._cut_off(event.source, *CUTS_REQUESTS), value)
                return self._until(end.time, value, self._longest(event.source))
            case msg.SignalWorkflowExecution() if isinstance(tag, tuple):
                signal = self._expected.signal(run, tag[2])
                return self._until(signal.time if signal is not None else self._cut_off(event.source, *CUTS_REQUESTS), value)
            case msg.RecordActivityTaskHeartbeat():
                return self._heartbeat(tag, value)
            case msg.RespondActivityTaskCompleted() | msg.RespondActivityTaskFailed() | msg.RespondActivityTaskCanceled():
                return self._respond(parcel, event, tag, value)
            case _:
                return value

    def _poll(self, parcel: Parcel, identity: str, value: int) -> int:
        """A poll that a task waits for arrives when that task is started."""
        seat = self._sim.seats.get(parcel.to)
        if seat is None or not isinstance(seat.node, TaskQueue):
            return value
        starts = [self._expected.start(item) for items in seat.node.backlog.values() for item in items]
        mine = [start.time for start in starts if start is not None and start.identity == identity and start.time >= self._sim.now]
        return self._until(min(mine, default=None), value)

    def _heartbeat(self, tag: Tag, value: int) -> int:
        activity, _ = self._expected.of_tag(tag)
        last = self._expected.last_heartbeat(activity)
        if last is not None and 0 <= last - TIMER_LATE - self._sim.now <= NEAR:
            return last - TIMER_LATE - self._sim.now
        return value

    def _respond(self, parcel: Parcel, event: Deliver, tag: Tag, value: int) -> int:
        run = parcel.to
        activity, attempt = self._expected.of_tag(tag)
        closed = self._expected.answered(run, activity, attempt)
        if closed is not None:
            return self._until(closed.time, value, self._longest(event.source))
        failed = self._expected.failed_at(activity, attempt)
        call = self._meant.get(parcel.serial)
        if failed is not None and call is not None and not call.error:
            # The next start tells when that was, but not exactly: retries may be started late.
            failed = min(failed, call.end)
        if failed is not None or activity is None:
            return self._until(failed, value, NEAR)
        return self._until(self._cut_off(event.source, *CUTS_REQUESTS), value)

    def _longest(self, node: str) -> int:
        """How long a request may take: also as long as its process is stopped, if that is now; it may not have left it yet."""
        worker = self._identity(node).partition("'")[0]
        recording = self._expected.recording
        now = self._sim.now - recording.offset
        mine = [h for h in recording.case.timeline if h.who == worker and h.what in ("SIGSTOP", "SIGCONT")]
        for stop, goes_on in pairwise(mine):
            if stop.what == "SIGSTOP" and abs(stop.at - now) <= NEAR:
                return goes_on.at - now + CALL_LIMIT
        return CALL_LIMIT

    def next_cut(self, node: str) -> int | None:
        """When a worker's calls are cut off next."""
        return self._cut_off(node, *CUTS_REQUESTS)

    def _cut_off(self, node: str, *how: str) -> int | None:
        """Just after a worker's process is killed, stopped or cut off next: its calls may not have left it, nor their answers arrived."""
        worker = self._identity(node).partition("'")[0]
        recording = self._expected.recording
        cuts = [recording.offset + h.at + 1 for h in recording.case.timeline if h.what in how and h.who == worker]
        if "kill -9" in how:
            cuts.extend(at + EXITED for at in recording.stops.get(self._identity(node), ()))
        return min((at for at in cuts if at > self._sim.now), default=None)

    def has_no_effect(self, parcel: Parcel) -> bool:
        """Whether the recording has nothing of a call whose caller was killed before it arrived."""
        event, run = parcel.event, parcel.to
        tag = event.call.tag if isinstance(event, Deliver) and event.call is not None else None
        match event:
            case Deliver(message=msg.RespondWorkflowTaskCompleted() | msg.RespondWorkflowTaskFailed()):
                return self._expected.end_of_task(run) is None
            case Deliver(message=msg.SignalWorkflowExecution()) if isinstance(tag, tuple):
                return self._expected.signal(run, tag[2]) is None
            case Deliver(message=msg.RespondActivityTaskCompleted() | msg.RespondActivityTaskFailed() | msg.RespondActivityTaskCanceled()):
                activity, attempt = self._expected.of_tag(tag)
                told = self._expected.answered(run, activity, attempt) or self._expected.failed_at(activity, attempt)
                return activity is not None and told is None
            case _:
                return False

    def _identity(self, node: str) -> str:
        seat = self._sim.seats.get(node)
        return seat.node.identity if seat is not None and isinstance(seat.node, Worker) else ""

    # -- answers ------------------------------------------------------------------------------------------------------

    def _answer(self, parcel: Parcel, event: Reply, value: int) -> int:
        call = self._meant.get(parcel.serial)
        if call is not None and call.error == TOO_LATE and (late := self._too_late(parcel, call, value)) is not None:
            return late
        self._meant.pop(parcel.serial, None)
        if call is not None and not call.error:
            value = self._until(call.end, value)
        match event.message:
            case msg.WorkflowTask(run=run) | msg.WorkflowTaskAccepted(task=msg.WorkflowTask(run=run)):
                end = self._expected.end_of_task(run)
                if end is None:
                    return self._until(self._cut_off(parcel.to, *CUTS_ANSWERS), value)
                return self._part(end.time - self._sim.now, 2, value)
            case msg.ActivityTask() as task:
                return self._task(parcel.to, task, value)
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
        cut = self._cut_off(parcel.to, *CUTS_ANSWERS)
        if cut is not None and cut < call.end:
            return self._until(cut, value)
        return 1 if abs(call.end - self._sim.now) <= NEAR else None

    def _task(self, worker: str, task: msg.ActivityTask, value: int) -> int:
        """An attempt begins at the logged time, or so that it can do what it does until its end."""
        tag = ("", task.run, task.ordinal, task.attempt)
        logged = self._expected.logged(tag)
        if logged is not None and logged.begin is not None:
            return self._until(logged.begin, value)
        if self._expected.recording.case.log is not None and (cut := self._cut_off(worker, *CUTS_ANSWERS)) is not None:
            # It never began.
            return self._until(cut, value)
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
