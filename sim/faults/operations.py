"""What a plan of faults needs of whoever carries them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sim.faults.fault import Fault
from sim.faults.moments import Sighting

Undo = Callable[[], None]
"""Ends a fault."""


class Operations(Protocol):
    """The cluster, as a plan sees it."""

    def find(self, fault: Fault, sighting: Sighting | None) -> str | None:
        """The name of the target now: the same for the same state, None when there is none (then nothing happens)."""

    def apply(self, fault: Fault, target: str) -> Undo | None:
        """Do it; what comes back ends it."""
