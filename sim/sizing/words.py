"""How loads are written on the command line: `2/s`, `lognormal:10m:0.5`, `3..50`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sim.model.durations import parse_duration
from sim.model.laws import Constant, Empirical, Exponential, Law, LogNormal, Uniform
from sim.scenario.values import read_column

_PER: Final = {
    "s": 1_000_000, "second": 1_000_000, "m": 60_000_000, "min": 60_000_000, "minute": 60_000_000, "h": 3_600_000_000,
    "hour": 3_600_000_000, "d": 86_400_000_000, "day": 86_400_000_000,
}  # fmt: skip
LAWS: Final = 'expected "10m", "exponential:10m", "lognormal:10m:0.5" (median and sigma), "uniform:1m:5m", or a CSV file of durations'


def read_rate(text: str) -> int:
    """The mean time from one to the next, microseconds, of a rate such as `2/s` or `1/day`.

    Raises:
        ValueError: it is no rate above 0, or one too high or low to be meant.
    """
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*/\s*([a-z]+)\s*", text)
    if match is None or match[2] not in _PER or float(match[1]) == 0:
        raise ValueError(f"the rate is {text!r}; expected a number above 0 and a unit: 2/s, 30/m, 5/h or 1/day")
    gap = round(_PER[match[2]] / float(match[1]))
    if not 1 <= gap <= 10**15:
        raise ValueError(f"the rate {text!r} is one in {gap} us; expected at most a million a second and at least one in thirty years")
    return gap


def read_law(text: str, directory: Path | None = None) -> Law:
    """A law of holds; the name of a file is sought beside `directory` (default: the working directory).

    Raises:
        ValueError: it is none; the message says what was expected.
    """
    kind, *parameters = text.split(":")
    try:
        match kind, parameters:
            case "exponential", [mean]:
                return Exponential(_positive(mean))
            case "constant", [length]:
                return Constant(_positive(length))
            case "uniform", [low, high]:
                return Uniform(parse_duration(low), parse_duration(high))
            case "lognormal", [median, sigma]:
                return LogNormal(_positive(median), round(1000 * float(sigma)))
            case _, [] if _is_file(text, directory):
                return Empirical(tuple(read_column(text, directory)), interpolate=False)
            case _, []:
                return Constant(_positive(text))
    except ValueError as error:
        raise ValueError(f"the law {text!r}: {error}; {LAWS}") from None
    raise ValueError(f"the law is {text!r}; {LAWS}")


def read_range(text: str, what: str) -> range:
    """Whole numbers from 1 on: `3..50`, both ends included, or `5`.

    Raises:
        ValueError: it is no such range; the message names `what`.
    """
    match = re.fullmatch(r"\s*(\d{1,6})\s*(?:\.\.\s*(\d{1,6})\s*)?", text)
    low, high = (0, 0) if match is None else (int(match[1]), int(match[2] or match[1]))
    if not 1 <= low <= high:
        raise ValueError(f"{what} is {text!r}; expected a number or a range from the smaller to the larger, such as 3..50")
    return range(low, high + 1)


def _positive(text: str) -> int:
    length = parse_duration(text)
    if length == 0:
        raise ValueError("a length of 0; expected more")
    return length


def _is_file(text: str, directory: Path | None) -> bool:
    return ((directory or Path()) / text).is_file()
