"""What goes where: results to standard output, everything else to standard error; with --json one object and nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Final, TextIO

from rich.console import Console

from sim.cli.exits import WrongInput
from sim.model.text import decoded

STDIN: Final = "standard input"

PLAIN_WIDTH = 120
"""How wide tables are where nobody looks at a terminal: the same everywhere."""


_KEPT: Final[list[TextIO]] = []
"""Standard output, while only JSON may go there."""


class _Piped(Console):
    """A console whose reader may go away; Rich would end the program as if that were a failure."""

    def on_broken_pipe(self) -> None:
        """Let the command end as it does for every output, see `guarded`."""
        raise BrokenPipeError


def to_user() -> Console:
    """The console for results."""
    return _Piped(soft_wrap=False, highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def to_side() -> Console:
    """The console for progress and warnings."""
    return _Piped(stderr=True, highlight=False)


def print_json(value: Mapping[str, Any]) -> None:
    """Print the one JSON object. What JSON does not have is written as text."""
    out = _KEPT[-1] if _KEPT else sys.stdout
    out.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n")


@contextmanager
def only_json(wanted: bool) -> Iterator[None]:
    """Keep standard output for `print_json` alone: what code of users prints goes to standard error."""
    if not wanted:
        yield
        return
    _KEPT.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _KEPT.pop()


def read_bytes(argument: str) -> bytes:
    """What is in a file; `-` is standard input.

    Raises:
        WrongInput: it cannot be read.
    """
    if argument == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(argument).read_bytes()
    except FileNotFoundError:
        raise WrongInput(f"{argument}: no such file") from None
    except OSError as error:
        raise WrongInput(f"{argument}: cannot be read ({error.strerror})") from None


def read_text(argument: str) -> str:
    """A file's text; `-` is standard input.

    Raises:
        WrongInput: it cannot be read, or is no text.
    """
    data = read_bytes(argument)
    try:
        return decoded(data)
    except ValueError as error:
        raise WrongInput(f"{STDIN if argument == '-' else argument}: {error}") from None
