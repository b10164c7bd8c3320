"""What the runs of a campaign have seen of the state machines, from what their digests hashed: it costs the runs nothing.

A *transition* is a kind of node with two inputs that it took one after the other. A *state* is a kind of node with its last
three inputs: a stand-in for what it remembers, which would cost more to look at than the run itself.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from sim.simulator.digest import Digest

_MASK: Final = (1 << 64) - 1
_FIRST: Final = 0
"""Stands for the input before a node's first."""
_PLAIN: Final = ("Deliver ", "Reply ", "Fired ")
"""Inputs that are told with the class of their message, or the first part of their tag; of others only the class is."""
_FAULT: Final = re.compile(r"Fault\(kind='(\w+)'")
_IDS: dict[str, int] = {}
_TEXTS: dict[int, str] = {}
"""What numbers of texts stand for."""


def identity(text: str) -> int:
    """A number for a text, the same in every process."""
    known = _IDS.get(text)
    if known is None:
        known = _IDS[text] = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") | 1
        _TEXTS[known] = text
    return known


def seen_in(digest: Digest) -> tuple[set[str], set[int]]:
    """The transitions, in words, and the states, as numbers, of a run whose digest remembers."""
    digest.hexdigest()
    ids = {number: identity(text) for number, text in _words(digest).items()}
    unused = (_FIRST, _FIRST)
    before: dict[int, tuple[int, int]] = {}
    seen: set[tuple[int, int, int, int]] = set()
    for block in digest.blocks or ():
        for node, code in zip(block[1::3], block[2::3], strict=True):
            one, two = before.get(node, unused)
            now = ids[code]
            before[node] = now, one
            seen.add((ids[node], two, one, now))
    nothing = ids[_FIRST]
    transitions = {_told(kind, one or nothing, now) for kind, one, now in {(kind, one, now) for kind, _, one, now in seen}}
    return transitions, {_mixed(kind, two, one or nothing, now) for kind, two, one, now in seen}


def _words(digest: Digest) -> dict[int, str]:
    """Of a node its class, of an input its class and what kind of message, timer or fault it is."""
    found = {_FIRST: "nothing", **{number: kind for number, (kind, _) in digest.nodes.items()}}
    for number, text in digest.inputs.items():
        fault = _FAULT.match(text)
        found[number] = f"Fault {fault[1]}" if fault else text if text.startswith(_PLAIN) else text.partition("(")[0]
    return found


# The runs of a campaign see the same again and again.
@lru_cache(maxsize=1 << 16)
def _mixed(*parts: int) -> int:
    """One number of several, by multiplication and shifts as in `draws.mix64`."""
    found = 0
    for part in parts:
        found = ((found ^ part) * 0xBF58476D1CE4E5B9) & _MASK
        found ^= found >> 31
    return found


@lru_cache(maxsize=1 << 14)
def _told(kind: int, before: int, now: int) -> str:
    return f"{_TEXTS[kind]}: {_TEXTS[before]}, {_TEXTS[now]}"
