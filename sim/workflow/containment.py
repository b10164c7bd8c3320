"""Where workflow code is called, and what may not come out of it: whatever would end the program instead of the workflow.

An exception that workflow code lets out is a panic, and its own business. `SystemExit` and other exceptions that are none of
`Exception`'s would end the whole simulation, silently or with a traceback; here they become one message with the workflow
and the line. A Ctrl-C of whoever waits for the run passes. What code may not even ask for stands in `outside`.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable
from types import CodeType, FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from sim.workflow.errors import WorkflowCodeError
from sim.workflow.outside import Refused

if TYPE_CHECKING:
    from sim.workflow.environment import Execution

P = ParamSpec("P")
R = TypeVar("R")

_RAISE: Final = dis.opmap["RAISE_VARARGS"]


class NeverGivesWay(BaseException):
    """Thrown into workflow code that does not come to an end; no `Exception`, which it may catch. The message says how long it took."""


def contained(method: Callable[Concatenate[Execution, P], R]) -> Callable[Concatenate[Execution, P], R]:
    """Let a method that calls workflow code raise WorkflowCodeError for what would end the program."""

    def call(execution: Execution, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(execution, *args, **kwargs)
        except Exception:
            raise
        except BaseException as error:
            if _is_interruption(error):
                raise
            raise WorkflowCodeError(_said(execution, error)) from error

    _CALLS.add(call.__code__)
    call.__doc__ = method.__doc__
    return call


_CALLS: Final[set[CodeType]] = set()


def call_in(frame: FrameType | None) -> FrameType | None:
    """The innermost call of workflow code among a frame and its callers; None when there is none."""
    while frame is not None and frame.f_code not in _CALLS:
        frame = frame.f_back
    return frame


def place_in(call: FrameType, innermost: FrameType) -> str:
    """The workflow that is being called, and where in its code `innermost` is, so far as it is there."""
    execution: Execution = call.f_locals["execution"]
    frames: list[tuple[FrameType, int]] = []
    frame: FrameType | None = innermost
    while frame is not None and frame is not call:
        frames.append((frame, frame.f_lineno))
        frame = frame.f_back
    return _place(execution, frames)


def asked_at(function: Callable[..., object]) -> str:
    """`file.py, line 3, in f`: where, in the file of this workflow function, the code is that calls us now; "" elsewhere."""
    code, frame = getattr(function, "__code__", None), inspect.currentframe()
    while frame is not None and isinstance(code, CodeType):
        if frame.f_code.co_filename == code.co_filename:
            return f"{code.co_filename}, line {frame.f_lineno}, in {frame.f_code.co_name}"
        frame = frame.f_back
    return ""


def panicked(function: Callable[..., object], error: Exception) -> str:
    """`KeyError: 'x' (file.py, line 3, in f)`: an error that the code of this workflow function has let out, and where it did."""
    code, said, entry = getattr(function, "__code__", None), f"{type(error).__name__}: {error}", error.__traceback__
    where = ""
    while entry is not None and isinstance(code, CodeType):
        if entry.tb_frame.f_code.co_filename == code.co_filename:
            # Of the path its last part: histories are the same wherever the file lies.
            file = code.co_filename.replace("\\", "/").rpartition("/")[2]
            where = f" ({file}, line {entry.tb_lineno}, in {entry.tb_frame.f_code.co_name})"
        entry = entry.tb_next
    return said + where


def _is_interruption(error: BaseException) -> bool:
    """Whether somebody pressed Ctrl-C: then the exception comes from between two instructions, not from a `raise`."""
    if not isinstance(error, KeyboardInterrupt):
        return False
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is None or last.tb_frame.f_code.co_code[last.tb_lasti] != _RAISE


def _said(execution: Execution, error: BaseException) -> str:
    frames: list[tuple[FrameType, int]] = []
    entry: TracebackType | None = error.__traceback__
    while entry is not None:
        frames.insert(0, (entry.tb_frame, entry.tb_lineno))
        entry = entry.tb_next
    place = _place(execution, frames)
    if isinstance(error, NeverGivesWay):
        return (
            f"{place}: the code has not given way {error}; expected workflow code that awaits, with a timer or a future, "
            "whatever it waits for, and leaves long computations to activities (Temporal's own limit is 1 s, TMPRL1101)"
        )
    if isinstance(error, Refused):
        return f"{place}: {error}; workflow code has to do the same again when it is replayed"
    what = f"{type(error).__name__}({error})"
    return (
        f"{place}: the code raised {what}, which would end the whole program; expected a workflow to end by returning, "
        "by raising ApplicationError to fail, or by raising Panic to fail its workflow task"
    )


def _place(execution: Execution, frames: list[tuple[FrameType, int]]) -> str:
    """`workflow 'Name' (id), file.py, line 3, in f`: of these frames, innermost first, the first in the file of the workflow."""
    info, file = execution.env.info, _file_of(execution)
    text = f"workflow {info.workflow_type!r} ({info.workflow_id})"
    for frame, line in frames:
        if frame.f_code.co_filename == file:
            return f"{text}, {file}, line {line}, in {frame.f_code.co_name}"
    return f"{text}, {file}" if file else text


def _file_of(execution: Execution) -> str:
    code: Any = getattr(execution.env.definition.function, "__code__", None)
    return code.co_filename if isinstance(code, CodeType) else ""
