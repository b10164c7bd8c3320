"""A slot that is taken twice: a session is bound to a worker all of whose slots are taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from sim.evidence.case import Case, RecordedRun
from sim.history.proto_json import payload_values
from tools.alterations.alteration import CREATION, Draft
from tools.alterations.edit import Event, activities, attributes, events_of, kind, map_payloads, time_of

SIZE: Final = 1000
EARLIER_US: Final = 100_000
"""A worker asks for no other session's task before it knows which slot the last one takes; so long a start is on its way, as a rule."""

MARGIN_US: Final = 1_500_000
"""A slot that is free at once may have been free before, for the call that tells the server takes up to a second."""


class Held(NamedTuple):
    """A slot of a worker, from and to microseconds since 1970; `queue`: the worker's resource queue."""

    worker: str
    since: int
    until: int
    queue: str
    run: RecordedRun
    scheduled: int


def _held(case: Case) -> list[Held]:
    """All slots that were taken, as far as the histories tell."""
    found = []
    for run in case.runs:
        raw = list(run.history.raw["events"])
        for event_id, activity in activities(raw).items():
            if activity.type == CREATION and activity.started is not None and activity.closed is not None:
                queue = _queue_of(raw, activity.scheduled)
                worker = attributes(activity.started)["identity"]
                found.append(Held(worker, time_of(activity.started), time_of(activity.closed), queue, run, event_id))
    return found


def _queue_of(raw: list[Event], scheduled: Event) -> str:
    """The resource queue of the worker to which a creation activity bound its session, "" if it never did."""
    session = payload_values(attributes(scheduled).get("input"))
    for event in raw:
        if kind(event) == "WorkflowExecutionSignaled" and attributes(event)["signalName"] in session:
            (value,) = payload_values(attributes(event).get("input"))
            return next((str(v) for v in value.values() if "@" in str(v)), "") if isinstance(value, dict) else ""
    return ""


def slot_taken_twice(case: Case) -> Iterator[Draft]:
    """Every session that could be moved to a full worker of another name."""
    held = _held(case)
    for mine in held:
        if not mine.queue or sum(other.queue == mine.queue and other.run is mine.run for other in held) > 1:
            continue
        for worker in case.workers:
            others = [slot for slot in held if slot.worker == worker and slot.queue and slot.run is not mine.run]
            full = [slot for slot in others if slot.since + EARLIER_US < mine.since and slot.until > mine.since + MARGIN_US]
            if worker != mine.worker and full and len(full) >= int(case.workers[worker].get("sessions", SIZE)):
                yield _moved(mine, worker, full[0].queue)


def _moved(mine: Held, worker: str, queue: str) -> Draft:
    """The session on that worker: its start, its signal, and everything that is done on its queue."""
    host, old_host = queue.partition("@")[2], mine.queue.partition("@")[2]

    def change(text: str) -> str:
        return text.replace(mine.queue, queue).replace(f'"{old_host}"', f'"{host}"')

    events = events_of(mine.run)
    there = {id(a.started) for a in activities(events).values() if a.queue == mine.queue or _is(a.scheduled, mine)}
    altered = []
    for index, event in enumerate(events):
        changed = map_payloads(event, change)
        if id(event) in there and attributes(changed).get("identity") == mine.worker:
            changed = {**changed, "activityTaskStartedEventAttributes": {**attributes(changed), "identity": worker}}
        if changed != event:
            events[index] = changed
            altered.append(changed)
    return Draft(mine.run, events, altered, f"on {worker}, which is full, instead of {mine.worker}")


def _is(scheduled: Event, mine: Held) -> bool:
    return int(scheduled["eventId"]) == mine.scheduled
