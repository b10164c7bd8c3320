"""What is asked of the runs of a cell besides means: quantiles, probabilities, steady states; and claims that a test decides.

p90(creation_wait_max_s)            a quantile over runs, between two order statistics
P(creation_wait_max_s > 30s)        in how many runs, with Clopper and Pearson's interval
P(creation wait > 30s)              of one session of each run: sessions of one run depend on each other, those of two do not
mean(queue_mean)                    over runs, with Student's interval
steady(creation wait)               within runs: without the warm-up, by batch means
P(creation wait > 30s) < 1%         a claim, for the sequential test
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, assert_never

from sim.model.draws import draw
from sim.model.durations import parse_duration
from sim.scenario.problems import did_you_mean
from sim.sweep.columns import LISTS
from sim.sweep.schema import read_share
from sim.sweep.statistics import LEVEL, Interval, mean_interval, proportion_interval, quantile_interval, steady
from sim.sweep.store import Row

EXPECTED: Final = (
    "expected one of: p90(creation_wait_max_s), mean(queue_mean), P(creation_wait_max_s > 30s), P(creation wait > 30s), "
    "steady(creation wait); instead of creation_wait_max_s any column of the sweep"
)
EXPECTED_CLAIM: Final = "expected P(COLUMN > VALUE) < SHARE, such as P(creation wait > 30s) < 1%"
SESSIONS: Final = "creation wait"
"""The wait of a session, instead of a column: of every one for a steady state, of one a run for a probability."""
WAITS: Final = "waits_s"
_COLUMN: Final = r"\(\s*(creation wait|[a-z][a-z0-9_]*)\s*"
_FORM: Final = re.compile(rf"\s*(?:(mean|steady|p\d{{1,2}}(?:\.\d+)?){_COLUMN}\)|P\s*{_COLUMN}>\s*(\S+?)\s*\))\s*")


class Kind(Enum):
    """What is asked."""

    MEAN = "mean"
    QUANTILE = "quantile"
    SHARE = "share"
    STEADY = "steady"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the runs say. `cut`: of a steady state, how many sessions were cut off as warm-up; `sure`: whether the runs are long
    enough for it.
    """

    interval: Interval
    cut: int | None = None
    sure: bool = True

    def __str__(self) -> str:
        if self.cut is None:
            return str(self.interval)
        return f"{self.interval}, after {self.cut:,}" + ("" if self.sure else " (runs too short)")


@dataclass(frozen=True, slots=True)
class Question:
    """Something asked of the rows of a cell. `at`: the share of a quantile; the value of a probability, in the column's unit."""

    text: str
    kind: Kind
    column: str
    at: float = 0.0

    @property
    def needs(self) -> str:
        """The column that has to be there."""
        return WAITS if self.column == SESSIONS else self.column

    def exceeds(self, seed: int, row: Row) -> bool | None:
        """Of a probability: whether this run, or one session of it that its seed draws, exceeds the value. None: it has none.

        A session that was never created waited longer than any time.
        """
        value = row.get(self.needs)
        if self.column == SESSIONS:
            waits = value or []
            if not waits:
                return None
            value = waits[draw(seed, "judged", "session", 1) * len(waits) >> 64]
            return value is None or value > self.at
        return None if value is None else bool(value > self.at)

    def answer(self, rows: Iterable[tuple[int, Row]], level: float = LEVEL) -> Answer:
        """What these runs, by seed, say."""
        rows = list(rows)
        known: list[Any] = [row[self.needs] for _, row in rows if row.get(self.needs) is not None]
        match self.kind:
            case Kind.MEAN:
                return Answer(mean_interval(known, level))
            case Kind.QUANTILE:
                return Answer(quantile_interval(known, self.at, level))
            case Kind.SHARE:
                verdicts = [verdict for seed, row in rows if (verdict := self.exceeds(seed, row)) is not None]
                return Answer(proportion_interval(sum(verdicts), len(verdicts), level))
            case Kind.STEADY:
                found = steady([[wait for wait in waits if wait is not None] for waits in known], level=level)
                return Answer(found.interval, found.cut, found.independent)
            case other:
                assert_never(other)


def read_question(text: str, columns: Sequence[str]) -> Question:
    """A question as written, of a sweep with these columns.

    Raises:
        ValueError: it is none, or its column is not among them; the message says what was expected.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"is {text!r}; {EXPECTED}")
    word, of, above, value = match.groups()
    if above is not None:
        question = Question(text.strip(), Kind.SHARE, above, _value(text, above, value))
    elif word in ("mean", "steady"):
        question = Question(text.strip(), Kind(word), of)
    else:
        question = Question(text.strip(), Kind.QUANTILE, of, _quantile(text, word))
    return _checked(question, columns)


def _checked(question: Question, columns: Sequence[str]) -> Question:
    text, column, kind = question.text, question.column, question.kind
    if question.needs not in columns:
        gathered = f'expected "sessions" among the metrics, which gathers {WAITS}'
        hint = gathered if question.needs == WAITS else did_you_mean(column, list(columns))
        raise ValueError(f"is {text!r}, and the sweep has no column {question.needs!r}; {hint}")
    if (kind is Kind.STEADY) != (column in (SESSIONS, WAITS)) and not (kind is Kind.SHARE and column == SESSIONS):
        expected = "steady(creation wait)" if kind is Kind.STEADY else "a column with one value a run, such as creation_wait_mean_s"
        raise ValueError(f"is {text!r}; expected {expected}")
    if column in LISTS and column != WAITS:
        raise ValueError(f"is {text!r}, and {column} is a list; expected a column with one value a run")
    return question


def _value(text: str, column: str, value: str) -> float:
    """A number, or a duration where the column is one."""
    try:
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return float(value)
        if column == SESSIONS or column.endswith("_s"):
            return parse_duration(value) / 1e6
    except ValueError as error:
        raise ValueError(f"is {text!r}: {error}; {EXPECTED}") from None
    raise ValueError(f"is {text!r}: {value!r} is no number; {EXPECTED}")


def _quantile(text: str, word: str) -> float:
    share = float(word[1:]) / 100
    if not 0 < share < 1:
        raise ValueError(f"is {text!r}; expected a percentage between 0 and 100, such as p90")
    return share


def read_claim(text: str, columns: Sequence[str]) -> tuple[Question, float]:
    """A claim as written: what must be less likely than what.

    Raises:
        ValueError: it is none.
    """
    what, sign, limit = text.rpartition("<")
    if not sign:
        raise ValueError(f"is {text!r}; {EXPECTED_CLAIM}")
    question = read_question(what, columns)
    if question.kind is not Kind.SHARE:
        raise ValueError(f"is {text!r}; {EXPECTED_CLAIM}")
    share = read_share(limit)
    if not isinstance(share, float):
        raise ValueError(f"is {text!r}; {EXPECTED_CLAIM}")
    return question, share


__all__ = ["Answer", "Kind", "Question", "read_claim", "read_question"]
