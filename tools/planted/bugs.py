"""The bugs: planted ones, and those that a later version of the Go SDK mended; each is a scenario with it and one without."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim import Scenario
from sim.properties.base import Property
from sim.protocol.mutants import Mutant
from tools.planted.signs import CANCELLED_IS_NO_SHUTDOWN, PANIC_COMMITS_NOTHING, STOP_TAKES_ITS_TIME

ORCHARD: Final = Path(__file__).parent / "orchard.toml"
STOPS: Final = Path(__file__).parent / "versions.toml"
TABLES: Final = 2
"""Of workers in that scenario."""

TARGETS: Final[dict[Mutant, tuple[str, ...]]] = {
    Mutant.RECREATE_TAKES_NO_TOKEN: ("slot_limit",),
    Mutant.TOKEN_KEPT_ON_HEARTBEAT_ABORT: ("token_conservation",),
    Mutant.SESSION_ACTIVITIES_ON_BASE_QUEUE: ("same_worker",),
    Mutant.RECREATE_ON_CREATION_QUEUE: ("recreate_same_worker",),
    Mutant.ATTEMPT_FAILS_AFTER_SIGNAL: ("one_binding",),
    Mutant.TOKEN_RETURNED_AFTER_SIGNAL: ("activity_needs_slot",),
    Mutant.ACTIVITY_HEARTBEATS_DEAF: ("exclusive_work",),
    Mutant.WATCHER_IGNORES_FAILURES: ("failure_propagation", "failure_is_seen", "no_orphan_activity"),
    Mutant.FAILED_SESSION_LOOKS_CANCELED: ("failure_is_failure", "failure_propagation"),
    Mutant.ACTIVITY_ERROR_FAILS_SESSION: ("activity_failure_keeps_session",),
    Mutant.SESSION_HEARTBEATS_NOT_SENT: ("no_false_alarm",),
    Mutant.COMPLETING_TWICE_FAILS_SESSION: ("closed_is_final",),
    Mutant.COMPLETE_KEEPS_CONTEXT: ("complete_is_safe",),
    Mutant.OPEN_SESSION_NOT_REFUSED: ("open_session_refused",),
    Mutant.CREATION_IGNORES_OPTIONS: ("creation_queue",),
    Mutant.CREATION_TIMEOUT_NOT_SENT: ("creation_bounded",),
    Mutant.CREATION_FAILURE_NOT_AWAITED: ("creation_returns",),
    Mutant.CREATION_POLLED_ONCE: ("creation_uses_free_slots",),
    Mutant.CREATION_ACTIVITY_DEAF: ("completion_frees_slot",),
    Mutant.RESOURCE_QUEUE_NOT_POLLED: ("session_activities_start",),
    Mutant.STOP_CANCELS_AT_ONCE: ("graceful_stop_waits",),
    Mutant.EXECUTION_TIMEOUT_NOT_SENT: ("execution_timeout_is_total",),
    Mutant.COMPLETES_FAILED_SESSIONS: ("complete_is_safe",),
}
"""Bug -> the promises that it breaks, as docs/PROPERTIES.md has them. Those of other variants of the protocol need scenarios that speak
it (`tests/fuzz/test_host.py`)."""

SIGNS: Final[dict[str, Property]] = {
    "1.36.0": CANCELLED_IS_NO_SHUTDOWN,
    "1.41.0": PANIC_COMMITS_NOTHING,
    "1.46.0": STOP_TAKES_ITS_TIME,
}
"""Last version with a bug that breaks no promise -> what shows of it all the same; the scenario is `versions.toml` then."""

CANNOT_SHOW: Final[dict[str, str]] = {
    "1.41.1": "servers heed ShutdownWorker for sticky queues only (P3.8, step 2); the calls themselves are all that is missing",
}
"""Last version with a bug that can break nothing -> why."""

VERSIONS: Final[tuple[tuple[str, str, str], ...]] = (
    ("1.13.0", "1.14.0", "heartbeat timeouts of the creation activity are retried, a full worker is not; creations may exceed tokens"),
    ("1.30.1", "1.31.0", "activities of sessions share slots with others"),
    ("1.34.0", "1.35.0", "a stopped worker says canceled of its sessions"),
    ("1.36.0", "1.37.0", "a cancellation that the server asked for looks like a shutdown"),
    ("1.41.0", "1.41.1", "a deferred call that blocks while a panic unwinds freezes it"),
    ("1.41.1", "1.42.0", "ShutdownWorker is not sent for the queues of sessions"),
    ("1.46.0", "1.47.0", "a creation poller that waits for a token does not notice a stop"),
)
"""(last version with the bug, first without, what it is); docs/PROTOCOL.md, "Versions"."""


@dataclass(frozen=True, slots=True)
class Bug:
    """`settings` plant it, `mended` are the same without it. `properties`: one of these has to be broken; empty: any.

    `sign`: what shows of it, if that is no promise. `silent`: why nothing can.
    """

    name: str
    what: str
    settings: tuple[str, ...]
    mended: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    sign: Property | None = None
    silent: str = ""

    def scenario(self, planted: bool) -> Scenario:
        """The scenario with or without it."""
        return Scenario.load(STOPS if self.sign is not None else ORCHARD, self.settings if planted else self.mended)


def bugs() -> list[Bug]:
    """All of them: the planted ones, then those of versions."""
    found = []
    for mutant in TARGETS:
        name = mutant.name.lower()
        settings = tuple(f'workers.{i}.mutants=["{name}"]' for i in range(TABLES))
        found.append(Bug(name, mutant.value, settings, (), TARGETS[mutant]))
    for old, new, what in VERSIONS:
        sign, silent = SIGNS.get(old), CANNOT_SHOW.get(old, "")
        properties = (sign.name,) if sign is not None else ()
        settings, mended = (f"cluster.sdk_version={old}",), (f"cluster.sdk_version={new}",)
        found.append(Bug(f"SDK {old}", what, settings, mended, properties, sign, silent))
    return found
