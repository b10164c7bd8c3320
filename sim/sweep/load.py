"""Sweeps: read from a file, checked as a whole, with all cells made and checked before the first run."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from sim.model.text import decoded
from sim.scenario import reading
from sim.scenario.load import Scenario
from sim.scenario.overrides import Override
from sim.scenario.problems import Problem, ScenarioError, problems_of, spell
from sim.sweep import axes
from sim.sweep.columns import FIRST, Wanted, wanted
from sim.sweep.prepared import text_of
from sim.sweep.questions import read_claim, read_question
from sim.sweep.schema import SweepModel

MOST_SAID: Final = 20
"""Problems of cells that are spelled out."""
_WORDS: Final = ("name", "title", "description", "expect", "schema_version")
"""Keys of a scenario on which no figure depends."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A point of the sweep. `values`: of the axes, in their order; `text`: its scenario, as `prepared` takes it; `key`: under which
    its results are stored, which depends on all that they depend on, and nothing else.
    """

    index: int
    values: tuple[Any, ...]
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep that has been checked, every cell included. It is plain data, and can be pickled."""

    model: SweepModel
    source: str
    axes: tuple[str, ...]
    """Names of the axes."""
    cells: tuple[Cell, ...]
    wanted: Wanted

    @classmethod
    def load(cls, path: Path | str, overrides: Sequence[Override] = ()) -> Sweep:
        """Read a TOML file; the scenario that it names is sought beside it.

        Args:
            path: the file.
            overrides: keys of the scenario to set in every cell, `"workers.w1.count=3"`; an axis of the same key wins.

        Raises:
            ScenarioError: it cannot be read, or something in it or in one of its cells is wrong; the message says all of it.
        """
        path = Path(path)
        return cls.parse(reading.text_of(path, "a sweep, such as scenarios/sweeps/contention.toml"), overrides, str(path), path)

    @classmethod
    def parse(cls, text: str, overrides: Sequence[Override] = (), source: str = "standard input", path: Path | None = None) -> Sweep:
        """Read TOML; the scenario that it names is sought beside `path` (default: in the working directory).

        Raises:
            ScenarioError: something in it is wrong.
        """
        content = reading.tables_of(text, source, path, "sweep")
        return cls._made(content, overrides, source, path.parent if path is not None else Path())

    @classmethod
    def from_dict(
        cls, content: Mapping[str, Any], overrides: Sequence[Override] = (), source: str = "sweep", directory: Path | None = None
    ) -> Sweep:
        """Make a sweep of its tables, as TOML would give them. A file is sought in `directory`, or the working directory.

        Raises:
            ScenarioError: something in it is wrong.
        """
        return cls._made({"name": "sweep", **copy.deepcopy(dict(content))}, overrides, source, directory or Path())

    @classmethod
    def _made(cls, content: dict[str, Any], overrides: Sequence[Override], source: str, directory: Path) -> Sweep:
        try:
            model = SweepModel.model_validate(content)
        except ValidationError as error:
            raise ScenarioError(source, problems_of(error, SweepModel)) from None
        problems: list[Problem] = []
        points = axes.points(model.axes, model.design, problems)
        gathered = wanted(model.metrics, problems)
        _check_precision(model, gathered, problems)
        _check_questions(model, gathered, problems)
        base = _Base(model, directory, problems)
        if problems:
            raise ScenarioError(source, problems)
        names = tuple(axis.name or axis.key for axis in model.axes)
        cells = []
        for index, point in enumerate(points):
            cell = base.cell(index, point, overrides, gathered)
            if cell is not None:
                cells.append(cell)
        base.complain(source, len(points))
        return cls(model, source, names, tuple(cells), gathered)

    @property
    def name(self) -> str:
        """Its name: the file's, unless it has another."""
        return self.model.name

    def label(self, cell: Cell) -> str:
        """The cell in words: `workers.w.count = 2, rate = 5s`."""
        return label(self.axes, cell.values)


def label(names: Sequence[str], values: Sequence[Any]) -> str:
    """A point in words."""
    return ", ".join(f"{name} = {spelled(value)}" for name, value in zip(names, values, strict=True))


def spelled(value: Any) -> str:
    """A value of an axis as text."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


class _Base:
    """The scenario that all cells begin with."""

    def __init__(self, model: SweepModel, directory: Path, problems: list[Problem]) -> None:
        self._model = model
        self._path: Path | None = None
        self._text = ""
        self._tables: dict[str, Any] = {}
        self._found: dict[tuple[str, str], tuple[str, int]] = {}
        """(key, message) of a problem -> the first cell that has it, and how many have."""
        if isinstance(model.scenario, dict):
            self._tables = {"name": model.name, **model.scenario}
            return
        self._path = directory / model.scenario
        try:
            self._text = decoded(self._path.read_bytes())
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            message = f"is {model.scenario!r}, and {self._path} cannot be read ({reason}); expected a scenario file beside the sweep"
            problems.append(Problem(("scenario",), message))

    def cell(self, index: int, point: axes.Point, overrides: Sequence[Override], gathered: Wanted) -> Cell | None:
        """The cell of a point; None when its scenario is wrong."""
        changes: list[Override] = [*self._model.set.items(), *overrides]
        changes += [(axis.key, value) for axis, value in zip(self._model.axes, point, strict=True)]
        try:
            if self._path is None:
                scenario = Scenario.from_dict(self._tables, changes, "scenario")
            else:
                scenario = Scenario.parse(self._text, changes, str(self._path), self._path)
        except ScenarioError as error:
            where = label([axis.key for axis in self._model.axes], point)
            for problem in error.problems:
                at = (spell(problem.key), problem.message)
                first, count = self._found.get(at, (where, 0))
                self._found[at] = (first, count + 1)
            return None
        return Cell(index, point, text_of(scenario), key_of(scenario, gathered))

    def complain(self, source: str, cells: int) -> None:
        """Raise what was wrong in cells, once for each problem, with the first cell that has it."""
        if not self._found:
            return
        said = []
        for (key, message), (first, count) in list(self._found.items())[:MOST_SAID]:
            where = "in every cell" if count == cells else f"in {count} of {cells} cells, the first with {first}"
            said.append(Problem((), f"the scenario, {where}: " + (f"{key}: {message}" if key else message)))
        if len(self._found) > MOST_SAID:
            said.append(Problem((), f"and {len(self._found) - MOST_SAID} more problems of this kind"))
        raise ScenarioError(source, said)


def _check_precision(model: SweepModel, gathered: Wanted, problems: list[Problem]) -> None:
    precision = model.precision
    if precision is None:
        return
    if precision.at_most < precision.at_least:
        key = ("precision", "at_most")
        problems.append(Problem(key, f"is {precision.at_most}; expected no less than at_least, which is {precision.at_least}"))
    for i, metric in enumerate(precision.metrics):
        if metric not in gathered.columns and not any(problem.key[:1] == ("metrics",) for problem in problems):
            known = f"expected one of the sweep's metrics: {', '.join(gathered.columns)}"
            problems.append(Problem(("precision", "metrics", i), f"is {metric!r}; {known}"))


def _check_questions(model: SweepModel, gathered: Wanted, problems: list[Problem]) -> None:
    if any(problem.key[:1] == ("metrics",) for problem in problems):
        return
    if model.test is not None and model.precision is not None:
        problems.append(Problem(("test",), "stands beside a precision; expected one of them to say when a cell has runs enough"))
    readers: list[tuple[tuple[str | int, ...], Callable[[Sequence[str]], object]]] = [
        (("statistics", i), partial(read_question, text)) for i, text in enumerate(model.statistics)
    ]
    if model.test is not None:
        readers.append((("test", "claim"), partial(read_claim, model.test.claim)))
    for key, reader in readers:
        try:
            reader(gathered.columns)
        except ValueError as error:
            problems.append(Problem(key, str(error)))


def precise_columns(sweep: Sweep) -> tuple[str, ...]:
    """The columns that have to be precise: those that the sweep names, else its first metric."""
    if sweep.model.precision is not None and sweep.model.precision.metrics:
        return tuple(sweep.model.precision.metrics)
    return (FIRST,) if FIRST in sweep.wanted.columns else sweep.wanted.columns[:1]


def key_of(scenario: Scenario, gathered: Wanted) -> str:
    """The key of a cell with this scenario, 32 hexadecimal characters."""
    content = {key: value for key, value in scenario.to_dict().items() if key not in _WORDS}
    what = [content, sorted(gathered.groups), sorted(gathered.promises)]
    text = json.dumps(what, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode("ascii"), digest_size=16).hexdigest()
