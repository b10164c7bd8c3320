"""Who decides how long messages take in the runs of a campaign.

*uniform*: the laws of the scenario, as in any run. *priority*: a clocked form of priority-based scheduling (Burckhardt and
others, "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010; Ozkan and others, "Randomized
testing of distributed systems with probabilistic guarantees", OOPSLA 2018): every link has a priority, and what travels over
a link of low priority takes as long as its law allows, over one of high priority as short; of several ready things a node
takes one by its own priority; a few times in a run the priorities change. On clocked runs it has no bound on the probability
with which it finds a bug. *guided*: as uniform, but faults that led somewhere new are tried again, changed a little (`corpus.py`).

Whoever decides otherwise than the seed would leaves deviations, so that the tape of a run needs no scheduler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sim.faults.nemesis import Luck
from sim.model.inputs import Name
from sim.model.laws import Law
from sim.scenario.fuzzing import Ground
from sim.simulator.choices import Choices

Kind: TypeAlias = Literal["uniform", "priority", "guided"]
KINDS: Final[tuple[Kind, ...]] = ("uniform", "priority", "guided")
LEVELS: Final = 5
"""Priorities that a link may have: the last one takes the upper bound of its law, the first the lower one."""
PERIOD: Final = 64
"""A link's priority may change after so many of its messages."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which scheduler. `changes`: how likely a link's priority is to change after `PERIOD` messages, in a thousand."""

    kind: Kind = "uniform"
    changes: int = 100


def of_name(name: str) -> Schedule:
    """The schedule of this name. Raises ValueError when there is none."""
    for kind in KINDS:
        if kind == name:
            return Schedule(kind)
    raise ValueError(f"there is no scheduler {name!r}; expected {' or '.join(KINDS)}")


UNIFORM: Final = Schedule()


class PriorityChoices(Choices):
    """Chooses delays by the priorities of links."""

    __slots__ = ("_changes", "_laws", "_levels", "_luck", "_sent", "made")

    def __init__(self, seed: int, schedule: Schedule, laws: tuple[Law, Law]) -> None:
        super().__init__(seed)
        self.labelled = True
        self.made: dict[str, int] = {}
        """What was chosen otherwise than the seed would have, by label."""
        self._luck = Luck(seed)
        self._changes = schedule.changes
        self._laws = laws
        self._levels: dict[Name, int] = {}
        self._sent: dict[Name, int] = {}

    def settle(self, label: str, value: int, about: object = None) -> int:
        """A delay by its link's priority, a pick by its node's; everything else as the seed says."""
        kind, _, rest = label.partition("|")
        who = rest.partition("|")[0]
        if kind == "delay":
            low, high = self._laws[who.startswith("server>")].bounds()
        elif kind == "choose" and isinstance(about, Sequence):
            low, high = 0, len(about) - 1
        else:
            return value
        if high is None:
            return value
        chosen = low + (high - low) * self._level(who) // (LEVELS - 1)
        if chosen != value:
            self.made[label] = chosen
        return chosen

    def _level(self, link: Name) -> int:
        sent = self._sent[link] = self._sent.get(link, 0) + 1
        change = sent % PERIOD == 1 and (sent == 1 or self._luck.chance(f"change {link}", sent, self._changes))
        if change:
            self._levels[link] = self._luck.below(f"priority {link}", sent, LEVELS)
        return self._levels[link]


def scheduler(schedule: Schedule, seed: int, ground: Ground) -> PriorityChoices | None:
    """The choices of a run; None: those of its seed."""
    match schedule.kind:
        case "uniform" | "guided":
            return None
        case "priority":
            network = ground.scenario.model.network
            return PriorityChoices(seed, schedule, (network.request, network.response))
        case _:
            raise ValueError(f"there is no scheduler {schedule.kind!r}; expected {', '.join(KINDS)}")
