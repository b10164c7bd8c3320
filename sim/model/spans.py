"""Lengths of time, and questions about time, as data.

Protocol state holds no times. A node says how long a timer is to run (`Span`) and asks how two of its timers
compare (`TimeTest`); the driver that has a clock computes, the one that has none asks every way.
All literals are integer microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from sim.model.inputs import Name, Tag

if TYPE_CHECKING:
    from sim.model.laws import Law

MICROSECOND = 1
MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND


class Exactly(Struct, frozen=True):
    """This many microseconds."""

    us: int


class Within(Struct, frozen=True):
    """Anything from `lo` to `hi` microseconds; a driver with a clock draws it uniformly under `label`."""

    label: str
    lo: int
    hi: int


class Drawn(Struct, frozen=True):
    """A span drawn from a law; `label` is the purpose of the draw.

    The entity is the node that asks, and the draws of one label are counted; a span that belongs to something else (an
    activity's duration belongs to its workflow, wherever it runs) names its `entity` and `ordinal` (from 1).
    """

    label: str
    law: Law
    entity: str = ""
    ordinal: int = 0


class Left(Struct, frozen=True):
    """What is left of this node's own timer, deadline or open call `tag` (0 when it has passed)."""

    tag: Tag


class Until(Struct, frozen=True):
    """From now until the wall clock of this node's machine shows `stamp` (0 when it has passed).

    The only use of a wall clock in the protocol: a deadline that one machine computes from another's timestamp.
    """

    stamp: int


class Half(Struct, frozen=True):
    span: Span


class Clamp(Struct, frozen=True):
    """`span`, but at least `lo` and at most `hi` microseconds."""

    span: Span
    lo: int
    hi: int


class Least(Struct, frozen=True):
    first: Span
    second: Span


class Greatest(Struct, frozen=True):
    first: Span
    second: Span


class Plus(Struct, frozen=True):
    first: Span
    second: Span


class Excess(Struct, frozen=True):
    """What is left of timer `tag` beyond `over` microseconds (0 when less is left)."""

    tag: Tag
    over: int


class NotBefore(Struct, frozen=True):
    """`span`, unless that ends before `after` has passed since the mark `tag` of `node`: then until then."""

    span: Span
    node: Name
    tag: Tag
    after: int


class UnlessOver(Struct, frozen=True):
    """`span`, but no time at all if timer `tag` was due before now and has not fired, for its place stood still. Drivers without a clock
    need not know of that: to them it is `span`."""

    span: Span
    tag: Tag


Span = Exactly | Within | Drawn | Left | Until | Half | Clamp | Least | Greatest | Plus | Excess | NotBefore | UnlessOver


class LeftBelow(Struct, frozen=True):
    """Is less than `span` left of timer `tag`?"""

    tag: Tag
    span: Span


class Older(Struct, frozen=True):
    """Did at least `span` pass since the mark `tag` was set?"""

    tag: Tag
    span: Span


class DueBefore(Struct, frozen=True):
    """Does timer `first` run out strictly before timer `second`?"""

    first: Tag
    second: Tag


class Overdue(Struct, frozen=True):
    """Has the deadline `tag` passed?"""

    tag: Tag


TimeTest = LeftBelow | Older | DueBefore | Overdue


def longest(span: Span) -> int | None:
    """The most microseconds that a span can be, as far as that depends on nothing else; None when it does, or has no limit."""
    match span:
        case Exactly(us=us) | Within(hi=us):
            return us
        case Drawn(law=law):
            return law.bounds()[1]
        case _:
            return None
