"""Renaming words within names: for systems whose nodes' names are made of others ("server/run/job-1/1" of "job-1")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence


class Words(Mapping[str, str]):
    """A renaming that also finds its words inside longer strings, where no letter, digit or underscore adjoins them.

    `Words({"w1": "w2", "w2": "w1"}).get("server/queue/w1.1@host-w1", ...)` is "server/queue/w2.1@host-w2".
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = dict(names)
        longest_first = sorted(self._names, key=lambda word: (-len(word), word))
        alternatives = "|".join(map(re.escape, longest_first)) or r"(?!)"
        self._pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)")
        self._known: dict[str, str] = {}

    def __getitem__(self, text: str) -> str:
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._pattern.sub(lambda word: self._names[word[0]], text)
        return found

    def get(self, text: str, default: str | None = None) -> str:  # type: ignore[override]
        """The text with its words replaced; the same text without any, whatever the default."""
        return self[text]

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
