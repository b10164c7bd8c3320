"""Which variant of the session protocol workers and workflow code speak. What is in each: `framework`, `sim.protocol.worker.variants`."""

from __future__ import annotations

from enum import StrEnum


class Variant(StrEnum):
    """One variant each. The value is what a scenario calls it (`protocol = "host"`)."""

    SESSIONS = "sessions"
    """The SDK's sessions: one process is bound, and its loss is the session's."""
    HOST = "host"
    """Host sessions: the host is bound, and a process that starts there again takes its sessions up (docs/design/host-sessions.md)."""
