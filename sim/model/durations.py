"""Durations as text: ``1h30m``, ``20s``, ``400ms``, ``250us``, ``1.5s``, ``0s``.

Inside the program a duration is a whole number of microseconds. The text form follows the units of Go's
``time.ParseDuration``, with two restrictions that catch slips of the pen: units go from large to small, and each
stands at most once. All arithmetic is on integers, so ``0.1s`` is exactly 100,000 microseconds.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_UNITS: Final[tuple[tuple[str, int], ...]] = (("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000), ("us", 1))
"""Unit suffixes with their length in microseconds, largest first."""

# Digits are bounded so that a mistyped field is refused at once instead of becoming an absurdly long number.
_NUMBER: Final = r"([0-9]{1,18}(?:\.[0-9]{1,18})?)"
_PATTERN: Final = re.compile("".join(f"(?:{_NUMBER}{unit})?" for unit, _ in _UNITS))
_EXPECTED: Final = "expected numbers with the units h, m, s, ms, us, largest unit first, such as '1h30m', '1.5s', '400ms' or '0s'"


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> int:
    """Read a duration.

    Args:
        text: for example ``"1h30m"``, ``"20s"``, ``"400ms"``, ``"250us"``, ``"1.5s"`` or ``"0s"``.

    Returns:
        The duration in microseconds, at least 0.

    Raises:
        ValueError: the text is empty, negative, malformed, or finer than one microsecond.
    """
    if text.startswith("-"):
        raise ValueError(f"duration {text!r} is negative; {_EXPECTED}")
    match = _PATTERN.fullmatch(text)
    if match is None or not text:
        raise ValueError(f"duration {text!r} is not understood; {_EXPECTED}")
    total = 0
    for number, (_, length) in zip(match.groups(), _UNITS, strict=True):
        if number is None:
            continue
        whole, _, decimals = number.partition(".")
        part, rest = divmod(int(whole + decimals) * length, 10 ** len(decimals))
        if rest:
            raise ValueError(f"duration {text!r} is finer than one microsecond; expected whole microseconds, such as '1.5ms' or '250us'")
        total += part
    return total


def format_duration(us: int) -> str:
    """Write a duration so that :func:`parse_duration` gives it back exactly.

    Args:
        us: microseconds, at least 0.

    Returns:
        Hours and minutes, then the rest in the largest unit that fits, with decimals when needed:
        ``"1h30m"``, ``"1m1.5s"``, ``"400ms"``, ``"1.5ms"``, ``"0s"``.

    Raises:
        ValueError: ``us`` is negative.
    """
    if us < 0:
        raise ValueError(f"duration {us} us is negative; expected at least 0, such as 1500000 for '1.5s'")
    if us == 0:
        return "0s"
    hours, rest = divmod(us, 3_600_000_000)
    minutes, rest = divmod(rest, 60_000_000)
    text = (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "")
    if not rest:
        return text
    # "1h400ms" reads well, so the unit of the rest depends on the rest alone.
    unit, length, places = ("s", 1_000_000, 6) if rest >= 1_000_000 else ("ms", 1_000, 3) if rest >= 1_000 else ("us", 1, 0)
    whole, fraction = divmod(rest, length)
    decimals = f".{fraction:0{places}d}".rstrip("0") if fraction else ""
    return f"{text}{whole}{decimals}{unit}"
