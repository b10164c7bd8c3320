"""A fingerprint of everything that happened in a run, in order: two runs are the same if their digests are."""

from __future__ import annotations

from array import array
from hashlib import blake2b
from struct import calcsize, pack
from typing import Final

from sim.model.inputs import Deliver, Fired, Input, Reply

_BLOCK = 3 * 4096
_WIDTH: Final = calcsize("=q")
"""Bytes of a number."""


class Digest:
    """Hashes (time, node, what) of every input that a node took. Names enter when they are first used."""

    __slots__ = (
        "_buffer", "_codes", "_delivered", "_fired", "_hash", "_marks", "_newcomers", "_replied", "blocks", "events", "inputs", "nodes",
    )  # fmt: skip

    def __init__(self, remembering: bool = False) -> None:
        self.blocks: list[array[int]] | None = [] if remembering else None
        """All that was hashed, if it is remembered: blocks of (time, number of the node, number of what it took)."""
        self.nodes: dict[int, tuple[str, str]] = {}
        """What numbers of nodes stand for, if it is remembered: class and name."""
        self.inputs: dict[int, str] = {}
        """What numbers of inputs stand for, if it is remembered."""
        self._hash = blake2b(digest_size=16)
        self._buffer: list[int] = []
        self._marks: list[tuple[int, bytes]] = []
        """What else counts since the buffer was hashed, and behind how many of its numbers."""
        self._codes: dict[object, int] = {}
        # By class of input, so that the common ones need no key of their own.
        self._delivered: dict[type, int] = {}
        self._replied: dict[type, int] = {}
        self._fired: dict[object, int] = {}
        self._newcomers = 0
        self.events = 0

    def newcomer(self, name: str, kind: str = "") -> int:
        """A number for a new node; `kind`: its class, which is remembered and does not count."""
        self._marks.append((len(self._buffer), f"+{name}\n".encode()))
        self._newcomers += 1
        if self.blocks is not None:
            self.nodes[self._newcomers] = kind, name
        return self._newcomers

    def note(self, text: str) -> None:
        """Let something else count: how a workflow ended, say."""
        self._marks.append((len(self._buffer), f"!{text}\n".encode("utf-8", "surrogatepass")))

    def add(self, time: int, index: int, event: Input) -> None:
        """A node took an input. Of a message its class counts, of a timer the first part of its tag."""
        code: int | None
        # By exact class: inputs have no subclasses, and this is done for each.
        if type(event) is Deliver:
            code = self._delivered.get(type(event.message))
        elif type(event) is Reply:
            code = self._replied.get(type(event.message))
        elif type(event) is Fired:
            tag = event.tag
            code = self._fired.get(tag[0] if type(tag) is tuple else tag)
        else:
            code = self._codes.get(event)
        if code is None:
            code = self._new_code(event)
        buffer = self._buffer
        buffer += (time, index, code)
        if len(buffer) >= _BLOCK:
            self._flush()

    def _new_code(self, event: Input) -> int:
        """Codes are numbers in the order of first use; what they stand for enters the hash then."""
        self._newcomers += 1
        code = self._newcomers
        match event:
            case Deliver(message=message):
                self._delivered[type(message)] = code
                text = f"Deliver {type(message).__name__}"
            case Reply(message=message):
                self._replied[type(message)] = code
                text = f"Reply {type(message).__name__}"
            case Fired(tag=tag):
                first = tag[0] if isinstance(tag, tuple) else tag
                self._fired[first] = code
                text = f"Fired {first}"
            case _:
                self._codes[event] = code
                text = repr(event)
        self._marks.append((len(self._buffer), f"={code} {text}\n".encode()))
        if self.blocks is not None:
            self.inputs[code] = text
        return code

    def _flush(self) -> None:
        self.events += len(self._buffer) // 3
        # Of numbers struct makes bytes in a third of the time that an array takes.
        data, start = pack(f"={len(self._buffer)}q", *self._buffer), 0
        pieces: list[bytes] = []
        for numbers, text in self._marks:
            end = numbers * _WIDTH
            pieces += (data[start:end], text)
            start = end
        self._hash.update(b"".join([*pieces, data[start:]]))
        if self.blocks is not None and data:
            self.blocks.append(array("q", data))
        self._buffer.clear()
        self._marks.clear()

    def hexdigest(self) -> str:
        """The digest so far, 32 hexadecimal characters."""
        self._flush()
        return self._hash.hexdigest()


class Unkept(Digest):
    """In place of a digest, where not everything that happens is carried out: it is empty."""

    __slots__ = ()

    def newcomer(self, name: str, kind: str = "") -> int:
        return 0

    def note(self, text: str) -> None:
        return

    def add(self, time: int, index: int, event: Input) -> None:
        return

    def hexdigest(self) -> str:
        return ""
