"""Results that are tables: rows of one kind that become a pandas frame when somebody asks for one.

pandas is the extra `frames`: nothing needs it before `to_frame` is called. Points and lengths of time are microseconds in results and
seconds in frames, where the names of their columns end in `_s`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from pandas import DataFrame

T = TypeVar("T")

SECOND = 1_000_000

Dtype = Literal["string", "int64", "float64", "bool", "object"]


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column: its name, its dtype in pandas, and its value in a row. None is missing: NaN in numbers, <NA> in text."""

    name: str
    dtype: Dtype
    of: Callable[[T], object]


Columns: TypeAlias = tuple[Column[T], ...]


def text(name: str, of: Callable[[T], str | None]) -> Column[T]:
    """A column of text; "" is missing, as None is."""
    return Column(name, "string", lambda row: of(row) or None)


def count(name: str, of: Callable[[T], int]) -> Column[T]:
    """A column of whole numbers."""
    return Column(name, "int64", of)


def number(name: str, of: Callable[[T], float | None]) -> Column[T]:
    """A column of numbers."""
    return Column(name, "float64", of)


def flag(name: str, of: Callable[[T], bool]) -> Column[T]:
    """A column of yes and no."""
    return Column(name, "bool", of)


def seconds(name: str, of: Callable[[T], int | None]) -> Column[T]:
    """A column of seconds, from microseconds."""

    def value(row: T) -> float | None:
        time = of(row)
        return None if time is None else time / SECOND

    return Column(name, "float64", value)


def between(name: str, since: Callable[[T], int | None], until: Callable[[T], int | None]) -> Column[T]:
    """A column of seconds from one point of time to another; missing where one of them is."""

    def value(row: T) -> int | None:
        first, last = since(row), until(row)
        return None if first is None or last is None else last - first

    return seconds(name, value)


class Rows(list[T]):
    """A list whose items are the rows of a table."""

    columns: ClassVar[Columns[Any]] = ()

    def to_frame(self) -> DataFrame:
        """The rows as a pandas frame, in their order. Raises ImportError when pandas is missing."""
        return frame(self.columns, self)


class FixedRows(tuple[T, ...]):
    """A tuple whose items are the rows of a table."""

    __slots__ = ()
    columns: ClassVar[Columns[Any]] = ()

    def to_frame(self) -> DataFrame:
        """The rows as a pandas frame, in their order. Raises ImportError when pandas is missing."""
        return frame(self.columns, self)


def frame(columns: Columns[Any], rows: Iterable[Any]) -> DataFrame:
    """These columns of these rows as a pandas frame; the dtypes are the same when there are no rows.

    Raises:
        ImportError: pandas is missing; the message says how to install it.
    """
    pandas = _pandas()
    kept = list(rows)
    content = {}
    for column in columns:
        values = [column.of(row) for row in kept]
        try:
            content[column.name] = pandas.Series(values, dtype=column.dtype)
        except OverflowError:  # a seed may be any integer
            content[column.name] = pandas.Series(values, dtype="object")
    made: DataFrame = pandas.DataFrame(content, columns=[column.name for column in columns])
    return made


def _pandas() -> Any:
    try:
        return import_module("pandas")
    except ModuleNotFoundError as error:
        if error.name != "pandas":
            raise
        raise ImportError("to_frame needs pandas, which is not installed; install it with: pip install 'session-sim[frames]'") from None
