"""A fault: what is done, to whom, when, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.faults.moments import Moment
from sim.model.laws import Law


@dataclass(frozen=True, slots=True)
class At:
    """Once, at this time, microseconds of true time."""

    us: int


@dataclass(frozen=True, slots=True)
class AtMoment:
    """`after` microseconds after the `nth` sighting of a moment (from 1), and after the `count` - 1 following ones.

    `count` None: after all of them. None of it happens after `until`.
    """

    moment: Moment
    nth: int = 1
    where: Mapping[str, Any] = field(default_factory=dict)
    after: int = 0
    count: int | None = 1
    until: int | None = None


@dataclass(frozen=True, slots=True)
class AtRate:
    """Again and again, with gaps drawn from a law; `count` None: without end; none of it after `until`."""

    gap: Law
    count: int | None = None
    until: int | None = None


When = At | AtMoment | AtRate


@dataclass(frozen=True, slots=True)
class Fault:
    """`kind` is one of `KINDS`. `target` is a name, or `@...` for one that is found when it happens.

    `lasts`: after how many microseconds it is undone, None for never.
    """

    kind: str
    target: str
    when: When
    parameters: Mapping[str, Any] = field(default_factory=dict)
    lasts: int | None = None
