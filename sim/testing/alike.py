"""While a failing run is made smaller, it has to go on failing for the same reason, and not because nobody is left to do the work.

The framework's promises and the duties of workflow code say precisely what is broken. A check of a test may fail in several
ways, and an end can be demanded of workflows only where all that was done to the cluster was undone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sim.properties import DEMANDS, KNOWN
from sim.properties.base import Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.protocol import observations as obs

_NUMBER: Final = re.compile(r"[-.]?\d+")
_UNDONE: Final = {"start": "gone", "unfreeze": "frozen", "release": "held", "server_up": "down"}
_DONE: Final = {"kill": "gone", "lose_machine": "gone", "exit": "gone", "freeze": "frozen", "hold": "held", "server_down": "down"}


def reason(message: str) -> str:
    """What two failures of one kind have in common: the first line, without its numbers."""
    return _NUMBER.sub("", message.partition("\n")[0])


def alike(one: Property, message: str) -> Property:
    """The property in whose place to shrink a run that broke `one` with this message."""
    if one.name in DEMANDS:
        return _where(one, lambda said: True)
    if one.name not in KNOWN:
        return _where(one, lambda said: reason(said) == reason(message))
    return one


def _where(one: Property, fits: Callable[[str], bool]) -> Property:
    """The property, broken only by violations that fit, in runs in the end of which all that was done is undone."""
    observer = type("_Alike", (_Alike,), {"inner": one, "fits": staticmethod(fits)})
    return replace(one, observer=observer, needs=tuple(dict.fromkeys((*one.needs, obs.FaultHappened))))


class _Alike(Observer):
    """Lets another observer watch."""

    inner: Property
    fits: Callable[[str], bool]

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._watches = self.inner.observer(setting, scene, epsilon)
        self._wrong: dict[tuple[str, str], bool] = {}
        """What is done to whom, and not undone."""

    def listeners(self) -> Mapping[type, Listener]:
        theirs: dict[type, Listener] = dict(self._watches.listeners())
        other = theirs.get(obs.FaultHappened)

        def both(time: int, node: str, fault: Any) -> None:
            self._fault(fault)
            if other is not None:
                other(time, node, fault)

        return {**theirs, obs.FaultHappened: both}

    def _fault(self, fault: obs.FaultHappened) -> None:
        what = _DONE.get(fault.kind) or _UNDONE.get(fault.kind)
        ways = ("up", "down") if fault.detail == "both" else (fault.detail,)
        for way in ways if what == "held" else ("",):
            if what is not None:
                self._wrong[fault.target, f"{what} {way}"] = fault.kind in _DONE

    def finish(self, time: int) -> None:
        self._watches.finish(time)
        self.exercised = self._watches.exercised
        if not any(self._wrong.values()):
            self.violations = [violation for violation in self._watches.violations if self.fits(violation.message)]
            self.broken = len(self.violations)
