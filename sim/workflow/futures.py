"""Futures, channels and selectors, with the SDK's rules about who wins.

A selector that has to wait registers with each of its cases; during the application of events the first case that
becomes ready, in the order of history, wins. A receive that loses leaves its value in the channel.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sim.workflow.coroutines import Blocked
from sim.workflow.errors import is_canceled

if TYPE_CHECKING:
    from sim.workflow.context import Context


class Future:
    """Something that will have a value or an error. Resolved once; later resolutions are ignored."""

    __slots__ = ("_callbacks", "error", "ready", "value")

    def __init__(self) -> None:
        self.ready = False
        self.value: Any = None
        self.error: BaseException | None = None
        self._callbacks: list[Callable[[], None]] = []

    def is_ready(self) -> bool:
        return self.ready

    def resolve(self, value: Any = None, error: BaseException | None = None) -> None:
        """Set value or error, and tell the selectors that wait."""
        if self.ready:
            return
        self.ready, self.value, self.error = True, value, error
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Call back at the resolution (at once, when it is resolved)."""
        if self.ready:
            callback()
        else:
            self._callbacks.append(callback)

    async def get(self, ctx: Context) -> Any:
        """Wait for it; gives the value or raises the error. Cancelling `ctx` does not end the wait."""
        if not self.ready:
            await Blocked(self.is_ready)
        if self.error is not None:
            if is_canceled(self.error):
                ctx.scope.tell()
            # A fresh traceback each time: one error object may be raised in several coroutines.
            raise self.error.with_traceback(None)
        return self.value

    async def outcome(self) -> BaseException | None:
        """Wait for it, for the framework: what it learns so workflow code is not told. The error, None without one."""
        if not self.ready:
            await Blocked(self.is_ready)
        return self.error


class Channel:
    """A buffered queue of values between coroutines, or of a signal's payloads."""

    __slots__ = ("_receivers", "buffer", "closed", "name")

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.buffer: deque[Any] = deque()
        self.closed = False
        self._receivers: list[Callable[[Any], bool]] = []

    def send_async(self, value: Any) -> None:
        """Hand the value to the first waiting receiver that takes it, else keep it."""
        for i, receiver in enumerate(self._receivers):
            if receiver(value):
                del self._receivers[i]
                return
        self.buffer.append(value)

    async def send(self, ctx: Context, value: Any) -> None:
        """Send a value (channels here are buffered without limit, so this never waits)."""
        self.send_async(value)

    def when_received(self, receiver: Callable[[Any], bool]) -> None:
        """Offer later values to `receiver` until it takes one (returns True)."""
        self._receivers.append(receiver)

    def forget(self, receiver: Callable[[Any], bool]) -> None:
        """Offer it nothing more."""
        if receiver in self._receivers:
            self._receivers.remove(receiver)

    def receive_async(self) -> tuple[Any, bool]:
        """(value, True) or (None, False), without waiting."""
        return (self.buffer.popleft(), True) if self.buffer else (None, False)

    async def receive(self, ctx: Context) -> Any:
        """Wait for a value; None when the channel is closed and empty."""
        if not self.buffer and not self.closed:
            await Blocked(lambda: bool(self.buffer) or self.closed)
        return self.receive_async()[0]

    def close(self) -> None:
        self.closed = True


class Selector:
    """Waits for the first of several cases and runs its handler."""

    __slots__ = ("_cases", "_won")

    def __init__(self) -> None:
        self._cases: list[_FutureCase | _ReceiveCase] = []
        self._won: tuple[_FutureCase | _ReceiveCase, Any] | None = None

    def add_future(self, future: Future, handler: Callable[[Future], None]) -> Selector:
        """Wait for `future`. A case that has won once is not considered again."""
        self._cases.append(_FutureCase(future, handler))
        return self

    def add_receive(self, channel: Channel, handler: Callable[[Any], None]) -> Selector:
        """Wait for a value on `channel`; the handler is given the value."""
        self._cases.append(_ReceiveCase(channel, handler))
        return self

    async def select(self, ctx: Context) -> None:
        """Wait until a case is ready, take the first that is, run its handler."""
        won = self._ready_now()
        if won is None:
            for case in self._cases:
                case.watch(self)
            await Blocked(lambda: self._won is not None)
            won = self._won
            for case in self._cases:
                case.unwatch()
        assert won is not None
        case, value = won
        if isinstance(case, _FutureCase):
            self._cases.remove(case)
            case.handler(case.future)
        else:
            case.handler(value)

    def _ready_now(self) -> tuple[_FutureCase | _ReceiveCase, Any] | None:
        """The first case that is ready; who won earlier is forgotten."""
        self._won = None
        for case in self._cases:
            if isinstance(case, _FutureCase):
                if case.future.ready:
                    return case, None
            elif case.channel.buffer:
                return case, case.channel.buffer.popleft()
        return None

    def offer(self, case: _FutureCase | _ReceiveCase, value: Any) -> bool:
        """A case became ready; True when it wins."""
        if self._won is not None:
            return False
        self._won = (case, value)
        return True


class _FutureCase:
    __slots__ = ("future", "handler")

    def __init__(self, future: Future, handler: Callable[[Future], None]) -> None:
        self.future = future
        self.handler = handler

    def watch(self, selector: Selector) -> None:
        def resolved() -> None:
            selector.offer(self, None)

        self.future.when_ready(resolved)

    def unwatch(self) -> None:
        """Nothing to undo: a callback of a selector that was won does nothing."""


class _ReceiveCase:
    __slots__ = ("_receiver", "channel", "handler")

    def __init__(self, channel: Channel, handler: Callable[[Any], None]) -> None:
        self.channel = channel
        self.handler = handler
        self._receiver: Callable[[Any], bool] | None = None

    def watch(self, selector: Selector) -> None:
        self._receiver = lambda value: selector.offer(self, value)
        self.channel.when_received(self._receiver)

    def unwatch(self) -> None:
        if self._receiver is not None:
            self.channel.forget(self._receiver)
            self._receiver = None


class WaitGroup:
    """Waits until as many `done` as `add` were counted."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def add(self, delta: int = 1) -> None:
        self._count += delta

    def done(self) -> None:
        self._count -= 1
        if self._count < 0:
            raise ValueError("negative WaitGroup counter: done() was called more often than add() counted")

    async def wait(self, ctx: Context) -> None:
        """Wait until the count is zero."""
        await Blocked(lambda: self._count == 0)
