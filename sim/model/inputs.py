"""What can happen to a node.

An input is one value of the closed union `Input`. A node sees nothing else: no clock, no network, no neighbour.
"""

from __future__ import annotations

from collections.abc import Hashable

from msgspec import Struct

Name = str
Tag = Hashable
Message = object


class Call(Struct, frozen=True):
    """The callee's handle on an open request; hand it to `Step.reply`.

    `serial` tells two uses of one tag apart in a driver that has a clock. It is never part of a snapshot.
    """

    caller: Name
    tag: Tag
    serial: int = 0

    def is_same(self, other: Call) -> bool:
        """Whether both mean one call; a handle from a snapshot (serial 0) means whichever is open."""
        return self.caller == other.caller and self.tag == other.tag and (self.serial == other.serial or not self.serial * other.serial)


class Deliver(Struct, frozen=True):
    """A message arrived. `call` is set when the sender waits for a reply."""

    message: Message
    source: Name
    call: Call | None = None


class Reply(Struct, frozen=True):
    """The reply to this node's own call `tag` arrived."""

    tag: Tag
    message: Message


class Fired(Struct, frozen=True):
    """The timer `tag` ran out; for an open call: its budget ended and no reply will come."""

    tag: Tag


class Withdrawn(Struct, frozen=True):
    """The caller of an open request is gone or has given it up, and the callee got to know."""

    call: Call


class Move(Struct, frozen=True):
    """The node does by itself one of the things that its `moves()` offered."""

    label: Hashable


class Fault(Struct, frozen=True):
    """Something was done to the node from outside: an operator's request, a crash of its process, ..."""

    kind: str
    detail: Hashable = None


Input = Deliver | Reply | Fired | Withdrawn | Move | Fault


class Unreachable(Struct, frozen=True):
    """The reply a driver gives in place of a callee that cannot be reached (connection refused or broken)."""


class NoSuchNode(Struct, frozen=True):
    """The reply a driver gives in place of a callee that does not exist any more."""
