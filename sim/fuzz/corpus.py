"""The corpus of a campaign that is guided by coverage.

Seeds come in rounds of fixed size. Every other seed of a round gets, instead of faults of its own alone, those of a run that saw
something new, changed a little. The corpus grows between rounds only, by what the rounds saw in the order of their seeds: so a
campaign is the same in any number of processes, and when it is resumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sim.faults.nemesis import Luck, Plan, crossed
from sim.scenario.fuzzing import Ground

ROUND: Final = 50
"""Seeds in a round."""
FRESH: Final = 500
"""How many in a thousand have faults of their own alone."""


class Corpus:
    """Plans that saw something new."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._entries: list[Plan] = []
        self._chosen: dict[int, int] = {}

    def parents(self, seeds: Iterable[int]) -> tuple[Plan | None, ...]:
        """What each of these seeds starts from; None: from its own faults."""
        return tuple(self._parent(seed) for seed in seeds)

    def parent(self, seed: int) -> Plan | None:
        """What a seed started from."""
        number = self._chosen.get(seed)
        return None if number is None else self._entries[number]

    def learn(self, seeds: Sequence[int], first: Iterable[int]) -> None:
        """A round is over. `first`: the seed that saw it first, for everything that is known."""
        news = set(first)
        for seed in seeds:
            if seed in news:
                plan, parent = self._ground.plan(seed), self.parent(seed)
                self._entries.append(plan if parent is None else crossed(plan, parent))

    def _parent(self, seed: int) -> Plan | None:
        luck = Luck(seed)
        if not self._entries or luck.chance("fresh", 1, FRESH):
            return None
        # What is new is worth more: the younger half is picked twice as often.
        number = luck.below("parent", 1, len(self._entries) + len(self._entries) // 2)
        self._chosen[seed] = number if number < len(self._entries) else number - len(self._entries) // 2
        return self._entries[self._chosen[seed]]
