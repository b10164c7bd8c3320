"""Workflow definitions: a name and an `async def function(ctx, argument)`."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.workflow.context import Context

WorkflowFunction = Callable[["Context", Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Definition:
    """A workflow type."""

    name: str
    function: WorkflowFunction


def workflow(function: WorkflowFunction) -> Definition:
    """Make a workflow type of an `async def name(ctx, argument)`; its name is the function's.

    Raises TypeError when the function is not async or does not take exactly these two arguments.
    """
    name = getattr(function, "__name__", "workflow")
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"workflow {name}: expected `async def {name}(ctx, argument)`, got a plain function")
    if len(inspect.signature(function).parameters) != 2:
        raise TypeError(f"workflow {name}: expected two parameters, (ctx, argument), got {inspect.signature(function)}")
    return Definition(name, function)
