"""What the executor sends to another process, and what that process does with it."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from time import perf_counter
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """A call of a function by its name, so that it means the same in every process.

    `function`: "package.module:function"; it takes one argument. `data`: that argument, plain data that can be pickled. Jobs
    that share a large object (a scenario's text) should share the object itself: a batch carries it once.
    """

    function: str
    data: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch of jobs: the values of its first jobs and, if one failed, its exception. `seconds`: how long all took."""

    values: list[Any]
    failure: BaseException | None
    seconds: float


@cache
def resolve(function: str) -> Callable[[Any], Any]:
    """The function of this name.

    Raises:
        ValueError: the name has another form.
        ImportError, AttributeError: there is none.
    """
    module, colon, name = function.partition(":")
    if not colon:
        raise ValueError(f"the job's function is {function!r}; expected package.module:function")
    found: Callable[[Any], Any] = getattr(import_module(module), name)
    return found


_TURN = threading.Lock()
"""A dask worker may run several batches in threads; runs of one process share modules of workflows, and the interpreter's lock."""


def run_batch(jobs: Sequence[Job]) -> Outcome:
    """Run jobs one after the other, in this process, up to the first that fails."""
    values: list[Any] = []
    failure: BaseException | None = None
    with _TURN:
        began = perf_counter()
        try:
            for job in jobs:
                values.append(resolve(job.function)(job.data))
        except Exception as error:
            failure = portable(error)
        return Outcome(values, failure, perf_counter() - began)


def portable(error: Exception) -> Exception:
    """The exception, or one that says the same, if it could not be sent to another process."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
