"""Functions for jobs, which other processes import."""

import os
import signal
import time
from pathlib import Path


def square(number: int) -> int:
    return number * number


def slow_first(marker_and_number: tuple[str, int]) -> int:
    """The first takes until the marker is there."""
    marker, number = marker_and_number
    began = time.monotonic()
    while number == 0 and not Path(marker).exists():
        assert time.monotonic() - began < 60
        time.sleep(0.01)
    return number


def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def fails_at_seven(number: int) -> int:
    if number == 7:
        raise ValueError("seven")
    return number


class Stubborn(Exception):
    """Cannot be sent to another process."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} {two}")


def stubborn(number: int) -> int:
    raise Stubborn(number, number)


def pid(number: int) -> int:
    return os.getpid()


def killed_once(marker_and_number: tuple[str, int]) -> int:
    """Its process is killed the first time that it comes to 5."""
    marker, number = marker_and_number
    if number == 5 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def always_killed(number: int) -> int:
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


PREPARED: list[None] = []


def prepare(_: None) -> None:
    PREPARED.append(None)


def prepared(number: int) -> bool:
    """Whether this process was prepared, once."""
    return PREPARED == [None]
