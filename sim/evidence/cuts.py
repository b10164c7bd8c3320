"""When calls are cut off: their worker's process is killed, stopped or has exited, its network is held, or the server is killed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from sim.evidence.rebuild import SERVER_KILLED
from sim.evidence.recording import Recording

_BOTH_WAYS: Final = ("kill -9", "machine lost (no FIN)", "SIGSTOP", "network held (both)")
CUTS_REQUESTS: Final = (*_BOTH_WAYS, "network held (up)")
CUTS_ANSWERS: Final = (*_BOTH_WAYS, "network held (down)")
"""After which of a case's happenings a worker's calls do not arrive any more, or their answers. A process that is stopped does
not send what it was about to send."""

EXITED: Final = 1_000
"""A process has exited this long after its last worker was stopped, microseconds."""

TOLD: Final = 50_000
"""So long after a server was killed everybody has noticed that the connection is gone: what had not come by then does not come."""


class Cuts:
    """The cuts of a case; all times are the scenario's. Workers go by their identities."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._timeline = [(recording.offset + h.at, h.what, h.who) for h in recording.case.timeline]

    def all(self) -> set[int]:
        """Just after any worker is cut off by itself."""
        return {at + 1 for at, what, _ in self._timeline if what in (*CUTS_REQUESTS, *CUTS_ANSWERS)}

    def of_requests(self, identity: str, now: int) -> int | None:
        """Just after a worker's calls are cut off next."""
        return min(self._of_worker(identity, now, CUTS_REQUESTS, 1), default=None)

    def of_answers(self, identity: str, now: int) -> int | None:
        """Just after a worker's answers are cut off next."""
        return min(self._of_worker(identity, now, CUTS_ANSWERS, TOLD), default=None)

    def _of_worker(self, identity: str, now: int, how: tuple[str, ...], told: int) -> Iterator[int]:
        worker = identity.partition("'")[0]
        for at, what, who in self._timeline:
            if at >= now and (what in how and who == worker):
                yield at + 1
            elif at >= now and what == SERVER_KILLED:
                yield at + told
        yield from (at + EXITED for at in self._recording.stops.get(identity, ()) if at + EXITED > now)

    def pause(self, identity: str, now: int, near: int) -> tuple[int, int] | None:
        """From when until when a worker's process is stopped, if that begins at about this time."""
        worker = identity.partition("'")[0]
        mine = [(at, what) for at, what, who in self._timeline if who == worker and what in ("SIGSTOP", "SIGCONT")]
        for (stop, what), (goes_on, _) in pairwise(mine):
            if what == "SIGSTOP" and abs(stop - now) <= near:
                return stop, goes_on
        return None
