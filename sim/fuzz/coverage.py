"""What the runs of a campaign have seen of the state machines, from what their digests hashed: it costs the runs nothing.

A *transition* is a kind of node with two inputs that it took one after the other. A *state* is a kind of node with its last
three inputs: a stand-in for what it remembers, which would cost more to look at than the run itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import numpy as np

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
    words = _words(digest)
    texts = list(dict.fromkeys(words.values()))
    places = {text: place for place, text in enumerate(texts)}
    ids = [identity(text) for text in texts]
    transitions: set[str] = set()
    states: set[int] = set()
    for kind, two, one, now in _windows(digest, {number: places[text] for number, text in words.items()}, len(texts)):
        transitions.add(_told(ids[kind], ids[one], ids[now]))
        # Two inputs before a node's first or second there is nothing, which counts as 0.
        states.add(_mixed(ids[kind], ids[two] if two else 0, ids[one], ids[now]))
    return transitions, states


def _windows(digest: Digest, places: Mapping[int, int], count: int) -> Iterable[tuple[int, int, int, int]]:
    """(kind of node, the input before the last, the last, this one) of every input, each once: by their `places` among `count` texts."""
    if not digest.blocks:
        return ()
    place = np.zeros(max(places) + 1, dtype=np.int64)
    place[list(places)] = list(places.values())
    taken = np.concatenate([np.frombuffer(block, dtype=np.int64) for block in digest.blocks])
    nodes = taken[1::3]
    order = np.argsort(nodes, kind="stable")
    nodes, now = nodes[order], place[taken[2::3][order]]
    # What a node took before stands before it in this order, if that is the same node's.
    one, two = np.zeros_like(now), np.zeros_like(now)
    one[1:] = np.where(nodes[1:] == nodes[:-1], now[:-1], 0)
    two[2:] = np.where(nodes[2:] == nodes[:-2], now[:-2], 0)
    packed = np.unique(((place[nodes] * count + two) * count + one) * count + now)
    rest, last = np.divmod(packed, count)
    rest, middle = np.divmod(rest, count)
    kind, first = np.divmod(rest, count)
    return zip(kind.tolist(), first.tolist(), middle.tolist(), last.tolist(), strict=True)


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
