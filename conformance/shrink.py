"""Makes a rejected case smaller: tries its smaller scenarios, goes on from the first that is rejected in the same way.

A real server is not deterministic, so a candidate is tried more than once before it counts as accepted. What a try is, is
for the caller to say; here are only the order of the tries and their limits. Libraries for delta debugging reduce files
or lists by a test that is cheap and certain (picire, shrinkray); a recording takes a minute, several run at a time, and one
that passes proves nothing, so the loop is here, and what is smaller is in `conformance.smaller`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.smaller import Candidate, Table, candidates, size

REPEATS: Final = 2
"""How often a candidate is recorded before it counts as accepted."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one case. `seconds`: no recording begins later; `at_once`: recordings at a time."""

    recordings: int = 40
    seconds: float = 1800.0
    at_once: int = 3
    repeats: int = REPEATS


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a recording: how it was rejected ("" when it was not), and its folder."""

    kind: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Improvement:
    """A smaller scenario that is rejected as the first one was, and the recording that shows it."""

    candidate: Candidate
    folder: Path
    recordings: int


Attempt = Callable[[Candidate], Awaitable[Tried | None]]
"""Records and judges a candidate; None when it cannot be recorded."""


class Shrinker:
    """One case being made smaller. `kind`: how it was rejected. `recordings`: how many were made until now."""

    def __init__(
        self,
        table: Table,
        kind: str,
        attempt: Attempt,
        limits: Limits,
        tell: Callable[[str], None] = lambda _: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.recordings = 0
        self._table = table
        self._kind = kind
        self._attempt = attempt
        self._limits = limits
        self._tell = tell
        self._now = now
        self._end = now() + limits.seconds

    @property
    def over(self) -> bool:
        """Whether the limits are reached."""
        return self.recordings >= self._limits.recordings or self._now() >= self._end

    async def improvements(self) -> AsyncIterator[Improvement]:
        """Ever smaller cases, until none is rejected any more or the limits are reached; the last one is the best."""
        table, tried = self._table, {Candidate("", self._table).key}
        while better := await self._better(table, tried):
            table = better.candidate.table
            self._tell(f"{better.candidate.what}: still rejected, size {size(table)} of {size(self._table)}")
            yield better

    async def _better(self, table: Table, tried: set[str]) -> Improvement | None:
        """The smallest candidate that is still rejected."""
        fresh = [candidate for candidate in candidates(table) if candidate.key not in tried]
        width = self._limits.at_once
        for start in range(0, len(fresh), width):
            if self.over:
                self._tell(f"the limit is reached after {self.recordings} recordings")
                return None
            group = fresh[start : start + width]
            outcomes = await asyncio.gather(*map(self._still, group))
            tried.update(candidate.key for candidate in group)
            for candidate, folder in zip(group, outcomes, strict=True):
                if folder is not None:
                    return Improvement(candidate, folder, self.recordings)
        return None

    async def _still(self, candidate: Candidate) -> Path | None:
        """The recording that shows that a candidate is rejected in the same way, if one of some does."""
        for _ in range(self._limits.repeats):
            if self.over:
                return None
            self.recordings += 1
            tried = await self._attempt(candidate)
            if tried is None:
                # What cannot be recorded is no recording, and a second try would come to the same.
                self.recordings -= 1
                return None
            self._tell(f"recording {self.recordings} of {self._limits.recordings}: {candidate.what}: {tried.kind or 'accepted'}")
            if tried.kind == self._kind:
                return tried.folder
        return None


__all__ = ["Improvement", "Limits", "Shrinker", "Tried"]
