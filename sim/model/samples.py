"""The successive samples of one law from one stream of draws, made by blocks.

Delays are drawn for every message: a law is evaluated for a block of draws at once, and what waits to be used is kept
in 4 bytes a sample where it fits (up to 71 minutes), since a run with a thousand workers has tens of thousands of streams.
"""

from __future__ import annotations

from array import array
from typing import Final

import numpy as np
import numpy.typing as npt

from sim.model.draws import DRAW_BITS, SCALAR_DRAWS, Stream
from sim.model.laws import Law, Uniform

_HALF = np.uint64(DRAW_BITS // 2)
_LOW = np.uint64((1 << (DRAW_BITS // 2)) - 1)
_NARROW = 1 << 32

_NOTHING: Final = array("I")
"""What is ready where nothing is: one for all, for nobody changes it."""

LARGEST_BLOCK = 256
"""A block this large takes 1 kB, and hardly more time than one of half its size."""


class Samples:
    """Samples of `law`, microseconds; they are the same as those of one draw after the other."""

    __slots__ = ("_law", "_stream", "ready")

    def __init__(self, stream: Stream, law: Law) -> None:
        """Take over a stream before its first draw."""
        self._stream = stream
        self._law = law
        self.ready: array[int] = _NOTHING
        """Samples that were made and not used, the next one last; `more` gives one when there is none."""

    @property
    def drawn(self) -> int:
        """How many samples were used, which is the ordinal of the latest."""
        return self._stream.drawn - len(self.ready)

    def more(self) -> int:
        """The next sample, when none is ready: makes a block, after the first few."""
        law, stream = self._law, self._stream
        if stream.drawn < SCALAR_DRAWS:
            return law.sample(stream.next())
        draws = stream.take(LARGEST_BLOCK)
        if type(law) is Uniform and law.hi < _NARROW - 1:
            self.ready = array("I", _uniform(law, draws).astype(np.uint32).tobytes())
        else:
            values = [law.sample(u) for u in draws.tolist()]
            self.ready = array("I" if max(values) < _NARROW else "q", values)
        return self.ready.pop()


def _uniform(law: Uniform, draws: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """`law.sample` of each draw: the upper 64 bits of a product of 64 by 32 bits, from two products of 32 by 32 bits."""
    span = np.uint64(law.hi - law.lo + 1)
    upper = (draws >> _HALF) * span
    lower = ((draws & _LOW) * span) >> _HALF
    return ((upper + lower) >> _HALF) + np.uint64(law.lo)
