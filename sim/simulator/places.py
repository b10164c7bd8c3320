"""Places (processes), the links between them, and what may be done to both.

Nodes of one place talk at once and in order. Between two places every direction is a link: one ordered connection with
a law of delay, which can be held (data waits), broken (nothing arrives any more, nobody is told), or closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from sim.model.draws import Stream
from sim.model.inputs import Name
from sim.model.laws import Constant, Law
from sim.model.samples import Samples
from sim.simulator.agenda import Entry


class Condition(Enum):
    """What state a place is in."""

    UP = "up"
    FROZEN = "frozen"
    """Its code does not run; its connections stay open."""
    DOWN = "down"
    """A server outage: connections are refused; its durable state waits."""
    DEAD = "dead"
    """The process is gone; its machine refuses connections."""
    LOST = "lost"
    """The machine is gone: what is sent to it is never answered."""


class Fate(Enum):
    """What a rule does with one message."""

    LOSE = "lose"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    ERROR = "error"
    BREAK = "break"
    """It is lost, and its caller learns `value` microseconds later that the connection broke."""


@dataclass(slots=True)
class Rule:
    """A fault on single messages of one link direction.

    `matches` sees the message; the `skip` first matches pass, then `count` are hit (None: all). `value` is the delay
    in microseconds, or the message that the caller gets in place of an answer. `asked`, if given, sees the request that
    the message is or answers, and whom it was made to: only so can answers to one kind of calls be told apart. Whether the
    answer to a call is hit is decided when the call is made, so one that was open before the rule, like a long poll, is not.
    """

    matches: Callable[[object], bool]
    fate: Fate
    count: int | None = None
    skip: int = 0
    value: object = None
    hits: int = 0
    asked: Callable[[object, Name], bool] | None = None

    def applies(self, message: object, asked: tuple[object, Name] | None = None) -> bool:
        """Whether this message is hit; counts it. `asked`: the request that it is or answers, and its callee.

        `message` is None for the answer to a request that is made now: what it will be is not known.
        """
        if (self.count is not None and self.hits >= self.count) or (message is not None and not self.matches(message)):
            return False
        if self.asked is not None and (asked is None or not self.asked(*asked)):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.hits += 1
        return True


@dataclass(slots=True)
class Clock:
    """How a place reads time. `drift_ppm`: how much faster its clock runs than true time, parts per million.

    Drift stretches or shrinks every duration of the place; `skew_us` is added to wall-clock readings only.
    """

    drift_ppm: int = 0
    skew_us: int = 0

    def true(self, us: int) -> int:
        """How much true time a span of this clock takes."""
        return us if self.drift_ppm == 0 else us * 1_000_000 // (1_000_000 + self.drift_ppm)

    def local(self, us: int) -> int:
        """How long a span of true time seems by this clock."""
        return us if self.drift_ppm == 0 else us * (1_000_000 + self.drift_ppm) // 1_000_000

    def wall(self, now: int) -> int:
        """The wall-clock reading at true time `now`."""
        return self.local(now) + self.skew_us


@dataclass(slots=True)
class Place:
    """A process: nodes that live and die together, behind one connection."""

    name: Name
    clock: Clock = field(default_factory=Clock)
    condition: Condition = Condition.UP
    slow_down: int = 1000
    """How much longer this place takes for what it does itself, in thousandths."""
    links: dict[Name, Link] = field(default_factory=dict)
    """The present links from here, by target place."""


CallLaws = Callable[[object, Name], tuple[Law | None, Law | None]]
"""Of a request and its callee: the law of its way over the link (None: the link's), in which messages keep their order, and
the law of what it takes besides, in which they overtake each other (None: nothing). For a reply, those of its way back."""


@dataclass(slots=True)
class Link:
    """One direction between two places."""

    source: Name
    target: Name
    law: Law
    held: bool = False
    held_at: int = 0
    """Since when it is held, microseconds."""
    broken: bool = False
    free_at: int = 0
    """The latest arrival so far: what is sent later does not overtake."""
    sent: int = 0
    rules: list[Rule] = field(default_factory=list)
    waiting: list[Entry] = field(default_factory=list)
    delays: dict[type, Samples] = field(default_factory=dict)
    """By class of message, where one law holds for all of the link's."""
    streams: dict[type, Stream] = field(default_factory=dict)
    """Of delays, by class of message, where it does not."""
    calls: CallLaws | None = None
    """Laws of single kinds of calls; None: `law` is that of every message."""
    own_streams: dict[type, Stream] = field(default_factory=dict)
    latest: int = 0
    """The latest arrival so far of anything, also of what may be overtaken."""
    name: str = ""
    """`source>target`, as labels have it."""

    def __post_init__(self) -> None:
        self.name = f"{self.source}>{self.target}"

    def rule_for(self, message: object, asked: tuple[object, Name] | None = None) -> Rule | None:
        """The first rule that hits this message; `asked`: the request that it is, and its callee."""
        for rule in self.rules:
            if rule.applies(message, asked):
                return rule
        return None

    def rule_for_answer(self, asked: tuple[object, Name]) -> Rule | None:
        """The first rule that hits the answer to this request, which is made now."""
        for rule in self.rules:
            if rule.asked is not None and rule.applies(None, asked):
                return rule
        return None


@dataclass(frozen=True, slots=True)
class Delays:
    """Which law of delay a link gets, by (source place, target place); `other` for the rest."""

    other: Law = field(default_factory=lambda: Constant(1000))
    of: Mapping[tuple[Name, Name], Law] = field(default_factory=dict)

    def law(self, source: Name, target: Name) -> Law:
        """The law of the link from `source` to `target`; `(source, "")` and `("", target)` are defaults per end."""
        for key in ((source, target), (source, ""), ("", target)):
            if key in self.of:
                return self.of[key]
        return self.other

    def calls(self, source: Name, target: Name) -> CallLaws | None:
        """Laws of single kinds of calls over this link, if there are any."""
        return None
