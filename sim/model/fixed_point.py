"""Functions in fixed point with 60 fractional bits, by integers alone: logarithm, exponential, the normal quantile.

The floating-point library functions may differ in the last digit from one platform to the next; these cannot.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Final

BITS: Final = 60
ONE: Final = 1 << BITS
"""The number 1."""

_INDEX_BITS: Final = 10
_CELLS: Final = 1 << _INDEX_BITS
_GUARD: Final = 40


def _log_table() -> tuple[int, tuple[int, ...]]:
    """Logarithms in fixed point: ln 2, and ln of the middle of each of the 1024 equal cells of [1, 2).

    Sums ``ln((k + 1) / k) = 2 atanh(1 / (2k + 1))`` for k = 2048 .. 4095, with 40 guard bits.
    """
    total = 0
    middles: list[int] = []
    for k in range(2 * _CELLS, 4 * _CELLS):
        if k & 1:
            middles.append((total + (1 << (_GUARD - 1))) >> _GUARD)
        odd = 2 * k + 1
        square = odd * odd
        power = (2 << (BITS + _GUARD)) // odd
        divisor = 1
        while power:
            total += power // divisor
            power //= square
            divisor += 2
    return (total + (1 << (_GUARD - 1))) >> _GUARD, tuple(middles)


def _exp2_table() -> tuple[int, ...]:
    """Powers 2**(i / 1024) in fixed point, for i = 0 .. 1023, from repeated square roots of 2."""
    bits = BITS + _GUARD
    root = 2 << bits
    for _ in range(_INDEX_BITS):
        root = isqrt(root << bits)
    powers: list[int] = []
    power = 1 << bits
    for _ in range(_CELLS):
        powers.append((power + (1 << (_GUARD - 1))) >> _GUARD)
        power = (power * root) >> bits
    return tuple(powers)


_LN2, _LN_MIDDLE = _log_table()
_EXP2 = _exp2_table()
# ln 2 for each bit that a number is short of 66; indexed by its bit length.
_LN2_TIMES: Final = tuple((66 - length) * _LN2 for length in range(66))
_LOG2_E: Final = (1 << (2 * BITS)) // _LN2


def minus_log(w: int) -> int:
    """Compute -ln(w / 2**65) in fixed point for w from 1 to 2**65 - 1; absolute error below 2**-55."""
    length = w.bit_length()
    # The leading 59 bits; this width and those below keep most numbers within two of Python's 30-bit digits.
    m = w >> (length - 59) if length > 59 else w << (59 - length)
    rest = (m & 0xFFFFFFFFFFFF) - 0x800000000000
    # With c the middle of the cell, ln(m / c) = 2 atanh(s), s = (m - c) / (m + c) = rest / (2m - rest); |s| < 2**-11, so
    # that the term after the cube is below 2**-56. The cube itself is small enough for a coarse and hence cheap s.
    double = (rest << 61) // (m + m - rest)
    coarse = double >> 27
    value = _LN2_TIMES[length] - _LN_MIDDLE[(m >> 48) - 1024] - double - coarse * coarse * coarse // 0x60000000000
    # Rounding may take the smallest results just below zero.
    return value if value > 0 else 0


def scaled_exp(factor: int, y: int) -> int:
    """Compute factor * exp(y), rounded to an integer, for an integer factor >= 0 and fixed-point y."""
    t = (y * _LOG2_E) >> BITS
    whole, fraction = t >> BITS, t & (ONE - 1)
    index = fraction >> (BITS - _INDEX_BITS)
    # The rest is below 2**-10.5 once times ln 2, so that the term after the cube is below 2**-46.
    g = ((fraction & ((1 << (BITS - _INDEX_BITS)) - 1)) * _LN2) >> BITS
    square = (g * g) >> BITS
    series = ONE + g + (square >> 1) + ((square * g) >> BITS) // 6
    shift = 2 * BITS - whole
    product = factor * _EXP2[index] * series
    return (product + (1 << (shift - 1))) >> shift if shift > 0 else product << -shift


def _coefficients(*pairs: tuple[str, str]) -> tuple[tuple[int, int], ...]:
    """Turn pairs of decimal texts into fixed point."""
    return tuple((round(Fraction(a) * ONE), round(Fraction(b) * ONE)) for a, b in pairs)


# Rational approximations of the normal quantile, pairs of (numerator, denominator) coefficients from the highest power
# down: M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied Statistics 37
# (1988), routine PPND16.
_CENTRE = _coefficients(
    ("2509.0809287301226727", "5226.4952788528545610"),
    ("33430.575583588128105", "28729.085735721942674"),
    ("67265.770927008700853", "39307.895800092710610"),
    ("45921.953931549871457", "21213.794301586595867"),
    ("13731.693765509461125", "5394.1960214247511077"),
    ("1971.5909503065514427", "687.18700749205790830"),
    ("133.14166789178437745", "42.313330701600911252"),
    ("3.3871328727963666080", "1"),
)
_TAIL = _coefficients(
    ("7.74545014278341407640e-4", "1.05075007164441684324e-9"),
    ("2.27238449892691845833e-2", "5.47593808499534494600e-4"),
    ("2.41780725177450611770e-1", "1.51986665636164571966e-2"),
    ("1.27045825245236838258", "1.48103976427480074590e-1"),
    ("3.64784832476320460504", "6.89767334985100004550e-1"),
    ("5.76949722146069140550", "1.67638483018380384940"),
    ("4.63033784615654529590", "2.05319162663775882187"),
    ("1.42343711074968357734", "1"),
)
_FAR_TAIL = _coefficients(
    ("2.01033439929228813265e-7", "2.04426310338993978564e-15"),
    ("2.71155556874348757815e-5", "1.42151175831644588870e-7"),
    ("1.24266094738807843860e-3", "1.84631831751005468180e-5"),
    ("2.65321895265761230930e-2", "7.86869131145613259100e-4"),
    ("2.96560571828504891230e-1", "1.48753612908506148525e-2"),
    ("1.78482653991729133580", "1.36929880922735805310e-1"),
    ("5.46378491116411436990", "5.99832206555887937690e-1"),
    ("6.65790464350110377720", "1"),
)
_CENTRE_HALF_WIDTH: Final = round(Fraction("0.425") * ONE)
_CENTRE_SQUARE: Final = round(Fraction("0.180625") * ONE)
_TAIL_START: Final = round(Fraction("1.6") * ONE)
_FAR_TAIL_START: Final = 5 * ONE


def _ratio(coefficients: tuple[tuple[int, int], ...], r: int, factor: int) -> int:
    """Evaluate factor * numerator(r) / denominator(r) in fixed point (Horner's rule)."""
    top = bottom = 0
    for a, b in coefficients:
        top = ((top * r) >> BITS) + a
        bottom = ((bottom * r) >> BITS) + b
    return factor * top // bottom


def normal_quantile(u: int) -> int:
    """Compute the standard normal quantile at (2u + 1) / 2**65 in fixed point; exactly antisymmetric about the middle."""
    doubled = 2 * u + 1 - (1 << 64)
    distance = abs(doubled)
    q = distance >> 5
    if q <= _CENTRE_HALF_WIDTH:
        z = _ratio(_CENTRE, _CENTRE_SQUARE - ((q * q) >> BITS), q)
    else:
        r = isqrt(minus_log((1 << 64) - distance) << BITS)
        z = _ratio(_TAIL, r - _TAIL_START, ONE) if r <= _FAR_TAIL_START else _ratio(_FAR_TAIL, r - _FAR_TAIL_START, ONE)
    return z if doubled > 0 else -z
