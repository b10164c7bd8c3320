"""What workflow code may not ask the real world: what time it is, a random number, the network.

A run is a function of its scenario and its seed. Workflow code that reads a clock gives another run every time, also on a real
server, where it breaks replay. So the modules of a scenario get these modules with what is impure refused, when it is called,
with what to use instead. Only what a scenario's module imports itself is refused, not what libraries do among themselves.
"""

from __future__ import annotations

import builtins
import datetime
import random
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, Final, NoReturn

from sim.workflow.errors import NotModelledError

_NOW: Final = "use workflow.now(ctx), the server's time"
_LUCK: Final = "draw it in an activity, or use random.Random with a seed that the workflow gets as its input"
_ACTIVITY: Final = "do it in an activity: what workflow code does is done again at every replay"

_CLOCKS: Final = (
    "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "localtime",
    "gmtime", "ctime", "strftime",
)  # fmt: skip
_RANDOM: Final = tuple(name for name in dir(random) if name.islower() and not name.startswith("_") and callable(getattr(random, name)))

REFUSED: Final[Mapping[str, Mapping[str, str]]] = {
    "time": dict.fromkeys(_CLOCKS, _NOW),
    "random": {**dict.fromkeys(_RANDOM, _LUCK), "SystemRandom": _LUCK},
    "uuid": dict.fromkeys(("uuid1", "uuid4"), _LUCK),
    "os": dict.fromkeys(("urandom", "getrandom", "times"), _LUCK),
}
"""Module -> what of it is refused -> what to do instead."""

NETWORK: Final = (
    "socket", "ssl", "select", "selectors", "http", "urllib.request", "urllib3", "requests", "httpx", "aiohttp", "websockets", "smtplib",
    "ftplib", "xmlrpc", "grpc", "secrets",
)  # fmt: skip
"""Modules that may not be imported at all."""


def refuse(what: str, instead: str, depth: int = 1) -> NoReturn:
    """Say what was asked for, where, and what to use instead. Raises NotModelledError."""
    frame = sys._getframe(depth + 1)
    where = f"{frame.f_code.co_filename}, line {frame.f_lineno}"
    raise NotModelledError(f"{where}: workflow code must not call {what}, since a run must depend on nothing but its seed; {instead}")


class _Pure(ModuleType):
    """A module with what is impure refused."""

    def __init__(self, real: ModuleType, refused: Mapping[str, str]) -> None:
        super().__init__(real.__name__, real.__doc__)
        for name, instead in refused.items():
            if hasattr(real, name):
                setattr(self, name, _refusing(f"{real.__name__}.{name}()", instead))
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _refusing(what: str, instead: str) -> Any:
    def refused(*args: object, **kwargs: object) -> NoReturn:
        refuse(what, instead)

    return refused


class _Random(random.Random):
    """With a seed it is pure."""

    def __init__(self, *seed: Any) -> None:
        if not seed or seed[0] is None:
            refuse("random.Random() without a seed", _LUCK)
        super().__init__(*seed)


class _Datetime(datetime.datetime):
    """Points of time may be computed with, but not read from the clock."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> NoReturn:
        refuse("datetime.now()", _NOW)

    @classmethod
    def utcnow(cls) -> NoReturn:
        refuse("datetime.utcnow()", _NOW)

    @classmethod
    def today(cls) -> NoReturn:
        refuse("datetime.today()", _NOW)


class _Date(datetime.date):
    @classmethod
    def today(cls) -> NoReturn:
        refuse("date.today()", _NOW)


def _made() -> dict[str, ModuleType]:
    found: dict[str, ModuleType] = {}
    for name, refused in REFUSED.items():
        found[name] = _Pure(builtins.__import__(name), refused)
    found["datetime"] = _Pure(datetime, {})
    vars(found["datetime"])["datetime"] = _Datetime
    vars(found["datetime"])["date"] = _Date
    vars(found["random"])["Random"] = _Random
    return found


_PURE: Final = _made()


def _import(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """`__import__` of a scenario's module."""
    if level == 0:
        if name in NETWORK or name.partition(".")[0] in NETWORK:
            raise ImportError(f"workflow code must not import {name}; {_ACTIVITY}")
        if name in _PURE:
            return _PURE[name]
    return builtins.__import__(name, globals, locals, fromlist or (), level)


PURE_BUILTINS: Final[dict[str, Any]] = {**vars(builtins), "__import__": _import}
"""The `__builtins__` of a scenario's module."""
