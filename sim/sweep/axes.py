"""From axes to points: lists, ranges, axes that step together, grids and random designs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from sim.model.durations import format_duration, parse_duration
from sim.scenario.problems import Key, Problem
from sim.sweep.schema import MOST_CELLS, AxisSection, DesignSection

Point = tuple[Any, ...]
"""A value for each axis, in their order."""


@dataclass(frozen=True, slots=True)
class _Range:
    """A range, in numbers: durations are microseconds."""

    low: float
    high: float
    kind: str
    """int, float or duration: what its values are."""
    geometric: bool

    def at(self, share: float) -> Any:
        """The value at this share of the way, 0 to 1."""
        if share in (0, 1):
            return self._value(self.high if share else self.low)
        if self.geometric:
            return self._value(self.low * (self.high / self.low) ** share)
        return self._value(self.low + (self.high - self.low) * share)

    def _value(self, number: float) -> Any:
        match self.kind:
            case "int":
                return round(number)
            case "duration":
                return format_duration(int(round(number, -3 if number >= 1_000_000 else 0)))
            case _:
                # Nine digits: what a person would write, and the same on every machine.
                return float(f"{number:.9g}")


def points(axes: Sequence[AxisSection], design: DesignSection, problems: list[Problem]) -> list[Point]:
    """The points of the design; what is wrong is added to `problems`, and then there may be none."""
    count = len(problems)
    for i, axis in enumerate(axes):
        _check(axis, design.kind != "grid", ("axes", i), problems)
    _check_design(axes, design, problems)
    if len(problems) > count:
        return []
    return _grid(axes, problems) if design.kind == "grid" else _random(axes, design)


# ---- checks ----------------------------------------------------------------------------------------


def _check(axis: AxisSection, random: bool, key: Key, problems: list[Problem]) -> None:
    ranged = [name for name, value in (("from", axis.start), ("to", axis.stop), ("steps", axis.steps)) if value is not None]
    if axis.values is not None and ranged:
        problems.append(Problem(key, f"has values and {ranged[0]}; expected either values = [...] or a range: from, to and steps"))
    elif axis.values is None:
        missing = [name for name in ("from", "to", *(() if random else ("steps",))) if name not in ranged]
        if missing:
            what = "values = [1, 2, 4], or a range: from = 1, to = 9" + ("" if random else ", steps = 5")
            problems.append(Problem(key, f"has no {' and no '.join(missing)}; expected {what}"))
        elif random and axis.steps is not None:
            problems.append(Problem((*key, "steps"), "has no meaning in a random design; expected only from and to"))
        else:
            try:
                _range(axis)
            except ValueError as error:
                problems.append(Problem((*key, "from"), str(error)))
    if random and axis.zip:
        problems.append(Problem((*key, "zip"), 'has no meaning in a random design; expected it with design.kind = "grid"'))


def _check_design(axes: Sequence[AxisSection], design: DesignSection, problems: list[Problem]) -> None:
    seen: dict[str, int] = {}
    for i, axis in enumerate(axes):
        name = axis.name or axis.key
        if name in seen:
            problems.append(Problem(("axes", i, "name"), f"is {name!r}, as that of axes[{seen[name]}]; expected another name"))
        seen.setdefault(name, i)
    if design.kind == "grid":
        if design.points is not None:
            problems.append(Problem(("design", "points"), 'has no meaning in a grid; expected a random kind, such as "latin_hypercube"'))
        return
    if design.points is None:
        problems.append(Problem(("design", "points"), "is missing; expected how many random points there are, such as points = 50"))
    if not axes:
        problems.append(Problem(("axes",), "are missing; a random design needs at least one"))


def _range(axis: AxisSection) -> _Range:
    """The range of an axis that has both ends.

    Raises:
        ValueError: the ends do not go together.
    """
    ends = (axis.start, axis.stop)
    low: float
    high: float
    if all(isinstance(end, str) for end in ends):
        kind, (low, high) = "duration", (parse_duration(str(end)) for end in ends)
    elif any(isinstance(end, str | bool) for end in ends):
        raise ValueError(f"is {axis.start!r} and `to` is {axis.stop!r}; expected two numbers, or two durations")
    else:
        low, high = (end for end in ends if isinstance(end, int | float))
        kind = "int" if all(isinstance(end, int) for end in ends) else "float"
    if axis.scale == "geometric" and (low <= 0 or high <= 0):
        raise ValueError(f"is {axis.start!r} and `to` is {axis.stop!r}; expected both more than 0 in a geometric range")
    return _Range(low, high, kind, axis.scale == "geometric")


# ---- designs ---------------------------------------------------------------------------------------


def values_of(axis: AxisSection) -> list[Any]:
    """The values of an axis of a grid. Of a range of whole numbers those that coincide are taken once."""
    if axis.values is not None:
        return axis.values
    assert axis.steps is not None
    made = _range(axis)
    return list(dict.fromkeys(made.at(i / (axis.steps - 1)) for i in range(axis.steps)))


def _grid(axes: Sequence[AxisSection], problems: list[Problem]) -> list[Point]:
    """Every combination, the last axis fastest; axes that are zipped count as one, at the place of their first."""
    together: dict[str, list[int]] = {}
    for i, axis in enumerate(axes):
        together.setdefault(f"zip {axis.zip}" if axis.zip else f"axis {i}", []).append(i)
    steps: list[list[tuple[Any, ...]]] = []
    size = 1
    for members in together.values():
        columns = [values_of(axes[i]) for i in members]
        lengths = [len(column) for column in columns]
        if len(set(lengths)) > 1:
            found = ", ".join(f"axes[{i}] has {n}" for i, n in zip(members, lengths, strict=True))
            problems.append(Problem(("axes", members[1], "zip"), f"axes that step together have to have equally many values; {found}"))
            return []
        steps.append(list(zip(*columns, strict=True)))
        size *= lengths[0]
    if size > MOST_CELLS:
        problems.append(Problem(("axes",), f"make {size:,} cells; expected at most {MOST_CELLS:,}: fewer values, or a random design"))
        return []
    order = [i for members in together.values() for i in members]
    made = []
    for combination in itertools.product(*steps):
        by_axis = dict(zip(order, itertools.chain.from_iterable(combination), strict=True))
        made.append(tuple(by_axis[i] for i in range(len(axes))))
    return made


_SAMPLERS: Final = {"latin_hypercube": "LatinHypercube", "sobol": "Sobol"}


def _random(axes: Sequence[AxisSection], design: DesignSection) -> list[Point]:
    """Points drawn by a design of scipy.stats.qmc, or independently; an axis with a list takes each of its values equally often."""
    from scipy.stats import qmc

    assert design.points is not None
    rng = np.random.default_rng(design.seed)
    match design.kind:
        case "latin_hypercube":
            shares = qmc.LatinHypercube(len(axes), rng=rng).random(design.points)
        case "sobol":
            # Whole powers of two keep the sequence balanced; what is more is left out.
            shares = qmc.Sobol(len(axes), rng=rng).random_base2(max(0, design.points - 1).bit_length())[: design.points]
        case _:
            shares = rng.random((design.points, len(axes)))
    return [tuple(_at(axis, float(share)) for axis, share in zip(axes, row, strict=True)) for row in shares]


def _at(axis: AxisSection, share: float) -> Any:
    if axis.values is not None:
        return axis.values[min(int(share * len(axis.values)), len(axis.values) - 1)]
    return _range(axis).at(share)
