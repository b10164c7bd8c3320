"""The dispatcher: workflow coroutines run one at a time, in the order of their creation, until all are blocked.

A coroutine blocks by awaiting a condition. After every round in which something moved, all are asked again, oldest
first (`ExecuteUntilAllBlocked` of the SDK), so the main coroutine always runs before a session's watcher.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from sim.workflow.errors import Panic

Condition = Callable[[], bool]


class Blocked:
    """Await it to give way until `condition` holds."""

    __slots__ = ("condition",)

    def __init__(self, condition: Condition) -> None:
        self.condition = condition

    def __await__(self) -> Generator[Blocked, None, None]:
        unwinding = sys.exc_info()[1]
        while not self.condition():
            if isinstance(unwinding, Panic) and not unwinding.may_freeze:
                # A deferred call must not freeze a panic that unwinds the stack (SDK 1.41.1).
                raise unwinding
            if isinstance(unwinding, GeneratorExit):
                # The execution is dropped (or its worker died): a `finally` that waits is cut short, else Python complains.
                raise unwinding
            yield self


class Dispatcher:
    """The coroutines of one workflow run."""

    __slots__ = ("_coroutines", "closing")

    def __init__(self) -> None:
        self._coroutines: list[_Coroutine] = []
        self.closing = False

    def spawn(self, body: Coroutine[Any, Any, None]) -> None:
        """Add a coroutine; it first runs when those before it are blocked."""
        self._coroutines.append(_Coroutine(body))

    def run(self) -> None:
        """Run until all are blocked. Also when the workflow function has returned: the others have their turn first."""
        coroutines = self._coroutines
        moved = True
        while moved:
            moved = False
            i = 0
            # By index: a coroutine that is spawned meanwhile runs in the same round, after those before it.
            while i < len(coroutines):
                if not coroutines[i].ready():
                    i += 1
                    continue
                moved = True
                if coroutines[i].resume():
                    del coroutines[i]
                else:
                    i += 1

    def close(self) -> None:
        """Unwind all coroutines. What their `finally` blocks do reaches nobody; a block that awaits is cut short."""
        self.closing = True
        for coroutine in self._coroutines:
            coroutine.close()
        self._coroutines.clear()


class _Coroutine:
    __slots__ = ("_body", "_waits_for")

    def __init__(self, body: Coroutine[Any, Any, None]) -> None:
        self._body = body
        self._waits_for: Blocked | None = None

    def ready(self) -> bool:
        return self._waits_for is None or self._waits_for.condition()

    def resume(self) -> bool:
        """Run until it blocks; True when it ended."""
        try:
            waits_for = self._body.send(None)
        except StopIteration:
            return True
        if not isinstance(waits_for, Blocked):
            raise TypeError(
                f"workflow code awaited {waits_for!r}: await only what sim.workflow offers (futures, channels, selectors, sleep)"
            )
        self._waits_for = waits_for
        return False

    def close(self) -> None:
        try:
            self._body.close()
        except RuntimeError:
            # Its `finally` awaited something: Goexit would run it locally, and nothing of it would reach the server.
            pass
        except Exception:
            pass
