"""The way to a state as a sequence of messages between nodes: what a sequence diagram shows, without how it looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from textwrap import shorten
from typing import TYPE_CHECKING

from sim.model.canon import thaw
from sim.model.inputs import Deliver, Fault, Fired, Input, Move, Name, Reply, Tag, Withdrawn
from sim.model.instant import TICK
from sim.model.outcomes import Outcome
from sim.model.world import Parcel, State

if TYPE_CHECKING:
    from sim.checker.traces import Leg

LONGEST = 28
"""Characters of what a message says: as many as fit between two nodes."""
LONGEST_CLAUSE = 90
"""Characters of what a node does by itself, which stands beside its line."""
LISTENERS = "watcher"
"""The place of nodes that only listen: what they hear is no message of the protocol."""


class Kind(Enum):
    """What an arrow or a dot is."""

    MESSAGE = "message"
    ANSWER = "answer"
    LOST = "lost"
    WITHDRAWN = "given up"
    TIMER = "timer"
    MOVE = "move"
    FAULT = "fault"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a diagram. `source` None: something that happens at `node` itself. `step`: the choice that it comes of, from 1.

    Time passes at no node ("").
    """

    step: int
    kind: Kind
    source: Name | None
    node: Name
    label: str


def sequence(first: State, path: Sequence[Leg], unit: object = "") -> list[Event]:
    """All that happens along a path from this state, in order; `unit` is how much time passes at once, in words."""
    found: list[Event] = []
    calls = {(call.node, call.tag): call.to for call in first.calls}
    ticks = 0
    for step, leg in enumerate(path, 1):
        if leg.choice == TICK:
            ticks += 1
            if ticks > 1:
                found.pop()
            found.append(Event(step, Kind.TIME, None, "", f"time passes: {ticks} x {unit}"))
            continue
        ticks = 0
        for node, event in _inputs(leg):
            if not node.startswith(LISTENERS):
                by_itself = (node, event) == (leg.choice.node, leg.choice.event) and isinstance(event, Fired | Move)
                one = _event(step, node, event, calls)
                found.append(replace(one, label=shorten(leg.clause, LONGEST_CLAUSE, placeholder=" ...")) if by_itself else one)
        calls |= {(call.node, call.tag): call.to for call in leg.state.calls}
    return found


def participants(events: Sequence[Event]) -> list[Name]:
    """The nodes that take part: workers' first, then the server's, each in the order in which they first do."""
    names = list(dict.fromkeys(name for event in events for name in (event.source, event.node) if name))
    return sorted(names, key=lambda name: name.startswith("server/"))


def _inputs(leg: Leg) -> Iterator[tuple[Name, Input]]:
    if leg.outcome is None or isinstance(leg.outcome, Outcome):
        yield leg.choice.node, Fault("lost", leg.choice.parcel) if leg.choice.lost else leg.choice.event
        return
    for micro in leg.outcome:
        yield micro.node, micro.event


def _event(step: int, node: Name, event: Input, calls: dict[tuple[Name, Tag], Name]) -> Event:
    match event:
        case Deliver(message=message, source=source, call=call):
            if call is not None:
                calls[call.caller, call.tag] = node
            return Event(step, Kind.MESSAGE, source, node, _said(message))
        case Reply(tag=tag, message=message):
            return Event(step, Kind.ANSWER, calls.get((node, tag)), node, _said(message))
        case Withdrawn(call=call):
            return Event(step, Kind.WITHDRAWN, call.caller, node, "given up")
        case Fired(tag=tag):
            return Event(step, Kind.TIMER, None, node, _words(tag))
        case Move(label=label):
            return Event(step, Kind.MOVE, None, node, _words(label))
        case Fault(detail=Parcel() as parcel):
            lost = _event(step, parcel.to, parcel.event, calls)
            return Event(step, Kind.LOST, lost.source or parcel.source, lost.node, lost.label)
        case Fault(kind=kind):
            return Event(step, Kind.FAULT, None, node, kind)


def _said(message: object) -> str:
    """A message in a few words: all of it where it is short, or else what kind it is."""
    message = thaw(message)
    if isinstance(message, str):
        return message
    if type(message) is tuple:
        return _words(message)
    text = repr(message).removesuffix("()")
    return text if len(text) <= LONGEST else type(message).__name__


def _words(tag: object) -> str:
    """The words of a tag, without names of nodes, which say where it is anyway."""
    parts = tag if isinstance(tag, tuple) else (tag,)
    words = (part.value if isinstance(part, Enum) else part for part in parts)
    return " ".join(str(word) for word in words if isinstance(word, int) or (isinstance(word, str) and not word.startswith("server/")))
