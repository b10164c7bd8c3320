"""Who answers in a simulated run: keyed draws, unless a tape says otherwise.

Every choice has a semantic label, in natural units: `delay|A>server|Signal|2` is the delay in microseconds of the
second Signal that A sent. A tape is the seed plus the labels whose values deviate from what that seed would choose.

The seed `NO_CHANCE` leaves nothing to chance: every length of time is the median of its law, and of several options the
first is taken (first in, first out). A tape with this seed says by its deviations all that is unusual about its run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sim.model.draws import MIDDLE, NO_CHANCE, Draws, Stream, draw
from sim.model.laws import Law

WORD = 64


class Choices:
    """Draws by name, deviations from them, and, when recording, all of them."""

    __slots__ = ("_deviations", "_draws", "labelled", "recorded", "seed", "used")

    def __init__(self, seed: int, deviations: Mapping[str, int] | None = None, recording: bool = False) -> None:
        self.seed = seed
        self._draws = Draws(seed)
        self._deviations = dict(deviations or {})
        for label, value in self._deviations.items():
            if value < 0:
                raise ValueError(f"deviation {label!r} is {value}; expected at least 0 (microseconds, or the number of an option)")
        self.used: set[str] = set()
        self.recorded: dict[str, int] | None = {} if recording else None
        # Labels cost more than draws: they are only spelled out when somebody reads them.
        self.labelled = bool(self._deviations) or recording

    def stream(self, purpose: str, entity: str) -> Stream:
        """A new stream at its beginning; the caller keeps it."""
        return self._draws.stream(purpose, entity)

    def sample(self, kind: str, entity: str, what: str, stream: Stream, law: Law, about: object = None) -> int:
        """The next value of a law, microseconds. `about`: the tag of the timer whose length it is."""
        value = law.sample(stream.next())
        return self.settle(f"{kind}|{entity}|{what}|{stream.drawn}", value, about) if self.labelled else value

    def sample_at(self, what: str, entity: str, ordinal: int, law: Law) -> int:
        """The value of a law for an entity that keeps no stream."""
        value = law.sample(MIDDLE if self.seed == NO_CHANCE else draw(self.seed, what, entity, ordinal))
        return self.settle(f"draw|{entity}|{what}|{ordinal}", value) if self.labelled else value

    def pick(self, entity: str, what: str, stream: Stream, choices: Sequence[object], weights: Sequence[int] | None) -> int:
        """The number of one of the choices, in proportion to `weights` (None: all alike)."""
        options = len(choices)
        if self.seed == NO_CHANCE:
            stream.next()  # the ordinal counts on
            index = 0 if weights is None else next(i for i, weight in enumerate(weights) if weight)
        elif weights is None:
            index = stream.next() * options >> WORD
        else:
            u = stream.next() * sum(weights) >> WORD
            index = 0
            while u >= weights[index]:
                u -= weights[index]
                index += 1
        if self.labelled:
            label = f"choose|{entity}|{what}|{stream.drawn}"
            index = self.settle(label, index, choices)
            if index >= options:
                raise ValueError(f"deviation {label!r} is {index}; expected one of {options} options, 0 to {options - 1}")
        return index

    def late(self, label: str, about: object = None) -> int:
        """How much later than it arrives a message is dealt with. At once is the rule, and is not recorded."""
        return self.settle(label, 0, about) if label in self._deviations else 0

    def settle(self, label: str, value: int, about: object = None) -> int:
        """What is chosen where the seed says `value`.

        `about` tells whoever steers a run what it decides: of a delay the parcel on its way, of a timer's length its tag,
        of a pick the things to pick from.
        """
        if label in self._deviations:
            value = self._deviations[label]
            self.used.add(label)
        if self.recorded is not None:
            self.recorded[label] = value
        return value

    def unused(self) -> list[str]:
        """Deviations that no choice of the run has met; after a run they are probably misspelt."""
        return sorted(set(self._deviations) - self.used)
