"""A fingerprint of everything that happened in a run, in order: two runs are the same if their digests are."""

from __future__ import annotations

from array import array
from hashlib import blake2b

from sim.model.inputs import Deliver, Fired, Input, Reply

_BLOCK = 3 * 4096


class Digest:
    """Hashes (time, node, what) of every input that a node took. Names enter when they are first used."""

    __slots__ = ("_buffer", "_codes", "_hash", "_newcomers", "events")

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)
        self._buffer = array("q")
        self._codes: dict[object, int] = {}
        self._newcomers = 0
        self.events = 0

    def newcomer(self, name: str) -> int:
        """A number for a new node."""
        self._flush()
        self._hash.update(f"+{name}\n".encode())
        self._newcomers += 1
        return self._newcomers

    def add(self, time: int, index: int, event: Input) -> None:
        """A node took an input."""
        cls = type(event)
        what: object
        if cls is Deliver or cls is Reply:
            what = (cls, type(event.message))  # type: ignore[union-attr]
        elif cls is Fired:
            what = (cls, event.tag)  # type: ignore[union-attr]
        else:
            what = event
        code = self._codes.get(what)
        if code is None:
            code = self._new_code(what, event)
        buffer = self._buffer
        buffer.append(time)
        buffer.append(index)
        buffer.append(code)
        if len(buffer) >= _BLOCK:
            self._flush()

    def _new_code(self, what: object, event: Input) -> int:
        code = len(self._codes)
        self._codes[what] = code
        text = f"{type(event).__name__} {type(event.message).__name__}" if isinstance(event, (Deliver, Reply)) else repr(event)
        self._flush()
        self._hash.update(f"={code} {text}\n".encode())
        return code

    def _flush(self) -> None:
        if self._buffer:
            self.events += len(self._buffer) // 3
            self._hash.update(self._buffer.tobytes())
            self._buffer = array("q")

    def hexdigest(self) -> str:
        """The digest so far, 32 hexadecimal characters."""
        self._flush()
        return self._hash.hexdigest()
