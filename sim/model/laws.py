"""Probability laws as integer transforms of one 64-bit draw.

``law.sample(u)`` reads a draw ``u`` as the probability ``p = (2u + 1) / 2**65``, the middle of its cell, and returns
the quantile of the law at ``p``, rounded to whole microseconds. Only integer arithmetic is used (`fixed_point.py`), so it
is the same on every platform.

Accuracy before rounding, for p from 1e-9 to 1 - 1e-9: relative error below 1e-8 for the exponential and below
1e-12 times max(1, sigma) for the log-normal law; both hold with a margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol, runtime_checkable

from sim.model.draws import DRAW_BITS
from sim.model.durations import format_duration
from sim.model.fixed_point import ONE, minus_log, normal_quantile, scaled_exp

_LARGEST_DRAW: Final = (1 << DRAW_BITS) - 1
_LARGEST_SIGMA_MILLI: Final = 10_000
_NORMAL_P95: Final = Fraction("1.6448536269514722")


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
        return (self.mean_us * minus_log(0x1FFFFFFFFFFFFFFFF - u - u) + 0x800000000000000) >> 60

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
        log_ratio = Fraction(minus_log(max(1, median >> spare)) - minus_log(p95 >> spare), ONE)
        return cls(median, round(1000 * log_ratio / _NORMAL_P95))

    def sample(self, u: int) -> int:
        """Microseconds for the draw ``u``; rises with it."""
        return scaled_exp(self.median, self.sigma_milli * normal_quantile(u) // 1000)

    def bounds(self) -> tuple[int, int | None]:
        """Values for the smallest and the largest draw (9.1 standard deviations out), in microseconds."""
        return self.sample(0), self.sample(_LARGEST_DRAW)

    def mean(self) -> float:
        """Mean, which is median * exp(sigma**2 / 2), in microseconds."""
        return scaled_exp(self.median << 32, (self.sigma_milli * self.sigma_milli * ONE) // 2_000_000) / (1 << 32)

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
