"""Lengths of time and laws as a scenario writes them: `"20s"`, `{ uniform = ["1ms", "3ms"] }`."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from sim.model.durations import format_duration, parse_duration
from sim.model.laws import Constant, Empirical, Exponential, Law, LogNormal, Scaled, Shifted, Uniform
from sim.model.text import decoded

LAWS: Final = (
    'expected "20s", { uniform = ["1ms", "3ms"] }, { exponential = "20s" }, { lognormal = { median = "5ms", p95 = "20ms" } } '
    'or { empirical = "file.csv" }'
)
_UNITS: Final = {"us": 1, "ms": 1_000, "s": 1_000_000}


def read_duration(value: object) -> int:
    """Microseconds of a duration's text. Raises ValueError for anything else."""
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError(f'is {value!r}; expected a duration in quotes with its unit, such as "20s" or "400ms"')


def read_signed(value: object) -> int:
    """Microseconds of a duration that may be negative: "-1.5s"."""
    if isinstance(value, str) and value.startswith("-"):
        return -parse_duration(value[1:])
    return read_duration(value)


def write_signed(us: int) -> str:
    """The text that `read_signed` reads."""
    return f"-{format_duration(-us)}" if us < 0 else format_duration(us)


def _read_positive(value: object) -> int:
    us = read_duration(value)
    if us == 0:
        raise ValueError(f'is {value!r}; expected more than 0, such as "20s"')
    return us


def read_law(value: object, directory: Path | None = None) -> Law:
    """A law as written; a file it names is sought beside the scenario. Raises ValueError with what was expected."""
    if isinstance(value, (Constant, Uniform, Exponential, LogNormal, Empirical, Shifted, Scaled)):
        return value
    if isinstance(value, str):
        return Constant(parse_duration(value))
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(f"is {value!r}; {LAWS}")
    ((kind, parameter),) = value.items()
    match kind, parameter:
        case "constant", str():
            return Constant(parse_duration(parameter))
        case "uniform", [low, high]:
            return _uniform(read_duration(low), read_duration(high))
        case "exponential", str():
            return Exponential(_read_positive(parameter))
        case "lognormal", dict():
            return _lognormal(parameter)
        case "empirical", str():
            return Empirical(_column(parameter, directory))
        case "empirical", [_, *_]:
            return Empirical(tuple(read_duration(v) for v in parameter))
        case _:
            raise ValueError(f"is {value!r}; {LAWS}")


def _uniform(low: int, high: int) -> Law:
    if low > high:
        raise ValueError(f"uniform law from {format_duration(low)} to {format_duration(high)}; expected the smaller one first")
    return Uniform(low, high)


def _lognormal(parameter: dict[str, Any]) -> Law:
    if set(parameter) == {"median", "sigma_milli"} and isinstance(parameter["sigma_milli"], int):
        return LogNormal(_read_positive(parameter["median"]), parameter["sigma_milli"])
    if set(parameter) != {"median", "p95"}:
        raise ValueError(f'lognormal has the keys {sorted(parameter)}; expected {{ median = "5ms", p95 = "20ms" }}')
    median, p95 = _read_positive(parameter["median"]), _read_positive(parameter["p95"])
    if p95 < median:
        raise ValueError(f'lognormal law with its p95 below its median; expected {{ median = "5ms", p95 = "20ms" }}, got {parameter}')
    return LogNormal.from_p95(median, p95)


def write_law(law: Law) -> object:
    """The canonical form of a law, which `read_law` reads; files are spelled out."""
    match law:
        case Constant(us):
            return format_duration(us)
        case Uniform(low, high):
            return {"uniform": [format_duration(low), format_duration(high)]}
        case Exponential(mean):
            return {"exponential": format_duration(mean)}
        case LogNormal(median, sigma):
            return {"lognormal": {"median": format_duration(median), "sigma_milli": sigma}}
        case Empirical(values=values):
            return {"empirical": [format_duration(v) for v in values]}
        case _:
            raise ValueError(f"a scenario has no way to write the law {law.describe()}; {LAWS}")


def _column(name: str, directory: Path | None) -> tuple[int, ...]:
    """The durations in a file's first column, microseconds."""
    values = read_column(name, directory)
    if not values:
        raise ValueError(f"{name} has no values; expected one duration a line, such as 5.2ms")
    return tuple(values)


def read_column(name: str, directory: Path | None) -> list[int]:
    """The first column of a CSV file: durations with units, or numbers below a header that names the unit (us, ms, s)."""
    path = (directory or Path()) / name
    try:
        rows = [row[0].strip() for row in csv.reader(decoded(path.read_bytes()).splitlines()) if row and row[0].strip()]
    except OSError as error:
        raise ValueError(f"the file {name} cannot be read ({error.strerror}); expected a CSV file beside the scenario") from None
    except ValueError as error:
        raise ValueError(f"the file {name} {error} of durations (CSV)") from None
    unit = ""
    if rows and not rows[0][0].isdigit():
        header = rows.pop(0)
        unit = header.rpartition("_")[2] if header.rpartition("_")[2] in _UNITS else ""
    values = []
    for number, row in enumerate(rows, 1):
        try:
            values.append(parse_duration(row + unit if row.replace(".", "", 1).isdigit() else row))
        except ValueError as error:
            raise ValueError(f"value {number} of the file {name}: {error}; or a header that names the unit, such as latency_ms") from None
    return values


def _validate_law(value: object, info: ValidationInfo) -> Law:
    return read_law(value, (info.context or {}).get("directory"))


_DURATION_SCHEMA: Final = {"type": "string", "examples": ["20s", "400ms", "1h30m"], "description": "a duration with its unit"}
_LAW_SCHEMA: Final = {
    "description": "a law of durations",
    "oneOf": [
        _DURATION_SCHEMA,
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {
                "constant": _DURATION_SCHEMA,
                "uniform": {"type": "array", "items": _DURATION_SCHEMA, "minItems": 2, "maxItems": 2},
                "exponential": _DURATION_SCHEMA,
                "lognormal": {"type": "object", "properties": {"median": _DURATION_SCHEMA, "p95": _DURATION_SCHEMA}},
                "empirical": {"oneOf": [{"type": "string"}, {"type": "array", "items": _DURATION_SCHEMA}]},
            },
        },
    ],
}

_AS_TEXT = PlainSerializer(lambda us: None if us is None else format_duration(us), return_type=str | None)


Duration = Annotated[int, PlainValidator(read_duration), _AS_TEXT, WithJsonSchema(_DURATION_SCHEMA)]
"""Microseconds, at least 0."""

PositiveDuration = Annotated[int, PlainValidator(_read_positive), _AS_TEXT, WithJsonSchema(_DURATION_SCHEMA)]
"""Microseconds, at least 1."""

SignedDuration = Annotated[
    int, PlainValidator(read_signed), PlainSerializer(write_signed, return_type=str), WithJsonSchema(_DURATION_SCHEMA)
]
"""Microseconds; "-1.5s" is possible."""


NEVER: Final = -1
"""What "never" is among durations."""


def _read_or_never(value: object) -> int:
    return NEVER if value == "never" else read_duration(value)


DurationOrNever = Annotated[
    int,
    PlainValidator(_read_or_never),
    PlainSerializer(lambda us: "never" if us == NEVER else format_duration(us), return_type=str),
    WithJsonSchema({**_DURATION_SCHEMA, "description": 'a duration with its unit, or "never"'}),
]
"""Microseconds, or NEVER."""

LawField = Annotated[Law, PlainValidator(_validate_law), PlainSerializer(write_law, return_type=object), WithJsonSchema(_LAW_SCHEMA)]
"""A law of durations in microseconds."""
