"""What a store says about the sweep that filled it: enough to tell which of its rows count, in which order, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Struct

from sim.sweep.load import Sweep, precise_columns
from sim.sweep.questions import read_claim
from sim.sweep.schema import TestSection
from sim.sweep.stopping import Claim, Precision, Rule, rule_of
from sim.sweep.store import Row

FIRST_TESTED: Final = 20
"""Runs of a cell before anybody looks whether a claim is decided: fewer decide hardly any."""


class PlannedCell(Struct, frozen=True):
    """A cell: the key of its rows, and the values of the axes."""

    key: str
    values: tuple[Any, ...]


class Plan(Struct, frozen=True):
    """A sweep without its scenarios. `replications`: runs of every cell; with a `precision` or a `test` at most so many."""

    name: str
    title: str
    axes: tuple[str, ...]
    cells: tuple[PlannedCell, ...]
    columns: tuple[str, ...]
    first_seed: int
    replications: int
    precision: Precision | None = None
    test: Claim | None = None

    @property
    def seeds(self) -> range:
        """The seeds of every cell."""
        return range(self.first_seed, self.first_seed + self.replications)

    @property
    def first_look(self) -> int:
        """How many runs of a cell are certain to be needed, or nearly so."""
        return self.precision.at_least if self.precision is not None else FIRST_TESTED

    def rule(self) -> Rule | None:
        """The rule by which a cell stops, from its beginning; None: after all replications."""
        return rule_of(self.precision, self.test)

    def counting(self, rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
        """Those rows of a cell that count, in the order of seeds: with a rule the shortest prefix that is enough.

        Which they are does not depend on how many were computed, or in which order.
        """
        seeds, rule = self.seeds, self.rule()
        if rule is None:
            yield from ((seed, row) for seed, row in rows if seed in seeds)
            return
        expected = seeds.start
        for seed, row in rows:
            if seed in seeds:
                if seed != expected:
                    return
                yield seed, row
                if rule.add(seed, row):
                    return
                expected += 1


def plan_of(sweep: Sweep, relative: float | None = None, replications: int | None = None, claim: str | None = None) -> Plan:
    """The plan of a sweep. `relative`: a precision instead of the sweep's own; `claim`: one to test instead; `replications` likewise
    (with one of them: at most).

    Raises:
        ValueError: the claim is none, or there is a precision besides.
    """
    model = sweep.model
    if claim is not None and relative is not None:
        raise ValueError("a precision and a claim to test cannot both say when a cell has runs enough; expected one of them")
    precision, test, most = None, None, model.replications
    if claim is not None or (relative is None and model.test is not None):
        test, most = _test(sweep, claim)
    elif relative is not None or model.precision is not None:
        precision, most = _precision(sweep, relative)
    count = replications if replications is not None else most
    if precision is not None:
        precision = Precision(precision.relative, precision.columns, min(precision.at_least, count))
    cells = tuple(PlannedCell(cell.key, cell.values) for cell in sweep.cells)
    return Plan(model.name, model.title, sweep.axes, cells, sweep.wanted.columns, model.first_seed, count, precision, test)


def _precision(sweep: Sweep, relative: float | None) -> tuple[Precision, int]:
    """The precision, and how many runs a cell may have."""
    asked = sweep.model.precision
    least = asked.at_least if asked is not None else 10
    most = asked.at_most if asked is not None else max(1_000, sweep.model.replications)
    share = relative if relative is not None or asked is None else asked.relative
    assert share is not None
    return Precision(share, precise_columns(sweep), least), most


def _test(sweep: Sweep, claim: str | None) -> tuple[Claim, int]:
    """The test, and how many runs a cell may have."""
    section = sweep.model.test or TestSection(claim=claim or "")
    text = claim if claim is not None else section.claim
    question, _ = read_claim(text, sweep.wanted.columns)
    return Claim(text, section.margin, question.needs), section.at_most
