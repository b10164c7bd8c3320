"""Probability laws as integer transforms of one 64-bit draw.

``law.sample(u)`` reads a draw ``u`` as the probability ``p = (2u + 1) / 2**65``, the middle of its cell, and returns
the quantile of the law at ``p``, rounded to whole microseconds. Only integer arithmetic is used: logarithm, exponential
and the normal quantile are computed in fixed point with 60 fractional bits, because the floating-point library functions
may differ in the last digit from one platform to the next.

Accuracy before rounding, for p from 1e-9 to 1 - 1e-9: relative error below 1e-8 for the exponential and below
1e-12 times max(1, sigma) for the log-normal law; both hold with a margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Final, Protocol, runtime_checkable

from sim.model.durations import format_duration

_DRAW_BITS: Final = 64
_LARGEST_DRAW: Final = (1 << _DRAW_BITS) - 1
_BITS: Final = 60
_ONE: Final = 1 << _BITS
_INDEX_BITS: Final = 10
_CELLS: Final = 1 << _INDEX_BITS
_GUARD: Final = 40
_LARGEST_SIGMA_MILLI: Final = 10_000


@runtime_checkable
class Law(Protocol):
    """A probability law of a duration."""

    def sample(self, u: int) -> int:
        """Turn one draw, from 0 to 2**64 - 1, into microseconds, at least 0."""
        ...

    def bounds(self) -> tuple[int, int | None]:
        """Smallest and largest value in microseconds that a draw can give; None where no largest one is known."""
        ...

    def mean(self) -> float:
        """Expected value in microseconds, before rounding to whole microseconds."""
        ...

    def describe(self) -> str:
        """Say in a few words what the law is, for example ``exponential, mean 20s``."""
        ...


# --- Fixed-point functions -------------------------------------------------------------------------------------------


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
        power = (2 << (_BITS + _GUARD)) // odd
        divisor = 1
        while power:
            total += power // divisor
            power //= square
            divisor += 2
    return (total + (1 << (_GUARD - 1))) >> _GUARD, tuple(middles)


def _exp2_table() -> tuple[int, ...]:
    """Powers 2**(i / 1024) in fixed point, for i = 0 .. 1023, from repeated square roots of 2."""
    bits = _BITS + _GUARD
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
_LOG2_E: Final = (1 << (2 * _BITS)) // _LN2


def _minus_log(w: int) -> int:
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


def _scaled_exp(factor: int, y: int) -> int:
    """Compute factor * exp(y), rounded to an integer, for an integer factor >= 0 and fixed-point y."""
    t = (y * _LOG2_E) >> _BITS
    whole, fraction = t >> _BITS, t & (_ONE - 1)
    index = fraction >> (_BITS - _INDEX_BITS)
    # The rest is below 2**-10.5 once times ln 2, so that the term after the cube is below 2**-46.
    g = ((fraction & ((1 << (_BITS - _INDEX_BITS)) - 1)) * _LN2) >> _BITS
    square = (g * g) >> _BITS
    series = _ONE + g + (square >> 1) + ((square * g) >> _BITS) // 6
    shift = 2 * _BITS - whole
    product = factor * _EXP2[index] * series
    return (product + (1 << (shift - 1))) >> shift if shift > 0 else product << -shift


def _coefficients(*pairs: tuple[str, str]) -> tuple[tuple[int, int], ...]:
    """Turn pairs of decimal texts into fixed point."""
    return tuple((round(Fraction(a) * _ONE), round(Fraction(b) * _ONE)) for a, b in pairs)


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
_CENTRE_HALF_WIDTH: Final = round(Fraction("0.425") * _ONE)
_CENTRE_SQUARE: Final = round(Fraction("0.180625") * _ONE)
_TAIL_START: Final = round(Fraction("1.6") * _ONE)
_FAR_TAIL_START: Final = 5 * _ONE
_NORMAL_P95: Final = Fraction("1.6448536269514722")


def _ratio(coefficients: tuple[tuple[int, int], ...], r: int, factor: int) -> int:
    """Evaluate factor * numerator(r) / denominator(r) in fixed point (Horner's rule)."""
    top = bottom = 0
    for a, b in coefficients:
        top = ((top * r) >> _BITS) + a
        bottom = ((bottom * r) >> _BITS) + b
    return factor * top // bottom


def _normal_quantile(u: int) -> int:
    """Compute the standard normal quantile at (2u + 1) / 2**65 in fixed point; exactly antisymmetric about the middle."""
    doubled = 2 * u + 1 - (1 << 64)
    distance = abs(doubled)
    q = distance >> 5
    if q <= _CENTRE_HALF_WIDTH:
        z = _ratio(_CENTRE, _CENTRE_SQUARE - ((q * q) >> _BITS), q)
    else:
        r = isqrt(_minus_log((1 << 64) - distance) << _BITS)
        z = _ratio(_TAIL, r - _TAIL_START, _ONE) if r <= _FAR_TAIL_START else _ratio(_FAR_TAIL, r - _FAR_TAIL_START, _ONE)
    return z if doubled > 0 else -z


# --- Laws ------------------------------------------------------------------------------------------------------------


def _check(law: str, field: str, value: object, least: int | None, example: str) -> None:
    """Raise TypeError unless ``value`` is an int, ValueError when it is below ``least``."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{law}: {field} is {value!r}; expected an integer, such as {example}")
    if least is not None and value < least:
        raise ValueError(f"{law}: {field} is {value}; expected at least {least}, such as {example}")


@dataclass(frozen=True, slots=True)
class Constant:
    """Always ``us`` microseconds (>= 0). Errors: ValueError or TypeError for other values."""

    us: int

    def __post_init__(self) -> None:
        _check("Constant", "us", self.us, 0, "Constant(us=20_000_000)")

    def sample(self, u: int) -> int:
        """Microseconds; the draw ``u`` does not matter."""
        return self.us

    def bounds(self) -> tuple[int, int | None]:
        """The value twice, in microseconds."""
        return self.us, self.us

    def mean(self) -> float:
        """The value in microseconds."""
        return float(self.us)

    def describe(self) -> str:
        """For example ``constant 20s``."""
        return f"constant {format_duration(self.us)}"


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every whole microsecond from ``lo`` to ``hi``, both included, alike. Errors: ValueError unless 0 <= lo <= hi."""

    lo: int
    hi: int

    def __post_init__(self) -> None:
        _check("Uniform", "lo", self.lo, 0, "Uniform(lo=1_000_000, hi=3_000_000)")
        _check("Uniform", "hi", self.hi, self.lo, "Uniform(lo=1_000_000, hi=3_000_000)")

    def sample(self, u: int) -> int:
        """Microseconds for the draw ``u``; rises with it."""
        lo = self.lo
        return lo + ((u * (self.hi - lo + 1)) >> 64)

    def bounds(self) -> tuple[int, int | None]:
        """``lo`` and ``hi`` in microseconds."""
        return self.lo, self.hi

    def mean(self) -> float:
        """Middle of the range in microseconds."""
        return (self.lo + self.hi) / 2

    def describe(self) -> str:
        """For example ``uniform, 1s to 3s``."""
        return f"uniform, {format_duration(self.lo)} to {format_duration(self.hi)}"


@dataclass(frozen=True, slots=True)
class Exponential:
    """Exponential law with a mean of ``mean_us`` microseconds (>= 1). Errors: ValueError or TypeError for other values."""

    mean_us: int

    def __post_init__(self) -> None:
        _check("Exponential", "mean", self.mean_us, 1, "Exponential(20_000_000); use Constant(0) for no time at all")

    def sample(self, u: int) -> int:
        """Microseconds for the draw ``u``; rises with it."""
        return (self.mean_us * _minus_log(0x1FFFFFFFFFFFFFFFF - u - u) + 0x800000000000000) >> 60

    def bounds(self) -> tuple[int, int | None]:
        """0 and the value for the largest draw, about 45 means, in microseconds."""
        return 0, self.sample(_LARGEST_DRAW)

    def mean(self) -> float:
        """Mean in microseconds."""
        return float(self.mean_us)

    def describe(self) -> str:
        """For example ``exponential, mean 20s``."""
        return f"exponential, mean {format_duration(self.mean_us)}"


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Log-normal law: ``median`` microseconds (>= 1) times exp(sigma * Z), Z standard normal.

    ``sigma_milli`` is sigma in thousandths, from 0 to 10,000. Errors: ValueError or TypeError for other values.
    """

    median: int
    sigma_milli: int

    def __post_init__(self) -> None:
        _check("LogNormal", "median", self.median, 1, "LogNormal(median=1_000_000, sigma_milli=500)")
        _check("LogNormal", "sigma_milli", self.sigma_milli, 0, "LogNormal(median=1_000_000, sigma_milli=500)")
        if self.sigma_milli > _LARGEST_SIGMA_MILLI:
            raise ValueError(
                f"LogNormal: sigma_milli is {self.sigma_milli}; expected at most {_LARGEST_SIGMA_MILLI} (sigma in thousandths), "
                "such as 500 for a sigma of 0.5"
            )

    @classmethod
    def from_p95(cls, median: int, p95: int) -> LogNormal:
        """Make the law with this median and 95th percentile, in microseconds.

        Sigma is rounded to thousandths, so the percentile is met within 0.1 %.

        Raises:
            ValueError: unless 1 <= median <= p95, or sigma would exceed 10.
        """
        _check("LogNormal.from_p95", "median", median, 1, "median=1_000_000, p95=3_000_000")
        _check("LogNormal.from_p95", "p95", p95, median, "median=1_000_000, p95=3_000_000")
        # Both logarithms are taken of numbers below 2**65, in the same fixed point; longer ones keep their first 64 bits.
        spare = max(0, p95.bit_length() - 64)
        log_ratio = Fraction(_minus_log(max(1, median >> spare)) - _minus_log(p95 >> spare), _ONE)
        return cls(median, round(1000 * log_ratio / _NORMAL_P95))

    def sample(self, u: int) -> int:
        """Microseconds for the draw ``u``; rises with it."""
        return _scaled_exp(self.median, self.sigma_milli * _normal_quantile(u) // 1000)

    def bounds(self) -> tuple[int, int | None]:
        """Values for the smallest and the largest draw (9.1 standard deviations out), in microseconds."""
        return self.sample(0), self.sample(_LARGEST_DRAW)

    def mean(self) -> float:
        """Mean, which is median * exp(sigma**2 / 2), in microseconds."""
        return _scaled_exp(self.median << 32, (self.sigma_milli * self.sigma_milli * _ONE) // 2_000_000) / (1 << 32)

    def describe(self) -> str:
        """For example ``log-normal, median 1s, sigma 0.5``."""
        whole, thousandths = divmod(self.sigma_milli, 1000)
        sigma = f"{whole}.{thousandths:03d}".rstrip("0").rstrip(".")
        return f"log-normal, median {format_duration(self.median)}, sigma {sigma}"


@dataclass(frozen=True, slots=True)
class Empirical:
    """One of the observed ``values`` in microseconds (each >= 0), all alike; repeated values count repeatedly.

    The values are kept sorted, so that larger draws give larger values and the order of observation does not matter.
    With ``interpolate`` the law runs continuously from the smallest to the largest value, straight between neighbours.
    Errors: ValueError for no values or a negative one, TypeError for one that is not an integer.
    """

    values: tuple[int, ...]
    interpolate: bool = False

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("Empirical: values is empty; expected at least one duration in microseconds, such as (1_000_000, 3_000_000)")
        for value in self.values:
            _check("Empirical", "a value", value, 0, "Empirical((1_000_000, 3_000_000))")
        object.__setattr__(self, "values", tuple(sorted(self.values)))

    def sample(self, u: int) -> int:
        """Microseconds for the draw ``u``; rises with it."""
        values = self.values
        if not self.interpolate or len(values) == 1:
            return values[(u * len(values)) >> 64]
        position = u * (len(values) - 1)
        index = position >> 64
        low = values[index]
        return low + (((values[index + 1] - low) * (position & _LARGEST_DRAW) + (1 << 63)) >> 64)

    def bounds(self) -> tuple[int, int | None]:
        """Smallest and largest of the values in microseconds."""
        return self.values[0], self.values[-1]

    def mean(self) -> float:
        """Mean of the values, or of the interpolated law, in microseconds."""
        values = self.values
        if not self.interpolate or len(values) == 1:
            return sum(values) / len(values)
        return (2 * sum(values) - values[0] - values[-1]) / (2 * (len(values) - 1))

    def describe(self) -> str:
        """For example ``empirical, 12 values from 1s to 4s``."""
        values = self.values
        if len(values) == 1:
            return f"empirical, 1 value, {format_duration(values[0])}"
        between = ", interpolated" if self.interpolate else ""
        return f"empirical, {len(values)} values from {format_duration(values[0])} to {format_duration(values[-1])}{between}"


@dataclass(frozen=True, slots=True)
class Shifted:
    """``law`` plus ``by`` microseconds. ``by`` may be negative as long as no value does: ValueError otherwise."""

    by: int
    law: Law

    def __post_init__(self) -> None:
        _check("Shifted", "by", self.by, None, "Shifted(by=1_000_000, law=Exponential(20_000_000))")
        least = self.law.bounds()[0]
        if least + self.by < 0:
            raise ValueError(
                f"Shifted: by is {self.by} but the law ({self.law.describe()}) goes down to {least}; "
                f"expected at least {-least}, such as Shifted(by=1_000_000, law=Exponential(20_000_000))"
            )

    def sample(self, u: int) -> int:
        """Microseconds for the draw ``u``."""
        return self.by + self.law.sample(u)

    def bounds(self) -> tuple[int, int | None]:
        """Bounds of the law, shifted, in microseconds."""
        lo, hi = self.law.bounds()
        return lo + self.by, None if hi is None else hi + self.by

    def mean(self) -> float:
        """Mean of the law, shifted, in microseconds."""
        return self.law.mean() + self.by

    def describe(self) -> str:
        """For example ``exponential, mean 20s, plus 1s``."""
        return f"{self.law.describe()}, {'plus' if self.by >= 0 else 'minus'} {format_duration(abs(self.by))}"


@dataclass(frozen=True, slots=True)
class Scaled:
    """``law`` times ``numerator / denominator``, rounded to the nearest microsecond (halves up).

    Errors: ValueError unless numerator >= 0 and denominator >= 1.
    """

    law: Law
    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        _check("Scaled", "numerator", self.numerator, 0, "Scaled(Exponential(20_000_000), numerator=3, denominator=2)")
        _check("Scaled", "denominator", self.denominator, 1, "Scaled(Exponential(20_000_000), numerator=3, denominator=2)")

    def _scale(self, us: int) -> int:
        """Scale microseconds."""
        return (2 * us * self.numerator + self.denominator) // (2 * self.denominator)

    def sample(self, u: int) -> int:
        """Microseconds for the draw ``u``."""
        return self._scale(self.law.sample(u))

    def bounds(self) -> tuple[int, int | None]:
        """Bounds of the law, scaled, in microseconds."""
        lo, hi = self.law.bounds()
        return self._scale(lo), None if hi is None else self._scale(hi)

    def mean(self) -> float:
        """Mean of the law, scaled, in microseconds."""
        return self.law.mean() * self.numerator / self.denominator

    def describe(self) -> str:
        """For example ``exponential, mean 20s, times 3/2``."""
        factor = f"{self.numerator}" if self.denominator == 1 else f"{self.numerator}/{self.denominator}"
        return f"{self.law.describe()}, times {factor}"
