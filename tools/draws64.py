"""Keyed draws with the processor's own 64-bit numbers, in the copy of the package that is compiled (`compile.py`).

In Python a draw is some ten operations on integers of any size, each of which makes an object. mypyc has `i64`, whose sums and
products are those of C: modulo 2**64, but signed. Here `sim/model/draws.py` gets functions of that kind, which give the same values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

MODULE: Final = Path("sim", "model", "draws.py")


def _signed(z: int) -> int:
    """The signed number of the same 64 bits."""
    return z - (1 << 64) if z >> 63 else z


_FUNCTIONS: Final = f'''
def _signed(z: int) -> i64:
    """The number of the same 64 bits, for one from 0 to 2**64 - 1."""
    return z - 0x10000000000000000 if z > 0x7FFFFFFFFFFFFFFF else z


def _unsigned(z: i64) -> int:
    found: int = z
    return found + 0x10000000000000000 if found < 0 else found


def _mixed(z: i64) -> i64:
    z = (z ^ ((z >> 30) & 0x3FFFFFFFF)) * {_signed(0xBF58476D1CE4E5B9)}
    z = (z ^ ((z >> 27) & 0x1FFFFFFFFF)) * {_signed(0x94D049BB133111EB)}
    return z ^ ((z >> 31) & 0x1FFFFFFFF)


def _gamma_of(z: i64) -> i64:
    z = (z ^ ((z >> 33) & 0x7FFFFFFF)) * {_signed(0xFF51AFD7ED558CCD)}
    z = (z ^ ((z >> 33) & 0x7FFFFFFF)) * {_signed(0xC4CEB9FE1A85EC53)}
    z = (z ^ ((z >> 33) & 0x7FFFFFFF)) | 1
    left = z ^ ((z >> 1) & 0x7FFFFFFFFFFFFFFF)
    bits: i64 = 0
    while left:
        left &= left - 1
        bits += 1
    return z ^ {_signed(0xAAAAAAAAAAAAAAAA)} if bits < 24 else z

'''
"""What is shifted to the right is cut off on its left, where C repeats the sign."""

CHANGES: Final = (
    ("import numpy as np\n", "import numpy as np\nfrom mypy_extensions import i64\n"),
    ("\ndef mix64(z: int)", f"{_FUNCTIONS}\ndef mix64(z: int)"),
    ("    return mix64((key + ordinal * _mix_gamma(key)) & _MASK)\n",
     "    start = _signed(key)\n    return _unsigned(_mixed(start + _signed(ordinal) * _gamma_of(start)))\n"),
    ('__slots__ = ("_block", "_gamma", "_key", "_made")', '__slots__ = ("_block", "_gamma", "_key", "_made", "_start", "_step")'),
    ("        self._gamma = _mix_gamma(key)\n",
     "        self._start: i64 = _signed(key)\n        self._step: i64 = _gamma_of(self._start)\n"
     "        self._gamma = _unsigned(self._step)\n"),
    ("            return mix64((self._key + made * self._gamma) & _MASK)\n",
     "            return _unsigned(_mixed(self._start + made * self._step))\n"),
)  # fmt: skip
"""Passages of the module, and what they become."""


def with_machine_numbers(text: str) -> str:
    """The module's source with these functions. Raises SystemExit when a passage is not in it as expected."""
    for old, new in CHANGES:
        if text.count(old) != 1:
            raise SystemExit(f"{MODULE}: expected {old!r} once, found it {text.count(old)} times; tools/draws64.py has to follow")
        text = text.replace(old, new)
    return text
