"""What Go returns as two values: a context, and the function that cancels it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sim.workflow.context import Context


class Pair(tuple["Context", Callable[[], None]]):
    """A pair that says what it is when it is taken for its context."""

    __slots__ = ()

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            "expected a context and got the pair (context, function that cancels it) which with_cancel and new_disconnected_context "
            "give: write `ctx, cancel = ...`"
        )
