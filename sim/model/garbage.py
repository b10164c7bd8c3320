"""Python's collector of cycles, which looks at everything that is alive again and again where much is and little of it is garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def seldom_collected(after: tuple[int, int, int]) -> Iterator[None]:
    """Let the collector wait for this many new objects, and so many rounds before older ones; what was set comes back."""
    before = gc.get_threshold()
    if before[0]:
        gc.set_threshold(max(before[0], after[0]), *after[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
