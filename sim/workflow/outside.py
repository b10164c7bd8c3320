"""What workflow code may not reach: the clock, chance and the network of the machine it runs on.

Whoever reads them does something else when it is replayed, and a run of it is no function of its seed. A module of
workflows gets stand-ins for the modules of Python that have such functions: all else in them is theirs. A function that
cannot be the same twice refuses to be called, with what to use instead; it costs other calls nothing.

A module that a module of workflows imports itself is not looked into.

The same goes for `hash()` of what has another hash in each process, and for `id()`. Neither is refused where nothing comes of the number:
hashes are asked for by sets and dicts, and what `id()` gives can be compared and looked up, and refuses all else.
"""

from __future__ import annotations

import builtins
import datetime
import enum
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Final

CLOCK: Final = "reads the clock: use workflow.now(ctx), the time of the workflow task"
WAITS: Final = "waits for the real world: use `await workflow.sleep(ctx, workflow.seconds(n))`, or a timer"
CHANCE: Final = (
    "is left to chance: take what differs from run to run from the input or from an activity, or use a generator with a seed, "
    "random.Random(workflow.get_info(ctx).workflow_id)"
)
NETWORK: Final = "reaches out of the workflow: let an activity do it, `await workflow.execute_activity(ctx, ...).get(ctx)`"
HASHES: Final = (
    "differs from process to process (PYTHONHASHSEED, or where the value lies in memory): use the value itself as a key, or "
    "zlib.crc32(text.encode()) for a number that stays the same"
)
ADDRESS: Final = (
    "is where an object lies in memory, which differs from process to process: compare with `is`, or give objects names of their own; the "
    "number is good for nothing else"
)

_CLOCKS: Final = (
    "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "thread_time",
    "thread_time_ns", "clock_gettime", "clock_gettime_ns",
)  # fmt: skip
_NOW_IF_EMPTY: Final = ("localtime", "gmtime", "ctime", "asctime")
_DICE: Final = (
    "random", "randint", "randrange", "uniform", "choice", "choices", "sample", "shuffle", "gauss", "normalvariate", "lognormvariate",
    "expovariate", "betavariate", "gammavariate", "triangular", "vonmisesvariate", "paretovariate", "weibullvariate", "getrandbits",
    "randbytes", "seed", "binomialvariate", "SystemRandom",
)  # fmt: skip
_OUT: Final = (
    "socket", "ssl", "urllib.request", "http.client", "ftplib", "smtplib", "imaplib", "poplib", "socketserver", "xmlrpc.client", "requests",
    "httpx", "aiohttp", "urllib3", "websockets", "grpc", "subprocess",
)  # fmt: skip


class Refused(BaseException):
    """Workflow code reads what it may not. No `Exception`, which it may catch; the message says what, and what to use instead."""


def _refusing(name: str, why: str) -> Callable[..., Any]:
    def refused(*args: object, **kwargs: object) -> Any:
        raise Refused(f"{name}() {why}")

    refused.__name__ = refused.__qualname__ = name.rpartition(".")[2]
    return refused


def _unless_given(function: Callable[..., Any], name: str, why: str, fewest: int = 1) -> Callable[..., Any]:
    """The function, if it is told what it would otherwise find out by itself."""

    def told(*args: Any, **kwargs: Any) -> Any:
        if len(args) + len(kwargs) < fewest or (args and args[fewest - 1] is None):
            raise Refused(f"{name}() {why}")
        return function(*args, **kwargs)

    return told


_HASHED_ANEW: Final[tuple[Any, ...]] = tuple(
    kind.__hash__ for kind in (str, bytes, memoryview, datetime.date, datetime.datetime, datetime.time, enum.Enum, object)
)
"""By a seed, or (`object`) by where it lies in memory."""
_HASHED_BY_ITEMS: Final[tuple[Any, ...]] = (tuple.__hash__, frozenset.__hash__)


def _hash(value: object, /) -> int:
    """`hash()` in a module of workflows."""
    if _is_asked_outright() and _has_no_fixed_hash(value):
        raise Refused(f"hash() of {_a(type(value).__name__)} {HASHES}")
    return hash(value)


def _has_no_fixed_hash(value: Any) -> bool:
    hashed_by: object = type(value).__hash__
    if hashed_by in _HASHED_BY_ITEMS:
        return any(_has_no_fixed_hash(item) for item in value)
    return hashed_by in _HASHED_ANEW


def _is_asked_outright() -> bool:
    """Whether workflow code wants the number, and not a dict or a set, by a `__hash__` of that code or of a dataclass."""
    outright, frame = True, inspect.currentframe()
    while frame is not None:
        if frame.f_code is _hash.__code__:
            outright = True
        elif frame.f_code.co_name == "__hash__":
            outright = False
        frame = frame.f_back
    return outright


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiouAEIOU" else f"a {noun}"


class _Address:
    """What `id()` gives: it equals that of the same object, and is no number."""

    __slots__ = ("_where",)

    def __init__(self, of: object, /) -> None:
        self._where = id(of)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Address) and other._where == self._where

    def __hash__(self) -> int:
        return self._where

    def __repr__(self) -> str:
        # Of arguments and results, which others show: nothing comes of it in workflow code, and it is always the same.
        return "<id() of an object>"

    def _refuse(self, *_: object) -> Any:
        raise Refused(f"id() {ADDRESS}")

    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __index__ = __float__ = __bool__ = _refuse
    __str__ = __format__ = __reduce_ex__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __rmod__ = __divmod__ = __floordiv__ = __truediv__ = _refuse
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __lshift__ = __rshift__ = __invert__ = __neg__ = _refuse


class _Datetime(datetime.datetime):
    """Without the present."""

    now = classmethod(lambda cls, tz=None: _refusing("datetime.now", CLOCK)())
    utcnow = classmethod(lambda cls: _refusing("datetime.utcnow", CLOCK)())
    today = classmethod(lambda cls: _refusing("datetime.today", CLOCK)())


class _Date(datetime.date):
    """Without today."""

    today = classmethod(lambda cls: _refusing("date.today", CLOCK)())


def _named(module: str, names: Sequence[str], why: str) -> dict[str, Any]:
    return {name: _refusing(f"{module}.{name}", why) for name in names if hasattr(sys.modules[module], name)}


def _time() -> dict[str, Any]:
    module = sys.modules["time"]
    found = _named("time", _CLOCKS, CLOCK) | {"sleep": _refusing("time.sleep", WAITS)}
    found |= {name: _unless_given(getattr(module, name), f"time.{name}", CLOCK) for name in _NOW_IF_EMPTY}
    return found | {"strftime": _unless_given(module.strftime, "time.strftime", CLOCK, 2)}


def _random() -> dict[str, Any]:
    module = sys.modules["random"]
    return _named("random", _DICE, CHANCE) | {"Random": _unless_given(module.Random, "random.Random", CHANCE)}


_BUILTINS: Final[Mapping[str, Any]] = {"hash": _hash, "id": _Address}
_STANDINS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "time": _time,
    "random": _random,
    "datetime": lambda: {"datetime": _Datetime, "date": _Date},
    "uuid": lambda: _named("uuid", ("uuid1", "uuid4", "uuid6", "uuid7", "getnode"), CHANCE),
    "secrets": lambda: _named(
        "secrets", ("choice", "randbelow", "randbits", "token_bytes", "token_hex", "token_urlsafe", "SystemRandom"), CHANCE
    ),
    "os": lambda: _named("os", ("urandom", "getrandom"), CHANCE) | _named("os", ("system", "popen"), NETWORK),
    "builtins": lambda: dict(_BUILTINS),
    "asyncio": lambda: _named("asyncio", ("sleep", "wait_for", "timeout"), WAITS) | _named("asyncio", ("open_connection",), NETWORK),
}


def _without_functions(module: ModuleType) -> dict[str, Any]:
    """What refuses in a module that is there for the network: all that can be called, but for the classes of its errors."""
    found: dict[str, Any] = {}
    for name, value in vars(module).items():
        if name.startswith("_") or not callable(value) or (isinstance(value, type) and issubclass(value, BaseException)):
            continue
        found[name] = _refusing(f"{module.__name__}.{name}", NETWORK)
    return found


def _standin(module: ModuleType) -> ModuleType:
    """What workflow code gets for a module: itself, if there is nothing in it that has to refuse."""
    name = module.__name__
    parts = {part: sys.modules[f"{name}.{part}"] for part in _parts(name) if f"{name}.{part}" in sys.modules}
    inner = {part: standin for part, real in parts.items() if (standin := _standin(real)) is not real}
    if name not in _STANDINS and name not in _OUT and not inner:
        return module
    replaced = _STANDINS[name]() if name in _STANDINS else _without_functions(module) if name in _OUT else {}
    found = ModuleType(name, module.__doc__)
    vars(found).update({**vars(module), **replaced, **inner})
    return found


def _parts(name: str) -> list[str]:
    """The modules within this one that have to refuse."""
    return [known[len(name) + 1 :].partition(".")[0] for known in (*_STANDINS, *_OUT) if known.startswith(f"{name}.")]


def _import(
    name: str,
    scope: Mapping[str, Any] | None = None,
    names: Mapping[str, Any] | None = None,
    wanted: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    """`import` in a module of workflows."""
    return _standin(builtins.__import__(name, scope, names, wanted or (), level))


def builtins_of_workflows() -> dict[str, Any]:
    """The `__builtins__` of a module of workflows."""
    return {**vars(builtins), **_BUILTINS, "__import__": _import}
