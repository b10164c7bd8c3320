"""Times and durations as people write them. Everything comes in as integer microseconds."""

from __future__ import annotations

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def stamp(time: int, digits: int = 1) -> str:
    """A time since the run's start: "02:13.4", with hours only when there are some. Cut off, not rounded, so that what
    is written never lies after what happened.

    Args:
        time: microseconds.
        digits: of the fraction of a second, 0 to 6.
    """
    sign, time = ("-", -time) if time < 0 else ("", time)
    seconds, fraction = divmod(time, SECOND)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
    return sign + (f"{text}.{fraction:06}"[: len(text) + 1 + digits] if digits else text)


def length(duration: int) -> str:
    """A duration in the largest unit that keeps it readable: "850 ms", "12.3 s", "4 min 5 s", "3 h 20 min".

    Args:
        duration: microseconds.
    """
    if duration < 0:
        return f"-{length(-duration)}"
    if duration < 1_000:
        return f"{duration} µs"
    if duration < SECOND:
        return f"{_trim(duration / 1_000)} ms"
    if duration < 2 * MINUTE:
        return f"{_trim(duration / SECOND)} s"
    if duration < 2 * HOUR:
        return _two(duration // SECOND, 60, "min", "s")
    return _two(duration // MINUTE, 60, "h", "min")


def _trim(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _two(value: int, base: int, large: str, small: str) -> str:
    whole, rest = divmod(value, base)
    return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"
