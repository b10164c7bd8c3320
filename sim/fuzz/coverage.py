"""What the runs of a campaign have seen of the state machines, from what their digests hashed: it costs the runs nothing.

A *transition* is a kind of node with two inputs that it took one after the other. A *state* is a kind of node with its last
three inputs: a stand-in for what it remembers, which would cost more to look at than the run itself.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt

from sim.simulator.digest import Digest

Numbers = npt.NDArray[np.uint64]
_FIRST: Final = 0
"""Stands for the input before a node's first."""
_PLAIN: Final = ("Deliver ", "Reply ", "Fired ")
"""Inputs that are told with the class of their message, or the first part of their tag; of others only the class is."""
_FAULT: Final = re.compile(r"Fault\(kind='(\w+)'")
_IDS: dict[str, int] = {}


def identity(text: str) -> int:
    """A number for a text, the same in every process."""
    known = _IDS.get(text)
    if known is None:
        known = _IDS[text] = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") | 1
    return known


def seen_in(digest: Digest) -> tuple[set[str], set[int]]:
    """The transitions, in words, and the states, as numbers, of a run whose digest remembers."""
    digest.hexdigest()
    blocks = digest.blocks or []
    if not blocks:
        return set(), set()
    table = np.concatenate([np.frombuffer(block, dtype=np.int64) for block in blocks]).reshape(-1, 3)
    order = np.argsort(table[:, 1], kind="stable")
    nodes, codes = table[order, 1], table[order, 2]
    words = _words(digest)
    ids = np.zeros(max(words) + 1, dtype=np.uint64)
    for number, text in words.items():
        ids[number] = identity(text)
    first = _same_as_before(nodes, 1)
    before = np.where(first, _shifted(codes, 1), _FIRST)
    kinds, now, one = ids[nodes], ids[codes], ids[before]
    two = np.where(_same_as_before(nodes, 2), ids[_shifted(codes, 2)], np.uint64(_FIRST))
    return _transitions(kinds, one, now, words), set(np.unique(_mixed(kinds, two, one, now)).tolist())


def _words(digest: Digest) -> dict[int, str]:
    """Of a node its class, of an input its class and what kind of message, timer or fault it is."""
    found = {_FIRST: "nothing", **{number: kind for number, (kind, _) in digest.nodes.items()}}
    for number, text in digest.inputs.items():
        fault = _FAULT.match(text)
        found[number] = f"Fault {fault[1]}" if fault else text if text.startswith(_PLAIN) else text.partition("(")[0]
    return found


def _shifted(values: npt.NDArray[np.int64], by: int) -> npt.NDArray[np.int64]:
    found = np.zeros_like(values)
    found[by:] = values[:-by]
    return found


def _same_as_before(nodes: npt.NDArray[np.int64], by: int) -> npt.NDArray[np.bool_]:
    found = np.zeros(len(nodes), dtype=np.bool_)
    found[by:] = nodes[by:] == nodes[:-by]
    return found


def _mixed(*parts: Numbers) -> Numbers:
    """One number of several, by multiplication and shifts as in `draws.mix64`."""
    found = np.zeros(len(parts[0]), dtype=np.uint64)
    for part in parts:
        found = (found ^ part) * np.uint64(0xBF58476D1CE4E5B9)
        found ^= found >> np.uint64(31)
    return found


def _transitions(kinds: Numbers, before: Numbers, now: Numbers, words: dict[int, str]) -> set[str]:
    text = {identity(word): word for word in words.values()} | {0: "nothing"}
    _, index = np.unique(_mixed(kinds, before, now), return_index=True)
    return {
        f"{text[kind]}: {text[one]}, {text[two]}"
        for kind, one, two in zip(kinds[index].tolist(), before[index].tolist(), now[index].tolist(), strict=True)
    }
