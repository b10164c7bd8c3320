"""A way of the checker told once more at given times, to the observers that judge simulations.

A clock that moves in ticks is coarse: a promise about a length of time may be broken by ticks and by no clock. Whether some
clock breaks it is seen at the times that are as far apart, and as close together, as timers allow (`sim.trace.times.extremes`).
"""

from __future__ import annotations

from collections.abc import Sequence

from sim.model.instant import Way
from sim.properties.base import Property, Setting, VerdictKind
from sim.properties.emitter import Emitter
from sim.properties.judge import Judge


def is_broken(promise: Property, setting: Setting, ways: Sequence[Way], at: Sequence[int]) -> bool:
    """Whether a promise is broken by what could be observed in these steps, which happen at these times (microseconds)."""
    emitter, judge = Emitter(), Judge(setting, [promise])
    judge.attach(emitter)
    for way, time in zip(ways, at, strict=True):
        for micro in way:
            for observation in micro.outcome.seen if micro.outcome is not None else ():
                emitter.emit(time, micro.node, observation)
    return judge.finish(at[-1] if at else 0)[promise.name].kind is VerdictKind.BROKEN
