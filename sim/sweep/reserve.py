"""A file that is locked while somebody writes to a store, and holds space for its last commit on a disk that is full."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

SPACE: Final = 8 << 20
"""Bytes: twice what a commit of a thousand rows takes in the log, and in the file."""


class InUse(Exception):
    """Another process holds the lock."""


class Reserve:
    """The lock and the space. The lock ends with the process, however that ends.

    Raises:
        InUse: another process holds the lock.
        OSError: the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held = False
        self._fd = _locked(path)
        self._hold()

    def _hold(self) -> None:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._fd, 0, SPACE)
                self._held = True
        except OSError:
            # There is less than that: the disk is as good as full, and says so itself.
            os.ftruncate(self._fd, 0)

    def give_up_space(self) -> bool:
        """Let somebody else use the space; whether there was any."""
        held, self._held = self._held, False
        if held:
            os.ftruncate(self._fd, 0)
        return held

    def release(self) -> None:
        """Take the file away."""
        if self._fd >= 0:
            self.path.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = -1


def _locked(path: Path) -> int:
    """The file, open and locked."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(fd)
        except OSError:
            os.close(fd)
            raise InUse from None
        if os.path.exists(path) and os.path.samestat(os.fstat(fd), os.stat(path)):
            return fd
        os.close(fd)  # its last user has just taken it away


def _lock(fd: int) -> None:
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
