"""The two sides of the one interface: `Node`, written by whoever knows a protocol, and `Step`, by whoever drives it.

Rules a node keeps, and every driver may rely on:

* It changes only itself, and reaches everything else through the `Step` it is handed.
* It holds no time, no clock, no random number, no name of its own, no reference to another node.
* Handling an input is a function of (state, input, answers): same state, same input, same answers, same outcome.
* Its state is plain data (see `canon`): taking a snapshot and restoring it changes nothing that can be observed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self, TypeVar, overload

from sim.model.canon import Frozen, Tagged, freeze_fields, state_fields, thaw, thaw_dataclass
from sim.model.inputs import Call, Input, Message, Name, Tag
from sim.model.renaming import rename
from sim.model.spans import Span, TimeTest

T = TypeVar("T")


class Step(Protocol):
    """A node's only door to the world while it handles one input."""

    me: Name
    """The name this node has in its world (so that it need not store it)."""

    def send(self, to: Name, message: Message) -> None:
        """Send a message and forget it."""

    def call(self, to: Name, request: Message, tag: Tag, budget: Span | None = None) -> None:
        """Send a request; later `Reply(tag)`, or `Fired(tag)` when the budget ended first, never both.

        A tag names at most one open call or timer of this node at a time.
        """

    def reply(self, call: Call, message: Message) -> None:
        """Answer an open request. Answering one that was given up meanwhile does nothing."""

    def abandon(self, tag: Tag) -> None:
        """Give up this node's own open call: no `Reply` and no `Fired` will come; the callee may learn of it."""

    def arm(self, tag: Tag, after: Span, beaten_by: tuple[Hashable, ...] = (), late: Span | None = None) -> None:
        """Start the timer (this node, tag), replacing one of that tag; later `Fired(tag)` unless disarmed.

        `late`: how late it fires, measured only when it is due (most timers never are). `beaten_by` names
        what a driver without a clock must not let it overtake when it fires early.
        """

    def deadline(self, tag: Tag, after: Span) -> None:
        """Set a timer that never fires by itself: it can be compared, tested and used in spans."""

    def disarm(self, tag: Tag) -> None:
        """Drop the timer or deadline `tag`, if there is one."""

    def mark(self, tag: Tag) -> None:
        """Remember this instant under (this node, tag), for `Older` and `NotBefore`."""

    def holds(self, test: TimeTest) -> bool:
        """Ask about time. The answer is a choice like any other, and goes on the tape."""

    def earliest(self, tags: Sequence[Tag]) -> Tag:
        """The one of these own timers or deadlines that runs out first; the first in the sequence among equals."""

    @overload
    def choose(self, label: str, options: Sequence[T]) -> T: ...
    @overload
    def choose(self, label: str, options: Sequence[T], weights: Sequence[int] | None) -> T: ...
    def choose(self, label: str, options: Sequence[T], weights: Sequence[int] | None = None) -> T:
        """One of `options`: what a real program leaves to chance (Go's select, a map's order, a partition)."""

    def stamp(self) -> int:
        """A timestamp of this node's clock, microseconds. Data to hand on, never to be compared: 0 without a clock."""

    def spawn(self, name: Name, node: Node) -> None:
        """Add a node to the world, in the same place as this one."""

    def retire(self, name: Name) -> None:
        """Remove a node and its timers; calls to it get `NoSuchNode`."""

    def emit(self, observation: object) -> None:
        """Let the outside see something: recorder, properties, story. It must not influence any node."""

    def wants(self, kind: type) -> bool:
        """Whether anybody listens to observations of this class (so that a costly one need not be built)."""


class Node(ABC):
    """One state machine. Concrete nodes are slotted dataclasses whose fields are their state."""

    __slots__ = ()
    restless: ClassVar[bool] = False
    """Whether `moves` can ever be non-empty (a driver need not ask the others)."""

    @abstractmethod
    def handle(self, event: Input, step: Step) -> None:
        """Take one input: change this node's state, and ask for effects through `step`."""

    def moves(self) -> Sequence[Hashable]:
        """Labels of what this node may do by itself now, in a fixed order."""
        return ()

    @staticmethod
    def prompt() -> frozenset[str]:
        """First words of the tags of timers that stand for what takes next to no time (a read, a goroutine that is woken):
        a driver without a clock lets them come before all others."""
        return frozenset()

    @staticmethod
    def anytime() -> frozenset[str]:
        """First words of the tags of timers that a driver with a coarse clock lets fire at any time: how long they last is
        nothing that anything else waits for."""
        return frozenset()

    @staticmethod
    def retries() -> frozenset[str]:
        """First words of the tags of timers after which something is tried again, for ever if it goes on to fail: a driver
        that looks at every run has to say how often."""
        return frozenset()

    @staticmethod
    def apart() -> Mapping[tuple[str, ...], Callable[[Any], Hashable]]:
        """Dicts whose entries lie apart from the rest of the state (`sim.model.apart`), by the names of the fields that lead
        there, with the part that a key belongs to; None where it belongs to the rest."""
        return {}

    @staticmethod
    def part_of(tag: Tag) -> Hashable:
        """The part that a timer or call of this tag belongs to; None for the rest."""
        return None

    @classmethod
    def later(cls, state: Frozen, us: int) -> Frozen:
        """The state when `us` microseconds more have passed, to within that. Only who measures others' times has any of its own."""
        return state

    def clause(self, event: Input) -> str:
        """What this node does on an input that it gets now, for a story whose line begins with its name ("sends its vote"); empty where
        the input's own words will do. It is only asked when a story is told."""
        return ""

    def shields(self) -> Iterable[Hashable]:
        """What this node will do in time unless something is slow, under the names that `Step.arm` has in `beaten_by`."""
        return ()

    def snapshot(self) -> Frozen:
        """The state in canonical form."""
        return tuple(freeze_fields(self))

    def restore(self, state: Frozen) -> None:
        """Take the state that `snapshot` gave; caches start empty."""
        assert isinstance(state, tuple)
        for name, value in zip(state_fields(type(self)), state, strict=True):
            setattr(self, name, thaw(value))

    @classmethod
    def restored(cls, state: Frozen) -> Self:
        """A new node in this state."""
        assert isinstance(state, tuple)
        assert not isinstance(state, Tagged)
        new: Any = thaw_dataclass(cls, state)
        assert isinstance(new, cls)
        return new

    @staticmethod
    def rename(state: Frozen, names: Mapping[str, str]) -> Frozen:
        """The state under other names of nodes, for symmetry."""
        return rename(state, names)
