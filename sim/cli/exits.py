"""How the command ends: exit codes, and one message instead of a traceback for what a user did wrong."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from typing import Any, Final, NoReturn, ParamSpec, TypeVar

import typer

P = ParamSpec("P")
R = TypeVar("R")

SHOW_TRACEBACK: Final = "SESSION_SIM_TRACEBACK"
"""Set this variable to 1 to see where an internal failure comes from."""


class Exit(IntEnum):
    """The exit codes. They are a contract: scripts depend on them."""

    OK = 0
    NOT_AS_EXPECTED = 1
    WRONG_INPUT = 2
    OUR_FAILURE = 3
    INCOMPLETE = 4
    INTERRUPTED = 130


class WrongInput(Exception):
    """The user's input is wrong; the message says which file and key, and what was expected."""


def leave(code: Exit) -> NoReturn:
    """End the command with this code."""
    raise typer.Exit(int(code))


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Let a command end with the right code and one message, whatever happens in it."""

    @wraps(command)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            _say("interrupted")
            leave(Exit.INTERRUPTED)
        except MemoryError:
            _say("out of memory: use fewer workflows, or leave out --full-tape and --histories")
            leave(Exit.INCOMPLETE)
        except BrokenPipeError:
            # Whoever read has what it wanted; nothing may be written to the pipe when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            leave(Exit.OK)
        except OSError as error:
            # A full disk, or a folder where a file should go, is nothing that a report to us would mend.
            place = error.filename2 or error.filename or "output"
            _say(f"error: {place}: {error.strerror or error}; expected a place that can be written to")
            leave(Exit.WRONG_INPUT)
        except Exception as error:
            if _is_wrong_input(error):
                _say(f"error: {error}")
                leave(Exit.WRONG_INPUT)
            _our_failure(error)

    return inner


def _is_wrong_input(error: Exception) -> bool:
    from sim.protocol.worker.work import UnknownActivityError
    from sim.scenario.problems import ScenarioError
    from sim.trace.tape import TapeError
    from sim.workflow.errors import NotModelledError

    return isinstance(error, WrongInput | ScenarioError | TapeError | UnknownActivityError | NotModelledError)


def _our_failure(error: Exception) -> NoReturn:
    if os.environ.get(SHOW_TRACEBACK):
        traceback.print_exception(error, file=sys.stderr)
    where = traceback.extract_tb(error.__traceback__)[-1]
    _say(
        f"internal failure: {type(error).__name__}: {error} ({os.path.basename(where.filename)}, line {where.lineno})\n"
        f"This is a mistake of session-sim, not yours. {SHOW_TRACEBACK}=1 shows where it comes from."
    )
    leave(Exit.OUR_FAILURE)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def check_writable(directory: Any) -> None:
    """Make a directory for results, or raise WrongInput."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongInput(f"{directory}: cannot be made ({error.strerror}); expected a directory to write to") from None
    if not os.access(directory, os.W_OK):
        raise WrongInput(f"{directory}: cannot be written to; expected a directory to write to")
