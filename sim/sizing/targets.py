"""What a pool has to achieve: `p99(creation wait) < 1m`, `P(creation timeout) < 0.1%`.

Every target but that of a mean says that at most so many sessions may be *bad*. A creation that times out is bad for any target of
waits: whoever never got a session has waited longer than any limit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean
from typing import Final

from sim.model.durations import format_duration, parse_duration
from sim.sizing.journeys import NOT_YET, Journey

EXPECTED: Final = (
    "expected one of: p99(creation wait) < 1m, mean(creation wait) < 10s, P(creation wait > 30s) < 1%, P(creation timeout) < 0.1%, "
    "P(session failure) < 1%"
)


class Kind(Enum):
    """What is limited."""

    QUANTILE = "quantile"
    MEAN = "mean"
    LONG_WAIT = "long wait"
    TIMEOUT = "creation timeout"
    FAILURE = "session failure"


@dataclass(frozen=True, slots=True)
class Target:
    """`limit`: the largest share of bad sessions; of MEAN seconds. `time`: of QUANTILE and LONG_WAIT, microseconds."""

    text: str
    kind: Kind
    limit: float
    time: int = 0

    def bad(self, journey: Journey) -> bool:
        """Whether this session counts against the target. Not for MEAN."""
        match self.kind:
            case Kind.QUANTILE:
                return journey.wait == NOT_YET or journey.wait >= self.time
            case Kind.LONG_WAIT:
                return journey.wait == NOT_YET or journey.wait > self.time
            case Kind.TIMEOUT:
                return journey.timed_out
            case Kind.FAILURE:
                return journey.failed
            case Kind.MEAN:
                raise ValueError("a mean has no bad sessions")

    @property
    def is_share(self) -> bool:
        """Whether it counts bad sessions."""
        return self.kind is not Kind.MEAN

    def value(self, journeys: Sequence[Journey]) -> float:
        """What is held to `limit`: the share of bad sessions, or the mean wait in seconds of those that got a session."""
        if self.is_share:
            return sum(map(self.bad, journeys)) / len(journeys)
        waits = [j.wait for j in journeys if j.wait != NOT_YET]
        return fmean(waits) / 1e6 if waits else float("inf")

    def __str__(self) -> str:
        return self.text


def read_target(text: str) -> Target:
    """A target as written.

    Raises:
        ValueError: it is none; the message says what was expected.
    """
    sides = re.fullmatch(r"\s*(.+?)\s*<\s*(\S+)\s*", text)
    if sides is None:
        raise ValueError(f"the target is {text!r}; {EXPECTED}")
    what, limit = " ".join(sides[1].split()), sides[2]
    try:
        if match := re.fullmatch(r"p(\d{1,2}(?:\.\d+)?)\s*\(creation wait\)", what):
            return _quantile(text, float(match[1]), parse_duration(limit))
        if what.replace(" (", "(") == "mean(creation wait)":
            return Target(text.strip(), Kind.MEAN, parse_duration(limit) / 1e6)
        if match := re.fullmatch(r"P\s*\(creation wait > ?(\S+)\)", what):
            return Target(text.strip(), Kind.LONG_WAIT, _share(limit), parse_duration(match[1]))
        if re.fullmatch(r"P\s*\(creation timeout\)", what):
            return Target(text.strip(), Kind.TIMEOUT, _share(limit))
        if re.fullmatch(r"P\s*\(session failure\)", what):
            return Target(text.strip(), Kind.FAILURE, _share(limit))
    except ValueError as error:
        raise ValueError(f"the target {text!r}: {error}; {EXPECTED}") from None
    raise ValueError(f"the target is {text!r}; {EXPECTED}")


def _quantile(text: str, percent: float, time: int) -> Target:
    if not 0 < percent < 100 or time == 0:
        raise ValueError(f"p{percent:g} below {format_duration(time)} cannot be; expected a percentage between 0 and 100 and some time")
    return Target(text.strip(), Kind.QUANTILE, round(1 - percent / 100, 12), time)


def _share(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text)
    share = float(match[1]) / (100 if match[2] else 1) if match is not None else 0.0
    if not 0 < share < 1:
        raise ValueError(f"the share {text!r} is none; expected more than 0 and less than 100 %, such as 0.1%")
    return share
