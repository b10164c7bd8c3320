"""What a run writes in one transaction: events in their order, and what workflow code will see of them.

Direct events are appended at once. All others are buffered, and flushed before a workflow task is scheduled, or at the
end of a transaction in which none is started; a flush puts the closings of activities last (P4.5.2, P4.5.3).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct

from sim.history.events import Event, Written, Wrote
from sim.history.visible import Visible
from sim.model.node import Step


class Buffered(Struct, frozen=True):
    """An event that waits. `closes`: it closes an activity, and goes after those that do not."""

    written: Written
    visible: Visible | None
    closes: bool


@dataclass(slots=True)
class Journal:
    """The log that replay needs, the buffer, and (within a transaction) the events to emit."""

    log: list[Visible] = field(default_factory=list)
    buffer: list[Buffered] = field(default_factory=list)
    fresh: list[Written] = field(default_factory=list)

    def direct(self, step: Step, event: Event, visible: Visible | None = None, time: int | None = None) -> None:
        """Append an event at once; `time`: when it happened, if not now."""
        self.fresh.append(Written(step.stamp() if time is None else time, event))
        if visible is not None:
            self.log.append(visible)

    def hold(self, step: Step, event: Event, visible: Visible | None, closes: bool, time: int | None = None) -> None:
        """Buffer an event; `time`: when it happened, if not now."""
        self.buffer.append(Buffered(Written(step.stamp() if time is None else time, event), visible, closes))

    def flush(self) -> None:
        """Append what is buffered, reordered."""
        if not self.buffer:
            return
        for closes in (False, True):
            for entry in self.buffer:
                if entry.closes is closes:
                    self.fresh.append(entry.written)
                    if entry.visible is not None:
                        self.log.append(entry.visible)
        self.buffer.clear()

    def emit(self, step: Step) -> None:
        """The transaction is over: hand its events to whoever listens."""
        if self.fresh:
            if step.wants(Wrote):
                step.emit(Wrote(step.me, tuple(self.fresh)))
            self.fresh.clear()
