"""A load read off real histories: when sessions were asked for, and how long they were held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from sim.model.laws import Empirical, Law

if TYPE_CHECKING:
    from sim.audit.result import AuditResult

LEAST = 3
"""Fewer arrivals or holds say nothing."""


class TooFewError(Exception):
    """The histories do not tell enough; the message says what they tell."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What histories tell of a load: laws of gaps and holds, and mean time that activities ran in a session; microseconds."""

    gap: Law
    hold: Law
    sessions: int
    held: int
    working: float


def observe(paths: Iterable[str | Path]) -> Observed:
    """Read histories (files or folders, as Temporal exports them).

    Raises:
        TooFewError: they tell of fewer than three arrivals or three sessions that were held to their end.
        HistoryError: a file cannot be read.
    """
    from sim.audit import audit

    return observed(audit(list(paths)))


def observed(audited: AuditResult) -> Observed:
    """What an audit tells of a load: times between askings, and how long sessions were open that were completed.

    Raises:
        TooFewError: as `observe`.
    """
    asked = sorted(session.creation.scheduled_at for session in audited.sessions)
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    ended = [s for s in audited.sessions if s.created_at is not None and s.ended_at is not None and s.end.value == "completed"]
    holds = [s.ended_at - s.created_at for s in ended if s.ended_at is not None and s.created_at is not None]
    if len(gaps) < LEAST - 1 or len(holds) < LEAST or sum(gaps) == 0 or sum(holds) == 0:
        raise TooFewError(
            f"the histories tell of {len(asked)} sessions that were asked for and {len(holds)} that were held and completed; expected "
            f"at least {LEAST} of each, at different times"
        )
    works = [sum(_ran(a) for a in s.activities) for s in ended]
    return Observed(Empirical(tuple(gaps)), Empirical(tuple(holds)), len(asked), len(holds), fmean(works))


def _ran(activity: object) -> int:
    began, ended = getattr(activity, "started_at", None), getattr(activity, "closed_at", None)
    return 0 if began is None or ended is None else ended - began
