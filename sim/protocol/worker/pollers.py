"""Pollers: each reserves a slot, waits for what gates it, polls, hands over, and polls again (P3.2, P3.3)."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from sim.model.inputs import Name, Unreachable
from sim.model.node import Step
from sim.model.spans import MILLISECOND, SECOND, Exactly, Within
from sim.protocol import messages as msg

POLL_BUDGET = Exactly(70 * SECOND)


class Kind(StrEnum):
    """What a poller polls for. The value is its part in tags and labels; it hashes as that."""

    __hash__ = str.__hash__

    WORKFLOW = "workflow"
    ACTIVITY = "activity"
    CREATION = "creation"
    RESOURCE = "resource"
    HOST = "host"
    """Sessions of processes before this one; only in host sessions."""


class State(Enum):
    BLOCKED = "waits for a slot or a token"
    BACKING_OFF = "waits after an error"
    POLLING = "polls"
    STOPPED = "stopped"


@dataclass(slots=True)
class Poller:
    """One poller goroutine."""

    kind: Kind
    index: int
    position: int
    """Among all pollers of the worker."""
    state: State = State.BLOCKED
    errors: int = 0
    """How many waits its component had had since its last success, with the one that this poller is in."""
    sticky: bool = False
    """Whether the open poll is on the sticky queue."""

    @property
    def tag(self) -> Hashable:
        return ("poll", self.kind, self.index)

    def waits(self) -> tuple[int, int]:
        """The shortest and the longest wait after so many errors: 0.2 s, doubled, at most 10 s, less up to a fifth."""
        wait = min(200 * MILLISECOND * 2 ** (self.errors - 1), 10 * SECOND)
        return wait * 8 // 10, wait


@dataclass(slots=True)
class Slots:
    """Free slots of one pool; a poll holds one, and the task it brings keeps it."""

    free: int


@dataclass(slots=True)
class Pollers:
    """All pollers of a worker, their queues and slots. `pools`: which pool each kind takes its slots from."""

    identity: str
    queues: dict[Kind, Name]
    sticky_queue: Name
    pollers: list[Poller] = field(default_factory=list)
    pools: dict[Kind, str] = field(default_factory=dict)
    slots: dict[str, Slots] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)
    """Pollers that wait for a slot or a token, by position, first come first served: slots are a fair semaphore."""
    failures: dict[Kind, int] = field(default_factory=dict)
    """Waits after errors since the last success, by component."""
    stopping: bool = False
    sticky_backlog: bool = False

    def of(self, kind: Kind) -> list[Poller]:
        return [p for p in self.pollers if p.kind is kind]

    def free(self, kind: Kind) -> Slots:
        """The pool this kind takes its slots from."""
        return self.slots[self.pools[kind]]

    def find(self, tag: tuple[object, ...]) -> Poller:
        """The poller of this tag."""
        _, kind, index = tag
        for poller in self.pollers:
            if poller.index == index and poller.kind == kind:
                return poller
        raise KeyError(f"a worker has no poller {tag}")

    def advance(self, step: Step, token_free: bool) -> None:
        """Let every poller that can poll do so, in the order in which they began to wait."""
        waiting = self.waiting
        if not waiting:
            return
        still = []
        for position in waiting:
            poller = self.pollers[position]
            kind = poller.kind
            slots = self.slots[self.pools[kind]]
            if self.stopping:
                poller.state = State.STOPPED
            elif slots.free > 0 and (token_free or (kind is not Kind.CREATION and kind is not Kind.HOST)):
                slots.free -= 1
                self._poll(poller, step)
            else:
                still.append(position)
        self.waiting = still

    def block(self, poller: Poller) -> None:
        """The poller wants to poll: it queues up for a slot."""
        poller.state = State.BLOCKED
        self.waiting.append(poller.position)

    def _poll(self, poller: Poller, step: Step) -> None:
        poller.sticky = poller.kind is Kind.WORKFLOW and self._sticky_next()
        poller.state = State.POLLING
        queue = self.sticky_queue if poller.sticky else self.queues[poller.kind]
        step.call(queue, msg.Poll(self.identity), poller.tag, POLL_BUDGET)

    def _sticky_next(self) -> bool:
        """Sticky if it had a backlog, or if no more sticky than normal polls are open (P3.2.4)."""
        if self.sticky_backlog:
            return True
        more = 0
        for poller in self.pollers:
            if poller.kind is Kind.WORKFLOW and poller.state is State.POLLING:
                more += 1 if poller.sticky else -1
        return more <= 0

    def answered(self, poller: Poller, message: object, step: Step) -> bool:
        """A poll ended with this answer; True when it brought a task, whose slot is the caller's now."""
        kind = type(message)
        if poller.sticky:
            self.sticky_backlog = kind is msg.WorkflowTask and message.backlog  # type: ignore[attr-defined]
        if kind is msg.Refused or kind is Unreachable:
            self.failed(poller, step)
            return False
        poller.errors = 0
        self.failures.pop(poller.kind, None)
        self.block(poller)
        if kind is msg.NoTask:
            self.free(poller.kind).free += 1
            return False
        return True

    def failed(self, poller: Poller, step: Step) -> None:
        """A poll ended with an error: release the slot, poll again after a backoff (0.2 s, doubled, at most 10 s)."""
        self.free(poller.kind).free += 1
        if poller.sticky:
            self.sticky_backlog = False
        if self.stopping:
            poller.state = State.STOPPED
            return
        # All pollers of a component share one backoff: each wait of any of them makes the next longer, until one has success.
        poller.errors = self.failures[poller.kind] = min(self.failures.get(poller.kind, 0) + 1, 7)
        poller.state = State.BACKING_OFF
        step.arm(poller.tag, Within("poll error backoff", *poller.waits()))

    def abandon(self, kinds: tuple[Kind, ...], step: Step) -> None:
        """A component stops: its open polls are cancelled by the client."""
        for poller in self.pollers:
            if poller.kind in kinds:
                if poller.state is State.POLLING:
                    step.abandon(poller.tag)
                    self.free(poller.kind).free += 1
                else:
                    step.disarm(poller.tag)
                poller.state = State.STOPPED
