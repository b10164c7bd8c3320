"""Keyed random draws: every random number has a name, and its value depends on that name alone.

A draw is a 64-bit unsigned integer fixed by four keys: the seed, the purpose (what it decides), the entity (for whom)
and the ordinal (the how-manieth of its stream, counted from 1). Drawing more or fewer numbers elsewhere therefore
never changes it, so two runs that differ in one setting still share all the other randomness.

The generator is SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014) read as a counter-based generator in the sense of Salmon et al., "Parallel random numbers: as easy as
1, 2, 3", SC 2011: ``value = mix64(key + ordinal * gamma)`` modulo 2**64. The key is a BLAKE2b hash of the seed,
purpose and entity; gamma is the paper's ``mixGamma(key)``, so that two streams are not shifted copies of one sequence.
``mix64`` uses the constants of D. Stafford's variant 13. Everything is integer arithmetic: the values are the same on
every platform, Python and numpy version, and do not depend on PYTHONHASHSEED.
"""

from __future__ import annotations

from array import array
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt

DRAW_BITS: Final = 64
"""Width of a draw in bits; draws lie in ``0 .. 2**DRAW_BITS - 1``."""

NO_CHANCE: Final = -1
"""The seed of runs without chance, in the default schedule: every law gives its median, of several options the first is taken."""

MIDDLE: Final = 1 << (DRAW_BITS - 1)
"""The draw at which a law gives its median."""

_MASK: Final = (1 << DRAW_BITS) - 1
_MIX_A: Final = 0xBF58476D1CE4E5B9
_MIX_B: Final = 0x94D049BB133111EB
_GAMMA_A: Final = 0xFF51AFD7ED558CCD
_GAMMA_B: Final = 0xC4CEB9FE1A85EC53

SCALAR_DRAWS: Final = 64
"""Most entities draw only a few numbers, for which a block would cost more time and memory than it saves: a block is made in the
time of some twenty draws, or more where nothing of it is in the processor's caches, however many it has."""
_NOTHING: Final = array("Q")
"""What streams hold that have prepared nothing: one for all, for nobody changes it."""
_LARGEST_BLOCK: Final = 128

# Typed once: mixing Python integers with uint64 arrays follows different promotion rules in numpy 1 and 2.
_NP_MIX_A: Final = np.uint64(_MIX_A)
_NP_MIX_B: Final = np.uint64(_MIX_B)
_NP_30: Final = np.uint64(30)
_NP_27: Final = np.uint64(27)
_NP_31: Final = np.uint64(31)


def mix64(z: int) -> int:
    """Scramble a 64-bit integer into another, one to one (Steele, Lea, Flood 2014; Stafford's variant 13)."""
    z = ((z ^ (z >> 30)) * _MIX_A) & _MASK
    z = ((z ^ (z >> 27)) * _MIX_B) & _MASK
    return z ^ (z >> 31)


def _mix_gamma(z: int) -> int:
    """Derive an odd 64-bit increment with well-mixed bits from a 64-bit key (Steele, Lea, Flood 2014)."""
    z = ((z ^ (z >> 33)) * _GAMMA_A) & _MASK
    z = ((z ^ (z >> 33)) * _GAMMA_B) & _MASK
    z = (z ^ (z >> 33)) | 1
    # Too regular a bit pattern makes a weak increment; the paper's remedy flips every other bit.
    return z ^ 0xAAAAAAAAAAAAAAAA if (z ^ (z >> 1)).bit_count() < 24 else z


@lru_cache(maxsize=4096)
def _prefixed(text: str) -> bytes:
    """Encode text as UTF-8 behind its length in bytes (8 bytes, little endian), so that joined keys stay distinct."""
    data = text.encode("utf-8")
    return len(data).to_bytes(8, "little") + data


def _stream_key(head: bytes, entity: str) -> int:
    """Hash the encoded seed and purpose (``head``) and the entity into a 64-bit stream key."""
    return int.from_bytes(blake2b(head + _prefixed(entity), digest_size=8).digest(), "little")


@lru_cache(maxsize=256)
def _head(seed: int, purpose: str) -> bytes:
    """Encode the keys that many streams share."""
    return _prefixed(str(seed)) + _prefixed(purpose)


def _at(key: int, ordinal: int) -> int:
    """The draw with this ordinal of the stream with this key."""
    return mix64((key + ordinal * _mix_gamma(key)) & _MASK)


def _check_ordinal(ordinal: int) -> None:
    """Raise ValueError unless ``ordinal`` is from 1 to 2**64 - 1 (beyond which draws would repeat)."""
    if not 1 <= ordinal <= _MASK:
        raise ValueError(f"ordinal {ordinal} is out of range; expected 1 to {_MASK}, such as 1 for the first draw of a stream")


def draw(seed: int, purpose: str, entity: str, ordinal: int) -> int:
    """Give the draw with these four keys.

    Args:
        seed: any integer.
        purpose: what the number decides, for example ``"service-time"``.
        entity: for whom, for example ``"server-3"``.
        ordinal: which draw of this purpose and entity, counted from 1.

    Returns:
        An integer from 0 to 2**64 - 1, uniformly distributed over the keys.

    Raises:
        ValueError: the ordinal is out of range, or a text cannot be written as UTF-8.
    """
    _check_ordinal(ordinal)
    return _at(_stream_key(_head(seed, purpose), entity), ordinal)


class Stream:
    """The successive draws of one purpose and entity.

    A stream that has given more than a few draws holds a block of up to 128 prepared values (1 kB). Whoever turns all
    draws of a stream into samples of one law takes them by blocks (`samples.py`).
    """

    __slots__ = ("_block", "_gamma", "_key", "_made")

    def __init__(self, key: int) -> None:
        """Start before the first draw of the stream with this 64-bit key."""
        self._key = key
        self._gamma = _mix_gamma(key)
        self._made = 0
        # 8 bytes a draw that waits: a run with a thousand workers has tens of thousands of streams.
        self._block: array[int] = _NOTHING

    @property
    def drawn(self) -> int:
        """How many draws :meth:`next` has given, which is the ordinal of the latest."""
        return self._made - len(self._block)

    def next(self) -> int:
        """Give the next draw, an integer from 0 to 2**64 - 1; prepares a block once the stream proves busy."""
        if self._block:
            return self._block.pop()
        made = self._made
        if made < SCALAR_DRAWS:
            self._made = made = made + 1
            return mix64((self._key + made * self._gamma) & _MASK)
        self._block = array("Q", self.take().tobytes())
        return self._block.pop()

    def at(self, ordinal: int) -> int:
        """Give the draw with this ordinal (from 1), without moving the stream; ValueError when out of range."""
        _check_ordinal(ordinal)
        return mix64((self._key + ordinal * self._gamma) & _MASK)

    def take(self, most: int = _LARGEST_BLOCK) -> npt.NDArray[np.uint64]:
        """Give the next draws all at once, the last one first: as many as before, up to `most`.

        For a stream that has no prepared ones; after the first `SCALAR_DRAWS`, to be taken one by one.
        """
        made = self._made
        size = min(most, made)
        # Highest ordinal first, because taking from the end of a list is the cheap side.
        z = np.arange(made + size, made, -1, dtype=np.uint64)
        z *= np.uint64(self._gamma)
        z += np.uint64(self._key)
        z ^= z >> _NP_30
        z *= _NP_MIX_A
        z ^= z >> _NP_27
        z *= _NP_MIX_B
        z ^= z >> _NP_31
        self._made = made + size
        return z


class MiddleStream(Stream):
    """A stream all of whose draws are `MIDDLE`: whoever samples a law with it gets the law's median, every time."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(0)

    def next(self) -> int:
        """Give `MIDDLE`."""
        self._made += 1
        return MIDDLE

    def at(self, ordinal: int) -> int:
        """Give `MIDDLE`; ValueError when the ordinal is out of range."""
        _check_ordinal(ordinal)
        return MIDDLE

    def take(self, most: int = _LARGEST_BLOCK) -> npt.NDArray[np.uint64]:
        """Give the next draws all at once."""
        self._made += most
        return np.full(most, MIDDLE, dtype=np.uint64)


class Draws:
    """The streams of one run: every draw with this ``seed`` (any integer; `NO_CHANCE` for streams without chance)."""

    __slots__ = ("_heads", "seed")

    def __init__(self, seed: int) -> None:
        self.seed: Final = seed
        # Few purposes, many entities: what the streams of a purpose share is encoded once.
        self._heads: dict[str, bytes] = {}

    def stream(self, purpose: str, entity: str) -> Stream:
        """Give a new stream of this purpose and entity, before its first draw; the caller keeps it.

        Raises:
            ValueError: a text cannot be written as UTF-8.
        """
        if self.seed == NO_CHANCE:
            return MiddleStream()
        head = self._heads.get(purpose)
        if head is None:
            head = self._heads[purpose] = _head(self.seed, purpose)
        return Stream(_stream_key(head, entity))
