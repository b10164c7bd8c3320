"""What a node asked for while it handled one input, as data."""

from __future__ import annotations

from collections.abc import Hashable

from msgspec import Struct

from sim.model.inputs import Call, Message, Name, Tag
from sim.model.node import Node
from sim.model.spans import Span, TimeTest


class Send(Struct, frozen=True):
    to: Name
    message: Message


class Request(Struct, frozen=True):
    to: Name
    request: Message
    tag: Tag
    budget: Span | None


class Answer(Struct, frozen=True):
    call: Call
    message: Message


class Abandon(Struct, frozen=True):
    tag: Tag


class Arm(Struct, frozen=True):
    tag: Tag
    after: Span
    beaten_by: tuple[Hashable, ...] = ()
    fires: bool = True
    late: Span | None = None


class Disarm(Struct, frozen=True):
    tag: Tag


class Spawn(Struct, frozen=True):
    name: Name
    node: Node


class Retire(Struct, frozen=True):
    name: Name


Effect = Send | Request | Answer | Abandon | Arm | Disarm | Spawn | Retire


class Choice(Struct, frozen=True):
    """The question of `Step.choose`: which of `options` (their number), under this label."""

    label: str
    options: int


class Earliest(Struct, frozen=True):
    """The question of `Step.earliest`."""

    tags: tuple[Tag, ...]

    @property
    def options(self) -> int:
        return len(self.tags)


class Holds(Struct, frozen=True):
    """The question of `Step.holds`; option 1 is yes."""

    test: TimeTest

    @property
    def options(self) -> int:
        return 2


Question = Choice | Earliest | Holds
