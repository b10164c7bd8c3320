"""Many runs: sweeps over parameters, the executor and the store behind them, and statistics.

    from sim import sweep

    result = sweep("scenarios/sweeps/contention.toml", jobs=2)
    print(result.estimates(["creation_wait_mean_s"]).to_frame())

Parts are imported when they are first used: processes that only run jobs need few of them.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.sweep.load import Sweep
    from sim.sweep.result import SweepResult, read
    from sim.sweep.sweeping import sweep

__all__ = ["Sweep", "SweepResult", "read", "sweep"]

_HOMES = {"Sweep": "sim.sweep.load", "SweepResult": "sim.sweep.result", "read": "sim.sweep.result", "sweep": "sim.sweep.sweeping"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim.sweep' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


class _Package(ModuleType):
    """`from sim import sweep` may give this package, as importing any part of it binds its name; so it can be called."""

    def __call__(self, *arguments: Any, **named: Any) -> SweepResult:
        from sim.sweep.sweeping import sweep

        return sweep(*arguments, **named)


sys.modules[__name__].__class__ = _Package
