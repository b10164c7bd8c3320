"""Renaming words within names: for systems whose nodes' names are made of others ("server/run/job-1/1" of "job-1").

Names also travel in encoded form, as a session's token does: base64 of JSON. What decodes to text is looked into.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final

_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4}){4,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
"""Of twelve bytes at least: shorter strings are names."""


class Texts(dict[str, str]):
    """By text: what becomes of it under a renaming, worked out when it is first asked for."""

    __slots__ = ("_renamed",)

    def __init__(self, renamed: Callable[[str], str], known: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(known)
        self._renamed = renamed

    def __missing__(self, text: str) -> str:
        found = self[text] = self._renamed(text)
        return found


class Words(Mapping[str, str]):
    """A renaming that also finds its words inside longer strings, where no letter, digit or underscore adjoins them.

    `Words({"w1": "w2", "w2": "w1"}).get("server/queue/w1.1@host-w1", ...)` is "server/queue/w2.1@host-w2".
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = dict(names)
        longest_first = sorted(self._names, key=lambda word: (-len(word), word))
        alternatives = "|".join(map(re.escape, longest_first)) or r"(?!)"
        self._pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)")
        self.texts = Texts(self._in_text)
        self.constants: dict[int, Hashable] = {}
        """What `sim.model.renaming.rename` makes of forms that live for ever, by their identity."""

    def __getitem__(self, text: str) -> str:
        return self.texts[text]

    def _in_text(self, text: str) -> str:
        if not _BASE64.fullmatch(text):
            return self._pattern.sub(lambda word: self._names[word[0]], text)
        try:
            inner = base64.b64decode(text, validate=True)
        except ValueError:
            return text
        renamed = self.in_bytes(inner)
        return text if renamed == inner else base64.b64encode(renamed).decode()

    def in_bytes(self, data: bytes) -> bytes:
        """The same for bytes that are text; others stay as they are."""
        try:
            return self[data.decode("utf-8")].encode("utf-8")
        except UnicodeDecodeError:
            return data

    def get(self, text: str, default: str | None = None) -> str:  # type: ignore[override]
        """The text with its words replaced; the same text without any, whatever the default."""
        return self.texts[text]

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def ambiguous(words: Sequence[str]) -> str:
    """Why these words cannot be told apart within names, "" if they can: one is part of another, or no whole word."""
    for word in words:
        if not re.fullmatch(r"\w(?:.*\w)?", word):
            return f"{word!r} does not begin and end with a letter, digit or underscore"
        for other in words:
            if word != other and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", other):
                return f"{word!r} is a word of {other!r}"
    return ""
