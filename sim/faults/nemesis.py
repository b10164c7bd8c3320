"""The nemesis: draws faults as data, of whatever kinds there are, for whatever it is told is there.

It knows no protocol. What it draws are `[[faults]]` tables as a scenario has them, so a run with them is a run like any
other. Every draw has a name (seed, "nemesis", what, number): the faults of a seed are the same everywhere, and the draws of
the run itself are not touched.

*Swarm* (Groce and others, "Swarm testing", ISSTA 2012): a seed has only some of the kinds, and its own strength; runs in
which everything happens at once look all alike.

*Safety, then liveness*: every fault ends by itself, and none begins after the window; from `quiet_us` on nothing is wrong
any more, and whoever judges may demand that what is pending comes to an end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from sim.faults.kinds import KINDS
from sim.model.draws import draw
from sim.model.durations import format_duration

T = TypeVar("T")

PURPOSE: Final = "nemesis"
MILLISECOND, SECOND = 1_000, 1_000_000

NUMBERS: Final = (0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 6, 8)
"""How many faults a seed has, before its strength: few are easy to understand, many find what needs several."""
LENGTHS: Final = (1 * SECOND, 5 * SECOND, 15 * SECOND, 15 * SECOND, 40 * SECOND, 40 * SECOND, 90 * SECOND, 300 * SECOND)
"""How long the faults of a seed last at most."""
SHORTEST: Final = 50 * MILLISECOND
LATEST: Final = 10 * SECOND
"""How long after a moment a fault begins at most."""
POKE: Final = "nemesis"
"""The name of signals that nobody waits for: they wake a workflow up and change nothing."""
SEVERAL: Final = 12
"""From the first to this sighting of a moment one is picked, if there are so many."""
CALLS: Final = frozenset({"lose_request", "lose_response", "delay_request", "delay_response", "duplicate_request", "error"})
"""Kinds that are about single calls."""


@dataclass(frozen=True, slots=True)
class Aim:
    """A fault that is aimed at a moment, by name. Times in microseconds, from and to.

    `lasts` None: for a kind that is over at once.
    """

    name: str
    sentence: str
    kind: str
    moment: str
    target: str = "@there"
    where: Mapping[str, Any] = field(default_factory=dict)
    after: tuple[int, int] = (0, 0)
    lasts: tuple[int, int] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is to do something to, by name.

    `moments`: how often each is seen in a run without further faults; those that never are can be left out.
    `horizon_us`: how long such a run takes, microseconds. `codes`: errors that calls may get.
    """

    processes: tuple[str, ...]
    horizon_us: int
    workflows: tuple[str, ...] = ()
    activities: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    moments: Mapping[str, int] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    codes: tuple[str, ...] = ("Unavailable",)
    aims: tuple[Aim, ...] = ()


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a campaign may say of its nemesis.

    `kinds` None: all that there are. `strength`: so many times as many faults, in thousandths. `window_us`: no fault begins
    later; None: as long as a run takes.
    """

    kinds: tuple[str, ...] | None = None
    strength: int = 1000
    window_us: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed has in store. `kinds` and `aims`: what its faults were drawn from; `longest_us`: how long they last at most.

    `tables`: the faults, as TOML has them. `quiet_us`: all of them are over then.
    """

    seed: int
    kinds: tuple[str, ...]
    aims: tuple[str, ...]
    longest_us: int
    quiet_us: int
    tables: tuple[dict[str, Any], ...]

    def sentence(self) -> str:
        """What was drawn, in a line."""
        number = len(self.tables)
        aims = f", aimed at {len(self.aims)} moments" if self.aims else ""
        what = f"{number} fault{'s' if number != 1 else ''} of {', '.join(self.kinds)}{aims}"
        return f"seed {self.seed}: {what}; each at most {format_duration(self.longest_us)}, all over by {format_duration(self.quiet_us)}"


class Luck:
    """Draws of one seed, by what they decide and a number from 1."""

    __slots__ = ("seed",)

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def below(self, what: str, number: int, options: int) -> int:
        """A number from 0 to `options` - 1."""
        return draw(self.seed, PURPOSE, what, number) * options >> 64

    def pick(self, what: str, number: int, options: Sequence[T]) -> T:
        """One of these."""
        return options[self.below(what, number, len(options))]

    def chance(self, what: str, number: int, per_mille: int) -> bool:
        """Whether something happens that happens so often in a thousand."""
        return self.below(what, number, 1000) < per_mille

    def length(self, what: str, number: int, low: int, high: int) -> int:
        """Microseconds from `low` to `high`, each doubling as likely as any other, in two digits.

        Integers only, so that it is the same on every machine.
        """
        if high <= low or low <= 0:
            return max(low, 0)
        octaves = max((high // low).bit_length() - 1, 0)
        base = low << self.below(f"{what}, octave", number, octaves + 1)
        return min(rounded(base + self.below(what, number, base)), high)


def rounded(us: int) -> int:
    """Two digits of a length of time, for people to read."""
    unit = int("1" + "0" * max(len(str(us)) - 2, 0))
    return us // unit * unit


def possible(surroundings: Surroundings, tuning: Tuning) -> tuple[str, ...]:
    """Kinds for which there is somebody to do them to."""
    names = tuple(KINDS) if tuning.kinds is None else tuning.kinds
    able = {"process": bool(surroundings.processes), "workflow": bool(surroundings.workflows), "": True}
    found = [name for name in names if able[KINDS[name].target]]
    return tuple(name for name in found if "activity" not in KINDS[name].needs or surroundings.activities)


def plan(seed: int, surroundings: Surroundings, tuning: Tuning | None = None) -> Plan:
    """The faults of a seed."""
    return _Drawing(Luck(seed), surroundings, tuning or Tuning()).plan()


def crossed(plan: Plan, parent: Plan) -> Plan:
    """The faults of a parent, changed a little: as they are, without one, with one of the seed's own, or with one exchanged."""
    luck, tables = Luck(plan.seed), list(parent.tables)
    how = luck.pick("crossing", 1, ("keep", "drop", "add", "add", "exchange", "exchange"))
    if tables and how in ("drop", "exchange"):
        del tables[luck.below("dropped", 1, len(tables))]
    if plan.tables and how in ("add", "exchange") and len(tables) < max(NUMBERS):
        tables.insert(luck.below("place", 1, len(tables) + 1), luck.pick("added", 1, plan.tables))
    kinds = tuple(dict.fromkeys(table["kind"] for table in tables))
    return replace(plan, kinds=kinds, tables=tuple(tables), quiet_us=max(plan.quiet_us, parent.quiet_us))


class _Drawing:
    """One plan in the making."""

    def __init__(self, luck: Luck, surroundings: Surroundings, tuning: Tuning) -> None:
        self.luck, self.around = luck, surroundings
        window = tuning.window_us if tuning.window_us is not None else max(surroundings.horizon_us, SECOND)
        # Some seeds are done with it early, so that there is something left to go right; faults make others last longer.
        self.window = max(rounded(window * luck.pick("window", 1, (1, 2, 4, 6) if tuning.window_us is None else (1, 2, 4, 4)) // 4), 1)
        self.longest = luck.pick("longest", 1, LENGTHS)
        possibly = possible(surroundings, tuning)
        self.kinds = self._swarm("kind", possibly)
        self.aims = tuple(aim for aim in surroundings.aims if aim.kind in possibly and luck.chance(f"aim {aim.name}", 1, 500))
        self.number = luck.pick("number", 1, NUMBERS) * tuning.strength // 1000 if possibly else 0

    def _swarm(self, what: str, names: tuple[str, ...]) -> tuple[str, ...]:
        share = self.luck.pick(f"share of {what}s", 1, (150, 300, 500, 500, 800))
        chosen = tuple(name for name in names if self.luck.chance(f"{what} {name}", 1, share))
        return chosen or ((self.luck.pick(f"only {what}", 1, names),) if names else ())

    def plan(self) -> Plan:
        tables = [table for number in range(1, self.number + 1) for table in [self._fault(number)] if table is not None]
        quiet = self.window + max((_ends_after(table) for table in tables), default=0)
        names = tuple(aim.name for aim in self.aims)
        written = tuple(_written(table) for table in tables)
        return Plan(self.luck.seed, self.kinds, names, self.longest, quiet, written)

    def _fault(self, number: int) -> dict[str, Any] | None:
        aims = [aim for aim in self.aims if self.around.moments.get(aim.moment, 0)]
        if aims and self.luck.chance("aimed", number, 500):
            return self._aimed(number, self.luck.pick("aim", number, aims))
        return self._free(number, self.luck.pick("kind", number, self.kinds))

    def _aimed(self, number: int, aim: Aim) -> dict[str, Any]:
        """A fault at the moment it is made for."""
        moment = {"name": aim.moment, **self._nth(number, aim.moment), **({"where": dict(aim.where)} if aim.where else {})}
        if aim.after[1] > 0:
            moment["after"] = aim.after[0] + rounded(self.luck.below("aim after", number, aim.after[1] - aim.after[0] + 1))
        table: dict[str, Any] = {"kind": aim.kind, "target": aim.target, "moment": moment, **self._often(number), **aim.parameters}
        if aim.lasts is not None:
            table["for"] = self.luck.length("aim for", number, *aim.lasts)
        return table

    def _free(self, number: int, name: str) -> dict[str, Any]:
        """A fault of a kind, at a time, at a moment, or now and then."""
        kind, luck = KINDS[name], self.luck
        moments = sorted(self.around.moments)
        how = luck.pick("when", number, ("at", "at", "at", "moment", "moment", "moment", "every"))
        if how == "moment" and not moments:
            how = "at"
        table: dict[str, Any] = {"kind": name}
        if kind.target:
            table["target"] = self._target(number, kind.target, how == "moment")
        match how:
            case "at":
                table["at"] = rounded(luck.below("at", number, self.window + 1))
            case "moment":
                table |= {"moment": self._moment(number, moments), **self._often(number)}
            case _:
                gap = max(luck.length("every", number, max(self.window // 64, MILLISECOND), max(self.window // 2, 2 * MILLISECOND)), 1)
                table |= {"every": {"exponential": gap}, "count": 1 + luck.below("count", number, 6), "until": self.window}
        if kind.undone:
            table["for"] = luck.length("for", number, SHORTEST, self.longest)
        return table | self._parameters(number, name)

    def _often(self, number: int) -> dict[str, int]:
        """How often a fault at a moment happens: always a number, since what it does may be what it is waiting for."""
        return {"count": self.luck.pick("times", number, (1, 1, 1, 2, 5)), "until": self.window}

    def _nth(self, number: int, moment: str) -> dict[str, int]:
        seen = min(max(self.around.moments.get(moment, 1), 1), SEVERAL)
        nth = 1 + self.luck.below("nth", number, seen)
        return {"nth": nth} if nth > 1 else {}

    def _moment(self, number: int, moments: Sequence[str]) -> dict[str, Any]:
        name = self.luck.pick("moment", number, moments)
        after = self.luck.length("after", number, MILLISECOND, min(LATEST, self.window)) if self.luck.chance("late", number, 500) else 0
        return {"name": name, **self._nth(number, name), **({"after": after} if after else {})}

    def _target(self, number: int, what: str, at_moment: bool) -> str:
        if what == "workflow":
            return "@workflow" if at_moment else self.luck.pick("workflow", number, self.around.workflows)
        if at_moment and self.luck.chance("there", number, 700):
            return "@there"
        return self.luck.pick("process", number, ("@busy", "@busy", "@idle", *self.around.processes))

    def _parameters(self, number: int, name: str) -> dict[str, Any]:
        luck = self.luck
        if name in CALLS:
            return self._of_calls(number, name)
        match name:
            case "restart":
                found: dict[str, Any] = {"delay": luck.length("delay", number, 100 * MILLISECOND, self.longest)}
                return found | ({"graceful": True} if luck.chance("graceful", number, 500) else {})
            case "stop":
                return {} if luck.chance("exits", number, 700) else {"exits": False}
            case "slow_down":
                return {"factor": luck.pick("factor", number, (2, 5, 20))}
            case "partition":
                direction = luck.pick("direction", number, ("both", "both", "up", "down"))
                return {} if direction == "both" else {"direction": direction}
            case "clock":
                skew = luck.pick("skew", number, ("-5s", "-100ms", "100ms", "5s"))
                return luck.pick("clock", number, ({"drift_ppm": 200}, {"drift_ppm": -200}, {"skew": skew}))
            case "signal":
                return {"name": luck.pick("signal", number, self.around.signals or (POKE,))}
            case "pause_activity" | "unpause_activity":
                return {"activity": luck.pick("activity", number, self.around.activities)}
            case _:
                return {}

    def _of_calls(self, number: int, name: str) -> dict[str, Any]:
        """Which calls, how many of them, and what becomes of them."""
        luck, found = self.luck, dict[str, Any]()
        if self.around.methods and luck.chance("one method", number, 800):
            found["method"] = luck.pick("method", number, self.around.methods)
        if self.around.queues and found.get("method", "").startswith("Poll") and luck.chance("one queue", number, 500):
            found["queue"] = luck.pick("queue", number, self.around.queues)
        if luck.chance("some calls", number, 500):
            found["calls"] = luck.pick("calls", number, (1, 1, 2, 5))
        if "delay" in KINDS[name].needs:
            found["delay"] = luck.length("delay", number, 10 * MILLISECOND, 30 * SECOND)
        if "noticed_after" in KINDS[name].takes and luck.chance("noticed", number, 300):
            found["noticed_after"] = luck.length("noticed after", number, 10 * MILLISECOND, 10 * SECOND)
        if "code" in KINDS[name].takes:
            found["code"] = luck.pick("code", number, self.around.codes)
        return found


def _ends_after(table: Mapping[str, Any]) -> int:
    """How long after the window the last of a fault is over, microseconds."""
    return int(table.get("for", 0)) + int(table.get("delay", 0))


_LENGTHS: Final = ("at", "for", "until", "after", "delay", "noticed_after", "exponential")


def _written(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table as TOML has it: lengths of time as text."""
    return {
        key: _written(value) if isinstance(value, Mapping) else format_duration(value) if key in _LENGTHS else value
        for key, value in table.items()
    }
