"""Tables for other programs: CSV and Parquet, sorted by cell and seed, with nothing in them that differs between two computations."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sim.frames import Columns
from sim.sweep.plan import Plan
from sim.sweep.result import SweptRun, table

ROWS: Final = 50_000
"""Of a row group in a Parquet file."""
SUFFIXES: Final = (".csv", ".parquet")


class ExportError(Exception):
    """A table cannot be written; the message says why."""


def check_export(path: Path) -> None:
    """Refuse early what would be refused after hours.

    Raises:
        ExportError: the file's name or place, or a missing package.
    """
    if path.suffix not in SUFFIXES:
        raise ExportError(f"{path}: is neither CSV nor Parquet; expected a name that ends in .csv or .parquet")
    if not path.parent.is_dir():
        raise ExportError(f"{path}: there is no folder {path.parent}; expected a file in a folder that exists")
    if path.suffix == ".parquet":
        _pyarrow()


def export(plan: Plan, runs: Iterable[SweptRun], path: Path) -> None:
    """Write a table of runs; the file is there as a whole, or not at all.

    Raises:
        ExportError: as `check_export`.
        OSError: it cannot be written.
    """
    check_export(path)
    columns = table(plan)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        (_csv if path.suffix == ".csv" else _parquet)(columns, iter(runs), partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _csv(columns: Columns[Any], runs: Iterator[SweptRun], path: Path) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column.name for column in columns])
        for run in runs:
            writer.writerow([_text(column.of(run)) for column in columns])


def _text(value: object) -> object:
    """A value as text: a missing one is empty, yes and no are words."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value)
        case _:
            return value


def _parquet(columns: Columns[Any], runs: Iterator[SweptRun], path: Path) -> None:
    arrow, parquet = _pyarrow()
    kinds = {"string": arrow.string(), "int64": arrow.int64(), "float64": arrow.float64(), "bool": arrow.bool_()}
    schema = arrow.schema([(column.name, kinds[column.dtype]) for column in columns])
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(islice(runs, ROWS)):
            arrays = [arrow.array([column.of(run) for run in batch], kinds[column.dtype]) for column in columns]
            writer.write_table(arrow.table(arrays, schema=schema))


def _pyarrow() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        raise ExportError("a Parquet file needs pyarrow, which is not installed; pip install 'session-sim[parquet]', or use .csv") from None
