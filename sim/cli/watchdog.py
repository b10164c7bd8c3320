"""Ends workflow code that does not come to an end: `while True: pass` would otherwise hang the command without a word.

The model is Temporal's own detector of deadlocks (TMPRL1101). A timer of the operating system interrupts the command twice a
second, and the call of workflow code that is under way is looked up on the stack: calls themselves are not slowed, and
nothing of it reaches a run, whose workflow tasks take microseconds.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time
from types import FrameType
from typing import Final

from sim.cli.exits import Exit
from sim.workflow.containment import NeverGivesWay, call_in, place_in

EVERY: Final = 0.5
"""Seconds between two looks."""
COMPUTING: Final = 2.0
"""Seconds of the processor's time that one workflow task may take."""
WAITING: Final = 20
"""Looks that one workflow task may last, whatever it does: 10 seconds. A program that was stopped does not look."""
WARNINGS: Final = 3
"""Code that catches everything is told so often; then the command ends."""


class Watchdog:
    """What it saw when it looked last."""

    def __init__(self) -> None:
        self._call: FrameType | None = None
        self._looks = 0
        self._since = 0.0
        self._warned = 0

    def look(self, number: int, frame: FrameType | None) -> None:
        """The handler of the signal. Raises NeverGivesWay in the code that was interrupted."""
        call = call_in(frame)
        if call is None or frame is None or call is not self._call:
            # Keeping the frame keeps it from becoming another call's.
            self._call, self._looks, self._since, self._warned = call, 0, process_time(), 0
            return
        self._looks += 1
        used = process_time() - self._since
        if used < COMPUTING and self._looks < WAITING:
            return
        how_long = f"for {max(used, self._looks * EVERY):.0f} seconds"
        self._warned += 1
        if self._warned > WARNINGS:
            _end(f"error: {place_in(call, frame)}: the code has not given way {how_long}, and catches every exception")
        raise NeverGivesWay(how_long)


def _end(message: str) -> None:
    """Nothing that is raised would come through."""
    sys.stdout.flush()
    print(message, file=sys.stderr, flush=True)
    os._exit(int(Exit.WRONG_INPUT))


def begin(_: object = None) -> None:
    """Watch over workflow code from now on: in processes that only run jobs."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, Watchdog().look)
        signal.setitimer(signal.ITIMER_REAL, EVERY, EVERY)


@contextmanager
def watched() -> Iterator[None]:
    """Watch over workflow code, where the operating system has such timers and this is the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, Watchdog().look)
    signal.setitimer(signal.ITIMER_REAL, EVERY, EVERY)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
