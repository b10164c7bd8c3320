"""Python's collector of cycles, which looks at everything that is alive again and again where much is and little of it is garbage."""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

NEVER: Final = 1 << 30
"""So many rounds that none comes: what outlives one round of the collector is not looked at again."""
WITH_TABLES: Final = (100_000, NEVER, NEVER)
"""For searches. Tables are never garbage; what handlers leave in cycles, executions and a watcher's scene, is new: 1 kB for each call."""


@contextmanager
def seldom_collected(after: tuple[int, int, int]) -> Iterator[None]:
    """Let the collector wait for this many new objects, and so many rounds before older ones; what was set comes back.

    Where it waits longer already, for somebody further out, it goes on to.
    """
    before = gc.get_threshold()
    if 0 < before[0] < after[0]:
        gc.set_threshold(*after)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def kept() -> Iterator[None]:
    """While tables are made that are there until the program ends: nobody need look at all of them when it goes on with something else."""
    with seldom_collected(WITH_TABLES):
        try:
            yield
        finally:
            # All that is there counts as old, without being looked at.
            gc.freeze()
            gc.unfreeze()


def not_collected_at_the_end() -> None:
    """Let this process end without a last look for cycles: all of its memory is given back anyway, and a large search leaves so many
    objects that looking at them takes a third of the time of the search."""
    atexit.register(gc.freeze)


def resident() -> int:
    """Bytes of memory that this process has in use, 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
