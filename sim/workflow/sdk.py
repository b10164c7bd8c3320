"""What a version of the Go SDK does differently: one named switch per change of session behaviour.

Versions and commits: docs/PROTOCOL.md, "Versions".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import total_ordering

DEFAULT_SDK_VERSION = "1.48.0"


@total_ordering
@dataclass(frozen=True, slots=True)
class SdkVersion:
    """A version of the Go SDK, and what it does."""

    parts: tuple[int, int, int]

    @classmethod
    def parse(cls, text: str) -> SdkVersion:
        """Read "1.48.0" or "1.48". Raises ValueError with the expected form."""
        pieces = text.split(".")
        if not 2 <= len(pieces) <= 3 or not all(piece.isdigit() for piece in pieces):
            raise ValueError(f'sdk_version: expected a version such as "1.48.0", got {text!r}')
        major, minor, patch = (*map(int, pieces), 0)[:3]
        return cls((major, minor, patch))

    def __lt__(self, other: SdkVersion) -> bool:
        return self.parts < other.parts

    def __str__(self) -> str:
        return ".".join(map(str, self.parts))

    @property
    def fatal_session_timeouts(self) -> bool:
        """1.14.0 (#746): StartToClose and heartbeat timeouts of the creation activity are not retried, a full worker is."""
        return self.parts >= (1, 14, 0)

    @property
    def limits_creation_slots(self) -> bool:
        """1.14.0 (#746): the creation worker has as many slots as there are tokens; before, as many as for activities."""
        return self.parts >= (1, 14, 0)

    @property
    def exports_session_state(self) -> bool:
        """1.21.0: workflow code can read a session's state."""
        return self.parts >= (1, 21, 0)

    @property
    def separate_session_slots(self) -> bool:
        """1.31.0: activities of sessions have slots of their own."""
        return self.parts >= (1, 31, 0)

    @property
    def shutdown_failure(self) -> bool:
        """1.35.0 (#1910): a stopped worker fails its sessions with SessionWorkerShutdown instead of saying "canceled"."""
        return self.parts >= (1, 35, 0)

    @property
    def tells_cancel_from_shutdown(self) -> bool:
        """1.37.0 (#2069): a cancellation that the server asked for ends the creation activity as canceled again."""
        return self.parts >= (1, 37, 0) or self.parts < (1, 35, 0)

    @property
    def panics_stay_panics(self) -> bool:
        """1.41.1 (#2228): a deferred call that blocks while a panic unwinds does not freeze the panic."""
        return self.parts >= (1, 41, 1)

    @property
    def asks_for_system_info(self) -> bool:
        """1.15.0: a client asks the server what it can before its first call."""
        return self.parts >= (1, 15, 0)

    @property
    def shuts_down_session_queues(self) -> bool:
        """1.42.0: ShutdownWorker is sent for the creation queue and the resource queue too."""
        return self.parts >= (1, 42, 0)

    @property
    def token_wait_honours_stop(self) -> bool:
        """1.47.0: a creation poller that waits for a token notices a stop."""
        return self.parts >= (1, 47, 0)
