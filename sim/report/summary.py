"""The summary of a run as tables for a terminal: sessions, waits, slots, workflows, and what became of every promise.

It is made of the JSON object that `run --json` prints (`RunResult.to_json()`), so the two never disagree; what a promise says
and where it was broken comes beside it as `Judged`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sim.properties.known import KNOWN_BROKEN
from sim.report.clock import length, stamp
from sim.scenario.tables import Verdicts

LOOKS: Final = {"held": ("green", "✓"), "broken": ("bold red", "✗"), "not exercised": ("dim", "·"), "undecidable": ("yellow", "?")}
"""Style and sign of each verdict."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A property's verdict on a run.

    Args:
        verdict: held, broken, not exercised, undecidable.
        expected: what the scenario expects, "" for held or not exercised.
        promise: the sentence it stands for.
        violation: the first violation in words, "" without one.
        at: when that was, microseconds.
        violations: how many there are.
        exercised: how often the run put it to the test.
    """

    name: str
    verdict: str
    promise: str = ""
    expected: str = ""
    violation: str = ""
    at: int = 0
    violations: int = 0
    exercised: int = 0

    @property
    def as_expected(self) -> bool:
        """Whether this is what the scenario says, or what is usual."""
        return self.verdict == self.expected if self.expected else self.verdict in ("held", "not exercised")

    @property
    def expectation(self) -> str:
        """What the scenario expects, in a sentence; "" when there is nothing to say of it.

        Only of promises that it is known not to keep the protocol is to blame: not of duties of workflow code, nor of planted bugs.
        """
        if not self.as_expected:
            return f"The scenario expects it to be {self.expected or 'held'}."
        if self.verdict != "broken":
            return ""
        return "The scenario expects that" + (": the real protocol does not keep this promise." if self.name in KNOWN_BROKEN else ".")


def judged_of(verdicts: Verdicts) -> list[Judged]:
    """The verdicts of a run, in the order of the properties."""
    found = []
    for one in verdicts.judgements():
        first, kind = one.first, one.verdict.kind.value
        words, at = (first.message, first.time_us) if first is not None else ("", 0)
        found.append(Judged(one.name, kind, one.promise, one.expected, words, at, one.verdict.broken, one.verdict.exercised))
    return found


def summary(result: Mapping[str, Any], judged: Sequence[Judged]) -> RenderableType:
    """All tables, one below the other."""
    return Group(sessions_table(result), workflows_table(result), Text(), verdicts(judged))


def rows(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the tables of numbers say, as (what, how much)."""
    sessions, waits, slots = result["sessions"], result["creation_wait_s"], result["slots"]
    found = [(word, f"{sessions.get(key, 0):,}") for key, word in _SESSIONS]
    quantiles = ", ".join(f"{key} {seconds(waits[key])}" for key in ("mean", "p50", "p90", "p99", "max") if waits.get(key) is not None)
    found.append(("creation took", quantiles or "–"))
    found.append(("slots in use", f"{slots['mean_used']:.4g} of {slots['capacity']:,} on average"))
    found.append(("messages", f"{result['messages']:,}"))
    found.append(("simulated time", length(round(result["ended_at_s"] * 1e6))))
    return found


_SESSIONS: Final = (
    ("asked", "sessions asked for"), ("created", "created"), ("completed", "completed"), ("failed", "failed"),
    ("creation_timed_out", "creation timed out"),
)  # fmt: skip


def seconds(value: float | None) -> str:
    """A length of time given in seconds, in words."""
    return "–" if value is None else length(round(value * 1e6))


def sessions_table(result: Mapping[str, Any]) -> Table:
    """Sessions, waits and slots."""
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column()
    for what, value in rows(result):
        bad = what in ("failed", "creation timed out") and value != "0"
        table.add_row(what, Text(value, style="red" if bad else ""))
    return table


def statuses(result: Mapping[str, Any]) -> list[tuple[str, int]]:
    """How many runs ended how, most frequent first; "running" for those that had not."""
    counts = Counter(str(workflow["status"] or "running").lower().replace("_", " ") for workflow in result.get("workflows") or ())
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def workflows_table(result: Mapping[str, Any]) -> Table:
    """Workflows by status."""
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column()
    words = ", ".join(f"{count:,} {status}" for status, count in statuses(result))
    table.add_row("workflows     ", words or "none")
    return table


def verdicts(judged: Sequence[Judged]) -> RenderableType:
    """The promises: what was broken first, with its promise and its first violation; what was not exercised in one line."""
    if not judged:
        return Text("No properties were watched.", style="dim")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("", "promise", "verdict", ""):
        table.add_column(column, overflow="fold", no_wrap=column == "promise")
    for one in ordered(judged):
        look, sign = LOOKS.get(one.verdict, ("", " "))
        table.add_row(Text(sign, style=look), one.name, Text(one.verdict, style=look), _words(one))
    idle = sorted(one.name for one in judged if one.verdict == "not exercised")
    if not idle:
        return table
    return Group(table, Text(f"\nnot exercised in this run: {', '.join(idle)}", style="dim"))


def ordered(judged: Sequence[Judged]) -> list[Judged]:
    """What was put to the test, broken promises first."""
    tested = [one for one in judged if one.verdict != "not exercised"]
    return sorted(tested, key=lambda one: (_ORDER.get(one.verdict, 9), one.name))


_ORDER: Final = {"broken": 0, "undecidable": 1, "held": 2}


def _words(one: Judged) -> Text:
    text = Text(one.promise, style="" if one.verdict == "broken" else "dim")
    if one.violation:
        more = f" (and {one.violations - 1:,} more)" if one.violations > 1 else ""
        text.append(f"\n{stamp(one.at)} {one.violation}{more}", style="red")
    if one.expectation:
        text.append(f"\n{one.expectation}", style="dim" if one.as_expected else "bold red")
    return text


def conclusion(judged: Sequence[Judged]) -> str:
    """The run in one sentence."""
    surprises = [one for one in judged if not one.as_expected]
    broken = [one for one in judged if one.verdict == "broken"]
    count = sum(one.verdict == "held" for one in judged)
    held = f"{count} promise{'s' if count != 1 else ''} held"
    if surprises:
        names = ", ".join(f"{one.name} is {one.verdict}" for one in surprises)
        return f"Not as expected: {names}."
    if broken:
        names = ", ".join(one.name for one in broken)
        return f"As expected: {held}; {names} {'is' if len(broken) == 1 else 'are'} broken, as the scenario says."
    return f"As expected: {held}, none is broken."
