"""How far a search of `session-sim check` is, while it goes on, and how it is interrupted."""

from __future__ import annotations

import signal
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from rich.text import Text

from sim.cli.output import to_side

if TYPE_CHECKING:
    from sim.checker.progress import Progress

GIB = 1 << 30
EVERY_S = 0.2
LOADING = "loading the compiled search (the first time it is compiled: up to a minute)"


class Watch:
    """A line that says how far the search is, where somebody looks at a terminal; and Ctrl-C.

    That ends a search between two of its rounds, with what it has found. Pressed once more it ends the command at once.
    """

    def __init__(self) -> None:
        self.console = to_side()
        self.began = self.last = 0.0
        self.interrupted = False
        self.before: Any = None
        """Who was told of Ctrl-C before."""
        self.status: Any = None
        if self.console.is_terminal:
            self.status = self.console.status(LOADING)
            self.status.start()

    def __call__(self, progress: Progress) -> None:
        now = monotonic()
        if not self.began:
            # Kernels are there.
            self.began = self.last = now
            self._take_interrupts()
        if self.interrupted:
            from sim.checker.intern import Overflow

            raise Overflow("interrupted")
        if self.status is None or now - self.last < EVERY_S:
            return
        self.last = now
        rate = progress.states / max(now - self.began, 1e-9)
        self.status.update(Text(told(progress, rate), no_wrap=True, overflow="ellipsis"))

    def _take_interrupts(self) -> None:
        with suppress(ValueError):  # only a program's main thread is told
            self.before = signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, *_: object) -> None:
        self.interrupted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def stop(self) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)
        if self.status is not None:
            self.status.stop()


def told(progress: Progress, rate: float) -> str:
    """How far a search is, what matters most first: a line that is too long loses its end."""
    seen = f"{progress.states:,} states · {rate:,.0f}/s · {_left(progress, rate)}"
    return f"{seen} · depth {progress.depth} · {progress.waiting:,} waiting"


def _left(progress: Progress, rate: float) -> str:
    """How much memory is used, and about how long the rest takes, by how layers grow and shrink."""
    memory = f"{progress.memory / GIB:.1f} of {progress.memory_limit / GIB:.1f} GiB"
    states = progress.states_to_come()
    return f"{memory}, still growing" if states is None else f"{memory}, about {states / max(rate, 1e-9):,.0f} s left"
