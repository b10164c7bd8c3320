"""One altered case, and where it may be rejected: at what was altered, or at the first event that depends on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sim.evidence.case import Case, RecordedRun
from sim.history.proto_json import payload_values
from tools.alterations.edit import Activity, Event, activities, attributes, kind, links, number, renumbered, with_events

CREATION: Final = "internalSessionCreationActivity"


@dataclass(frozen=True)
class Alteration:
    """`altered`: ids in the altered history. `legal`: why the protocol allows it after all, "" if it does not."""

    kind: str
    case: Case
    run: RecordedRun
    altered: frozenset[int]
    places: frozenset[int]
    what: str
    legal: str = ""


@dataclass
class Draft:
    """An alteration in the making: events that are edited in place."""

    run: RecordedRun
    events: list[Event]
    altered: list[Event] = field(default_factory=list)
    what: str = ""
    legal: str = ""
    end: bool = False
    """The last event was dropped: what is noticed is that there are no more events."""

    def made(self, case: Case, name: str) -> Alteration:
        """Put in order, and made a case."""
        new = renumbered(self.events)
        altered = {number(event) for event in self.altered} | ({len(self.events) + 1} if self.end else set())
        changed = with_events(case, self.run, self.events, new)
        return Alteration(name, changed, self.run, frozenset(altered), places(self.events, altered), self.what, self.legal)


def places(events: list[Event], altered: set[int]) -> frozenset[int]:
    """Where an alteration may be noticed.

    * at an altered event;
    * at an event that is written in the same moment: the start of an activity is written with its end (P4.1.5);
    * at the signal that an altered attempt of a creation activity sent, which is written before that attempt's start;
    * at the first event that refers to an altered one, and at the first workflow task behind it, for what happened is its cause.
    """
    found = set(altered)
    for activity in activities(events).values():
        ends = [number(event) for event in (activity.started, activity.closed) if event is not None]
        if altered & set(ends):
            found.update(ends)
        if activity.started is not None and number(activity.started) in altered and activity.type == CREATION:
            found.update(_signals(events, activity))
    dependent = next((number(e) for e in events if number(e) > min(altered) and altered & set(links(e).values())), None)
    task = next((number(e) for e in events if number(e) > min(altered) and kind(e) == "WorkflowTaskScheduled"), None)
    return frozenset(found | {place for place in (dependent, task) if place is not None})


def _signals(events: list[Event], activity: Activity) -> list[int]:
    """Ids of the first signal that a creation activity sent, if it did."""
    names = payload_values(attributes(activity.scheduled).get("input"))
    sent = [number(e) for e in events if kind(e) == "WorkflowExecutionSignaled" and attributes(e)["signalName"] in names]
    return sent[:1]


__all__ = ["CREATION", "Alteration", "Draft", "places"]
