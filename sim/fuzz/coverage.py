"""What the runs of a campaign have seen of the state machines, from what their digests hashed: it costs the runs nothing.

A *transition* is a kind of node with two inputs that it took one after the other. A *state* is a kind of node with its last
three inputs: a stand-in for what it remembers, which would cost more to look at than the run itself.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

from sim.simulator.digest import Digest

_MASK: Final = (1 << 64) - 1
_NOTHING: Final = "nothing"
"""Stands for the input before a node's first."""
_PLAIN: Final = ("Deliver ", "Reply ", "Fired ")
"""Inputs that are told with the class of their message, or the first part of their tag; of others only the class is."""
_FAULT: Final = re.compile(r"Fault\(kind='(\w+)'")


class _Known:
    """What the runs of this process have seen, so that what they see again is only looked up: windows of a kind of node and three inputs.

    Windows, kinds and inputs have numbers here. `after`: by window the window that an input leads to.
    """

    def __init__(self) -> None:
        self.texts: dict[str, int] = {_NOTHING: 0}
        self.after: list[dict[int, int]] = []
        self.transitions: list[str] = []
        self.states: list[int] = []
        self._windows: list[tuple[str, str, str, str]] = []
        self._numbers: dict[tuple[str, str, str, str], int] = {}

    def number(self, text: str) -> int:
        """That of a kind of input."""
        return self.texts.setdefault(text, len(self.texts))

    def first(self, kind: str) -> int:
        """The window of a node that has taken nothing."""
        return self._window((kind, _NOTHING, _NOTHING, _NOTHING))

    def learn(self, window: int, code: int, text: str) -> int:
        """The window that an input leads to, which is not known yet."""
        kind, _, two, one = self._windows[window]
        found = self.after[window][code] = self._window((kind, two, one, text))
        return found

    def _window(self, window: tuple[str, str, str, str]) -> int:
        number = self._numbers.get(window)
        if number is None:
            number = self._numbers[window] = len(self._windows)
            kind, two, one, now = window
            self._windows.append(window)
            self.after.append({})
            self.transitions.append(f"{kind}: {one}, {now}")
            self.states.append(_mixed(identity(kind), identity(two) if two != _NOTHING else 0, identity(one), identity(now)))
        return number


def seen_in(digest: Digest) -> tuple[set[str], set[int]]:
    """The transitions, in words, and the states, as numbers, of a run whose digest remembers."""
    digest.hexdigest()
    known, after = _KNOWN, _KNOWN.after
    texts = _words(digest)
    codes = {number: known.number(text) for number, text in texts.items()}
    last = {number: known.first(kind) for number, (kind, _) in digest.nodes.items()}
    seen: set[int] = set()
    for block in digest.blocks or ():
        for node, number in zip(block[1::3], block[2::3], strict=True):
            before, code = last[node], codes[number]
            window = after[before].get(code, -1)
            if window < 0:
                window = known.learn(before, code, texts[number])
            last[node] = window
            seen.add(window)
    return {known.transitions[window] for window in seen}, {known.states[window] for window in seen}


def identity(text: str) -> int:
    """A number for a text, the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") | 1


def _mixed(*parts: int) -> int:
    """One number of several, by multiplication and shifts as in `draws.mix64`."""
    found = 0
    for part in parts:
        found = ((found ^ part) * 0xBF58476D1CE4E5B9) & _MASK
        found ^= found >> 31
    return found


def _words(digest: Digest) -> dict[int, str]:
    """Of an input its class and what kind of message, timer or fault it is."""
    found: dict[int, str] = {}
    for number, text in digest.inputs.items():
        fault = _FAULT.match(text)
        found[number] = f"Fault {fault[1]}" if fault else text if text.startswith(_PLAIN) else text.partition("(")[0]
    return found


_KNOWN: Final = _Known()
