"""Shrinking: from a failing run to the smallest that fails in the same way, the fault that did it, and the moment it was decided.

from sim import shrink

small = shrink(tape, "failure_is_failure")
print(small.deviations.total, [suspect.words for suspect in small.guilty])
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from sim.shrink.measure import Deviations
from sim.shrink.result import Shrunk
from sim.shrink.shrinking import NotBroken, deviations, shrink
from sim.trace.tape import Tape

__all__ = ["Deviations", "NotBroken", "Shrunk", "deviations", "shrink"]


class _Package(ModuleType):
    """`from sim import shrink` may give this package, as importing any part of it binds its name; so it can be called."""

    def __call__(self, tape: Tape, property: str = "", **limits: Any) -> Shrunk:
        return shrink(tape, property, **limits)


sys.modules[__name__].__class__ = _Package
