"""The finished chunks of a campaign, in a file that survives its process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from sim.fuzz.subject import Chunk
from sim.sweep.store import Store

KIND: Final = "fuzz campaign"


class Kept:
    """A campaign's store. A campaign that came to its end before is begun anew, unless more runs are asked for now.

    Chunks are kept in the order of their seeds, each with what none before it has covered: so a chunk takes a few kilobytes.

    Raises:
        StoreError: the file cannot be used.
    """

    def __init__(self, path: Path, key: str, runs: int) -> None:
        self._store = Store(path, KIND)
        self._cell = key
        about = self._store.about()
        self._anew = about.get("finished", {}).get(key, 0) >= runs
        self._finished: dict[str, int] = dict(about.get("finished", {}))
        if self._anew:
            self._mark(0)

    def chunks(self, numbers: Sequence[tuple[int, ...]]) -> Iterator[Chunk]:
        """What was finished before, up to the first chunk that is missing, or smaller than it has to be now."""
        rows = {} if self._anew else dict(self._store.rows(self._cell))
        for seeds in numbers:
            if seeds[0] not in rows:
                return
            chunk = msgspec.convert(rows[seeds[0]]["chunk"], Chunk, str_keys=True)
            if len(chunk.rows) != len(seeds):
                return
            yield chunk

    def add(self, chunk: Chunk, before: Chunk) -> None:
        """Keep a chunk that follows on `before`."""
        fresh = msgspec.structs.replace(
            chunk,
            transitions={name: seed for name, seed in chunk.transitions.items() if name not in before.transitions},
            states={state: seed for state, seed in chunk.states.items() if state not in before.states},
        )
        self._store.add(self._cell, chunk.rows[0].seed, {"chunk": msgspec.to_builtins(fresh, str_keys=True)})

    def finish(self, runs: int) -> None:
        """The campaign came to its end."""
        self._mark(runs)

    def _mark(self, runs: int) -> None:
        self._finished[self._cell] = runs
        self._store.put_about("finished", self._finished)

    def close(self) -> None:
        """Commit what waits."""
        self._store.close()
