"""Results in one SQLite file that survive whatever happens to the process that makes them.

A result is a row of named values under a key: a cell (text) and a seed. Rows are written in transactions of at most a second by
one process; whoever opens the file again after a kill finds all that was committed, and goes on. What cells, seeds and
columns are is the user's business: a sweep, a fuzz campaign and a search for a size keep different ones.

While somebody writes there is a second file beside it, `NAME-writing`: it is locked, so that nobody else writes, and holds back
some space, so that what is finished can still be committed when the disk is full.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import Any, Final, TypeAlias

import msgspec

from sim.scenario.run import program_version
from sim.sweep.reserve import InUse, Reserve

VERSION: Final = 1
"""Of the tables below."""
EVERY: Final = 0.5
"""Seconds that a finished row waits for others at most before all are committed."""
MOST_WAITING: Final = 1_000
"""Rows that wait at most."""
_FULL: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)

Row: TypeAlias = dict[str, Any]
"""Column -> value: None, numbers, text, or lists and tables of these."""

_TABLES: Final = """
CREATE TABLE about (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE results (cell TEXT NOT NULL, seed INTEGER NOT NULL, row BLOB NOT NULL, PRIMARY KEY (cell, seed)) WITHOUT ROWID;
"""


class StoreError(Exception):
    """A store cannot be used; the message says which, why, and what to do."""


class Store:
    """The file. Opened for reading it may be read while another process writes.

    Args:
        path: the file; made if there is none, unless for reading.
        kind: what is kept, such as "sweep". A store of another kind is refused.
        writing: whether results will be added.

    Raises:
        StoreError: it is damaged, of another version or kind, in use, or cannot be read or written.
    """

    def __init__(self, path: Path | str, kind: str, writing: bool = True) -> None:
        self.path = Path(path)
        self.kind = kind
        self._writing = writing
        self._lock = threading.RLock()
        self._waiting: dict[tuple[str, int], bytes] = {}
        self._wake = threading.Event()
        self._closed = False
        self._problem: StoreError | None = None
        self._reserve: Reserve | None = None
        self._thread: threading.Thread | None = None
        self._check_file()
        if writing:
            self._reserve = self._reserved()
        try:
            self._db = self._opened()
        except StoreError:
            if self._reserve is not None:
                self._reserve.release()
            raise

    # ---- opening ---------------------------------------------------------------------------------

    def _check_file(self) -> None:
        if os.path.isdir(self.path):
            raise StoreError(f"{self.path}: is a directory; expected a file")
        if not self._writing and not exists(self.path):
            raise StoreError(f"{self.path}: no such store of results")

    def _reserved(self) -> Reserve:
        try:
            return Reserve(Path(f"{self.path}-writing"))
        except InUse:
            raise StoreError(f"{self.path}: another process is writing to it; wait for it to end, or choose another file") from None
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be written ({error.strerror}); expected a file in a folder that exists") from None

    def _opened(self) -> sqlite3.Connection:
        with self._said():
            db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=10)
            try:
                if self._writing:
                    db.execute("PRAGMA journal_mode=WAL")
                    db.execute("PRAGMA synchronous=NORMAL")
                else:
                    db.execute("PRAGMA query_only=ON")
                tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
                if self._writing and not tables:  # also when the process that began to make it was killed
                    self._make(db)
                elif not {"about", "results"} <= tables:
                    raise StoreError(f"{self.path}: is a database, but no store of results; choose another file")
                self._check(db)
            except BaseException:
                db.close()
                raise
        return db

    def _make(self, db: sqlite3.Connection) -> None:
        about = {"version": VERSION, "kind": self.kind, "made_by": program_version()}
        db.execute("BEGIN IMMEDIATE")
        for statement in _TABLES.strip().split(";\n"):
            db.execute(statement)
        db.executemany("INSERT INTO about VALUES (?, ?)", [(key, msgspec.json.encode(value)) for key, value in about.items()])
        db.execute("COMMIT")

    def _check(self, db: sqlite3.Connection) -> None:
        """Refuse what is damaged, or made by somebody else."""
        about = {key: msgspec.json.decode(value) for key, value in db.execute("SELECT key, value FROM about")}
        if about.get("version") != VERSION:
            raise StoreError(
                f"{self.path}: is a store of version {about.get('version')}, made by {about.get('made_by')}; this program "
                f"reads version {VERSION}: read it with that program, or choose another file"
            )
        if about.get("kind") != self.kind:
            raise StoreError(
                f"{self.path}: holds the results of a {about.get('kind')}, expected those of a {self.kind}; choose another file"
            )
        if self._writing and about.get("made_by") != program_version():
            raise StoreError(
                f"{self.path}: was made by {about.get('made_by')} and this is {program_version()}, which may give other results; "
                "go on with that program, or choose another file"
            )
        (sound,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if sound != "ok":
            raise sqlite3.DatabaseError(sound)

    # ---- saying what is wrong ----------------------------------------------------------------------

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Turn what SQLite says into what a user can do something about."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(self._sentence(error)) from error
        except msgspec.DecodeError as error:
            raise StoreError(f"{self.path}: is damaged ({error}); restore it, or choose another file") from error

    def _sentence(self, error: sqlite3.Error) -> str:
        code = getattr(error, "sqlite_errorcode", None)
        said = " ".join(str(error).removeprefix("*** in database main ***").split())
        match None if code is None else code & 0xFF:
            case sqlite3.SQLITE_FULL:
                return f"{self.path}: the disk is full; what was finished is kept: make room and give the same command again"
            case sqlite3.SQLITE_IOERR:
                return f"{self.path}: cannot be read or written ({said}); what was committed is kept: give the same command again"
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return f"{self.path}: another process is using it; wait for it to end, or choose another file"
            case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                return f"{self.path}: cannot be written ({said}); expected a file in a folder that can be written to"
            case sqlite3.SQLITE_NOTADB:
                return f"{self.path}: is no store of results; choose another file"
            case _:
                return f"{self.path}: is damaged ({said}); restore it, or choose another file"

    # ---- writing -----------------------------------------------------------------------------------

    def add(self, cell: str, seed: int, row: Row) -> None:
        """Keep a row; it is committed within a second. A row that is there is replaced.

        Raises:
            StoreError: rows cannot be written any more. When the disk has become full, this row has still been kept if that was
                possible at all: offer what is finished, and end.
        """
        with self._lock:
            self._waiting[cell, seed] = msgspec.json.encode(row)
            if self._problem is not None or len(self._waiting) >= MOST_WAITING:
                self.commit()
            elif self._thread is None:
                self._thread = threading.Thread(target=self._keep_committing, name="store", daemon=True)
                self._thread.start()
        self._wake.set()

    def commit(self) -> None:
        """Write what waits, now.

        Raises:
            StoreError: it cannot be written; what was committed before is kept.
        """
        with self._lock:
            try:
                if self._waiting:
                    with self._said():
                        self._write()
                    self._waiting.clear()
            except StoreError as problem:
                self._problem = self._problem or problem
            if self._problem is not None:
                raise self._problem

    def _write(self) -> None:
        try:
            self._transaction()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _FULL or self._reserve is None or not self._reserve.give_up_space():
                raise
            self._transaction()
            # This is in the file, but there is no room for much more.
            self._problem = StoreError(self._sentence(error))

    def _transaction(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            rows = [(cell, seed, row) for (cell, seed), row in self._waiting.items()]
            self._db.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", rows)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _keep_committing(self) -> None:
        """The thread that commits rows which nobody else commits. What goes wrong is raised to whoever adds the next."""
        while not self._closed:
            self._wake.wait()
            self._wake.clear()
            sleep(EVERY)
            with self._lock, suppress(StoreError):
                if not self._closed and self._problem is None:
                    self.commit()

    def put_about(self, key: str, value: Any) -> None:
        """Say something about the whole, in plain data, at once."""
        with self._lock, self._said():
            self._db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (key, msgspec.json.encode(value)))

    # ---- reading -----------------------------------------------------------------------------------

    def about(self) -> dict[str, Any]:
        """What is said about the whole: `version`, `kind`, `made_by` and what was put there."""
        return {key: msgspec.json.decode(value) for key, value in self._ask("SELECT key, value FROM about ORDER BY key")}

    def count(self) -> int:
        """How many rows there are."""
        return int(self._ask("SELECT count(*) FROM results")[0][0])

    def seeds(self, cell: str) -> set[int]:
        """The seeds of which there is a row."""
        return {seed for (seed,) in self._ask("SELECT seed FROM results WHERE cell = ?", cell)}

    def rows(self, cell: str) -> list[tuple[int, Row]]:
        """The rows of a cell, in the order of their seeds."""
        found = self._ask("SELECT seed, row FROM results WHERE cell = ? ORDER BY seed", cell)
        with self._said():
            return [(seed, msgspec.json.decode(row)) for seed, row in found]

    def _ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock, self._said():
            if self._waiting:
                self.commit()
            return self._db.execute(question, values).fetchall()

    # ---- closing -----------------------------------------------------------------------------------

    def close(self) -> None:
        """Commit, and close the file.

        Raises:
            StoreError: not all could be written.
        """
        with self._lock:
            if self._closed:
                return
            try:
                self.commit()
            finally:
                self._closed = True
                self._wake.set()
                self._db.close()
                if self._reserve is not None:
                    self._reserve.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.close()
        except StoreError:
            if error is None:
                raise


def exists(path: Path | str) -> bool:
    """Whether there is a file with something in it."""
    return os.path.isfile(path) and os.path.getsize(path) > 0
