"""Histories that are edited: events of proto JSON, with ids and links that are put in order again."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sim.evidence.case import Case, RecordedRun
from sim.history.proto_json import event_attributes, event_kind, parse_time
from sim.history.temporal_reader import read_history

Event = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOSING = ("ActivityTaskCompleted", "ActivityTaskFailed", "ActivityTaskTimedOut", "ActivityTaskCanceled")


def kind(event: Event) -> str:
    """The event's type, such as `TimerFired`."""
    return event_kind(event["eventType"])


def attributes(event: Event) -> dict[str, Any]:
    """What an event says, to be changed in place."""
    found = event_attributes(event)
    assert isinstance(found, dict)
    return found


def links(event: Event) -> dict[str, int]:
    """The ids of the events that this one refers to, by key."""
    return {key: int(value) for key, value in attributes(event).items() if key.endswith("EventId") and str(value).isdecimal()}


def number(event: Event) -> int:
    return int(event["eventId"])


def time_of(event: Event) -> int:
    """Microseconds since 1970."""
    return parse_time(event["eventTime"])


def set_time(event: Event, us: int) -> None:
    event["eventTime"] = (_EPOCH + timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Activity:
    """An activity of a history: its events, None when it has none of the kind."""

    def __init__(self, scheduled: Event) -> None:
        self.scheduled = scheduled
        self.started: Event | None = None
        self.closed: Event | None = None

    @property
    def queue(self) -> str:
        return str(attributes(self.scheduled)["taskQueue"]["name"])

    @property
    def type(self) -> str:
        return str(attributes(self.scheduled)["activityType"]["name"])


def activities(events: list[Event]) -> dict[int, Activity]:
    """By the id of the ActivityTaskScheduled event."""
    found: dict[int, Activity] = {}
    for event in events:
        match kind(event):
            case "ActivityTaskScheduled":
                found[number(event)] = Activity(event)
            case "ActivityTaskStarted":
                found[links(event)["scheduledEventId"]].started = event
            case closing if closing in CLOSING:
                found[links(event)["scheduledEventId"]].closed = event
            case _:
                pass
    return found


def renumbered(events: list[Event]) -> dict[int, int]:
    """Put ids and links in order, after events were moved, dropped or doubled. Returns the new id by the old one."""
    new: dict[int, int] = {}
    for index, event in enumerate(events):
        new.setdefault(number(event), index + 1)
    for index, event in enumerate(events):
        own, event["eventId"] = event["eventId"], str(index + 1)
        found = attributes(event)
        for key, old in links(event).items():
            found[key] = str(new.get(old, old))
        # The SDK calls activities and timers by the ids of their events.
        for key in ("activityId", "timerId"):
            if str(found.get(key, "")).isdecimal():
                found[key] = str(index + 1 if found[key] == own else new.get(int(found[key]), int(found[key])))
    return new


def map_payloads(value: Any, change: Callable[[str], str]) -> Any:
    """Change every text of an event, also inside payloads."""
    if isinstance(value, dict):
        if "metadata" in value and isinstance(value.get("data"), str):
            text = base64.b64decode(value["data"]).decode("utf-8", "replace")
            changed = change(text)
            return value if changed == text else {**value, "data": base64.b64encode(changed.encode()).decode()}
        return {key: map_payloads(member, change) for key, member in value.items()}
    if isinstance(value, list):
        return [map_payloads(member, change) for member in value]
    return change(value) if isinstance(value, str) else value


def change_payload(payloads: Any, change: Callable[[Any], Any]) -> bool:
    """Change the value of the first payload; False when there is none or it stays the same."""
    for payload in (payloads or {}).get("payloads", []):
        if not isinstance(payload.get("data"), str):
            continue
        try:
            value = json.loads(base64.b64decode(payload["data"]))
        except ValueError:
            continue
        changed = change(copy.deepcopy(value))
        if changed != value:
            payload["data"] = base64.b64encode(json.dumps(changed).encode()).decode()
            return True
    return False


def events_of(run: RecordedRun) -> list[Event]:
    """A copy of a run's events."""
    return copy.deepcopy(list(run.history.raw["events"]))


def with_events(case: Case, run: RecordedRun, events: list[Event], new: Mapping[int, int]) -> Case:
    """The case with another history of this run; the log calls activities by their new ids."""
    history = read_history({**run.history.raw, "events": events}, run.file)
    runs = tuple(msgspec.structs.replace(r, history=history) if r is run else r for r in case.runs)
    log = None if case.log is None else tuple(_renamed(case.log, run.history.run_id, new))
    return msgspec.structs.replace(case, runs=runs, log=log)


def _renamed(rows: tuple[Mapping[str, Any], ...], run_id: str, new: Mapping[int, int]) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        if "activity" in row and row.get("run") == run_id:
            old = int(row["activity"])
            yield {**row, "activity": str(new.get(old, old))}
        else:
            yield row
