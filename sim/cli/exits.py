"""How the command ends: exit codes, and one message instead of a traceback for what a user did wrong."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from types import CoroutineType
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
        from sim.cli.output import only_json
        from sim.cli.watchdog import watched

        try:
            with watched(), only_json(bool(kwargs.get("as_json"))):
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
            _say(f"error: {place}: {error.strerror or error}; expected what can be read, or a place that can be written to")
            leave(Exit.WRONG_INPUT)
        except BaseException as error:  # also what code of users raises to end the program
            if _is_wrong_input(error):
                _say(f"error: {error}{_notes(error)}")
                leave(Exit.WRONG_INPUT)
            _our_failure(error)

    return inner


def _is_wrong_input(error: BaseException) -> bool:
    from sim.protocol.worker.work import UnknownActivityError
    from sim.scenario.problems import ScenarioError
    from sim.trace.tape import TapeError
    from sim.workflow.errors import NotModelledError, WorkflowCodeError

    return isinstance(error, WrongInput | ScenarioError | TapeError | UnknownActivityError | NotModelledError | WorkflowCodeError)


def _notes(error: BaseException) -> str:
    """What was added to it on its way: in which run of many it happened."""
    return "".join(f" ({note})" for note in getattr(error, "__notes__", ()))


def _our_failure(error: BaseException) -> NoReturn:
    if os.environ.get(SHOW_TRACEBACK):
        traceback.print_exception(error, file=sys.stderr)
    where = traceback.extract_tb(error.__traceback__)[-1]
    if where.filename in _written_by_users():
        _say(
            f"error: {where.filename}, line {where.lineno}, in {where.name}: {type(error).__name__}: {error}; expected code that "
            f"does not fail ({SHOW_TRACEBACK}=1 shows how it came there)"
        )
        leave(Exit.WRONG_INPUT)
    _say(
        f"internal failure: {type(error).__name__}: {error}{_notes(error)} ({os.path.basename(where.filename)}, line {where.lineno})\n"
        f"This is a mistake of session-sim, not yours. {SHOW_TRACEBACK}=1 shows where it comes from."
    )
    leave(Exit.OUR_FAILURE)


def _written_by_users() -> set[str]:
    """The files of the models and workflow modules that were loaded."""
    from sim.cli.model_file import PREFIX as MODEL
    from sim.scenario.code import PREFIX as MODULE

    return {str(module.__file__) for name, module in list(sys.modules.items()) if name.startswith((MODEL, MODULE))}


def ignore_abandoned(unraisable: Any) -> None:
    """A hook for `sys.unraisablehook`: what the `finally` of an abandoned workflow does, when a run is over, reaches nobody."""
    if not isinstance(unraisable.object, CoroutineType):
        sys.__unraisablehook__(unraisable)


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
