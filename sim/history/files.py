"""Finds histories: in files, compressed or not, in folders, on standard input; one, an array of them, or one a line."""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from sim.history.temporal_reader import History, HistoryError, read_history

STDIN: Final = "standard input"
SUFFIXES: Final = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
"""What is looked at in a folder."""

_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Left:
    """What was left out. `names`: files of folders that hold JSON and no history; `damaged`: what is wrong with the others."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.damaged: list[HistoryError] = []


def histories(paths: Iterable[str | Path], left: Left | None = None) -> Iterator[History]:
    """All histories of these files and folders, in order; `-` is standard input.

    A file that is named has to be a history. In a folder, searched with all below it, a file of other JSON is passed over
    and entered in `left`. What is damaged is entered there, too, and the rest is read; without `left` it is an error.

    Raises:
        HistoryError: a file cannot be read, is damaged, or is something else.
    """
    for path in paths:
        if str(path) == "-":
            yield from _read(sys.stdin.buffer.read, STDIN, left)
            continue
        place = Path(path)
        if os.path.isdir(place):
            yield from _folder(place, left)
        else:
            yield from _read(partial(_bytes, place), str(place), left)


@contextmanager
def _entering(left: Left | None) -> Iterator[None]:
    """Enter what is damaged in `left`, if there is one."""
    try:
        yield
    except HistoryError as error:
        if left is None:
            raise
        left.damaged.append(error)


def _folder(folder: Path, left: Left | None) -> Iterator[History]:
    with _entering(left):
        found = sorted(file for file in folder.rglob("*") if file.name.endswith(SUFFIXES) and file.is_file())
        if not found:
            raise HistoryError(str(folder), "", f"holds no file that ends in {', '.join(SUFFIXES)}; expected histories")
        passed_over: list[str] = []
        for file in found:
            yield from _read(partial(_bytes, file), str(file), left, passed_over)
        if len(passed_over) == len(found):
            raise HistoryError(str(folder), "", f"holds no history, only other JSON such as {passed_over[0]}; expected histories")
        if left is not None:
            left.names.extend(passed_over)


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise HistoryError(str(path), "", "no such file or folder") from None
    except OSError as error:
        raise HistoryError(str(path), "", f"cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise HistoryError(repr(str(path)), "", f"cannot be read ({error})") from None  # a NUL in its name
    return data


def _read(bytes_of: Callable[[], bytes], source: str, left: Left | None, others: list[str] | None = None) -> Iterator[History]:
    """The histories of a file. With `others`, a file of other JSON is entered there."""
    contents: list[tuple[str, object]] = []
    with _entering(left):
        contents = _decoded(bytes_of(), source)
    if others is not None and contents and not any(isinstance(content, dict) and "events" in content for _, content in contents):
        others.append(source)
        return
    for where, content in contents:
        history = None
        with _entering(left):
            history = _named(read_history(content, where), Path(source))
        if history is not None:
            yield history


def _named(history: History, file: Path) -> History:
    """Old servers did not write the ids of workflow and run into a history: the file's name stands for them."""
    if history.workflow_id and history.run_id:
        return history
    workflow_id = history.workflow_id or file.name.partition(".")[0]
    return msgspec.structs.replace(history, workflow_id=workflow_id, run_id=history.run_id or history.source)


def _decoded(data: bytes, source: str) -> list[tuple[str, object]]:
    """The JSON values of a file, each with what messages call it."""
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise HistoryError(source, "", f"is a damaged gzip file ({error})") from None
    data = data.removeprefix(BOM_UTF8)
    if not data.strip():
        raise HistoryError(source, "", "is empty; expected a history in JSON")
    try:
        content = msgspec.json.decode(data)
    except _UNREADABLE as error:
        lines = _lines(data, source)
        if lines is None:
            raise HistoryError(source, *_place(data, str(error))) from None
        return lines
    if isinstance(content, list) and not any(isinstance(one, dict) and "eventId" in one for one in content):
        return [(f"{source}[{index}]", one) for index, one in enumerate(content)]
    # A bare list of events is what some scripts keep of an export.
    return [(source, {"events": content} if isinstance(content, list) else content)]


def _lines(data: bytes, source: str) -> list[tuple[str, object]] | None:
    """A history a line; None when the first line is not a whole JSON value, so that the file is one damaged value."""
    found: list[tuple[str, object]] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            found.append((f"{source}, line {number}", msgspec.json.decode(line)))
        except _UNREADABLE as error:
            if not found:
                return None
            raise HistoryError(source, f"line {number}", f"is not JSON: {_reason(str(error))}") from None
    return found


def _place(data: bytes, error: str) -> tuple[str, str]:
    """Where JSON breaks off, and why."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as undecodable:
        return _line_and_column(data, undecodable.start), "is not UTF-8 text; expected a history in JSON"
    if "truncated" in error or "end of input" in error.lower():
        return _line_and_column(data, len(data.rstrip())), "the JSON breaks off here; is the file complete?"
    _, found, rest = error.partition("(byte ")
    offset = int(rest.partition(")")[0]) if found else 0
    return _line_and_column(data, offset), f"is not JSON: {_reason(error)}"


def _line_and_column(data: bytes, offset: int) -> str:
    before = data[:offset]
    line, column = before.count(b"\n") + 1, offset - before.rfind(b"\n")
    return f"line {line}, column {column}"


def _reason(error: str) -> str:
    return error.removeprefix("JSON is malformed: ").partition(" (byte")[0]
