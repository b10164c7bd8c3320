"""Contexts, explicit as in Go: values, cancellation, and the tree that decides the order of cancellations.

Cancelling a context runs what is registered at it in the order of registration, then cancels its children that have a
cancellation of their own, in the order in which Go goes through a map (P1.3.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from sim.workflow.pair import Pair

if TYPE_CHECKING:
    from sim.workflow.environment import Environment


SMALL_MAP: Final = 8
"""A Go map of up to so many entries keeps them in slots, one after the other."""


class Scope:
    """A cancellation of its own: what `with_cancel` adds to the tree."""

    __slots__ = ("canceled", "children", "hooks", "known", "parent", "session_failed")

    def __init__(self, parent: Scope | None) -> None:
        self.parent = parent
        self.canceled = False
        self.known = False
        """Whether workflow code knows that it is cancelled: it was told so by an error, or has completed the session itself."""
        self.session_failed: bool = parent is not None and parent.session_failed
        """Whether it was cancelled by the failure of its session, and that is told (`Repair.FAILURE_NOT_CANCELED`)."""
        self.children: list[Scope | None] = []
        """The slots of the map of children; None: free again."""
        self.hooks: dict[int, Callable[[], None]] = {}
        """Registered callbacks by number: dict order is the order of registration."""

    def activities(self) -> list[int]:
        """Ordinals of what is registered here and below."""
        return [*self.hooks, *(ordinal for child in self.children if child is not None for ordinal in child.activities())]

    def tell(self) -> None:
        """Workflow code learns now what of this and of all above it is cancelled."""
        scope: Scope | None = self
        while scope is not None and scope.canceled:
            scope.known = True
            scope = scope.parent

    @property
    def knowingly_canceled(self) -> bool:
        """Whether it is cancelled, by itself or from above, and workflow code knows."""
        scope: Scope | None = self if self.canceled else None
        while scope is not None and not scope.known:
            scope = scope.parent
        return scope is not None

    def adopt(self, child: Scope) -> None:
        """Take a child in: it goes to the first slot that is free."""
        if None in self.children:
            self.children[self.children.index(None)] = child
        else:
            self.children.append(child)

    def disown(self, child: Scope) -> None:
        """Free a child's slot, if it has one."""
        if child in self.children:
            self.children[self.children.index(child)] = None


class Context:
    """An immutable chain of values on top of a cancellation scope."""

    __slots__ = ("_key", "_parent", "_value", "env", "scope")

    def __init__(self, env: Environment, scope: Scope, parent: Context | None = None, key: str = "", value: Any = None) -> None:
        self.env = env
        self.scope = scope
        self._parent = parent
        self._key = key
        self._value = value

    def value(self, key: str) -> Any:
        """The value stored nearest in the chain, or None."""
        ctx: Context | None = self
        while ctx is not None:
            if ctx._key == key:
                return ctx._value
            ctx = ctx._parent
        return None

    @property
    def canceled(self) -> bool:
        """Whether the context is done."""
        return self.scope.canceled

    def derived(self, key: str, value: Any, scope: Scope | None = None) -> Context:
        """A child context with one more value."""
        return Context(self.env, scope or self.scope, self, key, value)


CancelFunc = Callable[[], None]
"""Cancels the context that it was given with."""


def with_value(ctx: Context, key: str, value: Any) -> Context:
    """A context that also holds `value` under `key`."""
    return ctx.derived(f"user:{key}", value)


def with_cancel(ctx: Context) -> Pair:
    """A context that can be cancelled by itself, and the function that does it. Cancelled at once if `ctx` is."""
    scope = Scope(ctx.scope)
    if ctx.scope.canceled:
        scope.canceled = True
    else:
        ctx.scope.adopt(scope)
    return Pair((ctx.derived("", None, scope), lambda: ctx.env.cancel(scope)))


def new_disconnected_context(ctx: Context) -> Pair:
    """A context with the values of `ctx` (the session too) that `ctx` and its parents do not cancel."""
    scope = Scope(None)
    return Pair((ctx.derived("", None, scope), lambda: ctx.env.cancel(scope)))
