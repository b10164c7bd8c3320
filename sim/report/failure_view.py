"""The report of a failing run for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sim.report.clock import stamp
from sim.report.difference import brief
from sim.report.failure import Failure
from sim.report.story import Weight

BLOCKS: Final = "▁▂▃▄▅▆▇█"


def parts(failure: Failure) -> Iterator[RenderableType]:
    """All of it, one below the other. Text is to be printed as it stands (`soft_wrap`): code is there to be pasted."""
    yield Text(f"✗ {failure.name} is broken", style="bold red")
    yield Text(f"  {failure.promise}")
    yield Text(f"  {failure.source}", style="dim")
    yield Text()
    yield _facts(failure)
    yield _heading("Story")
    yield _story(failure)
    yield _heading("When it was decided")
    yield Text(f"  {failure.decision}")
    yield _curve(failure)
    if failure.examination.shrunk.suspects:
        yield _heading("Who did it")
        yield from _suspects(failure)
    yield _heading("What would have helped")
    yield from _passing(failure)
    yield _heading("The smallest scenario")
    yield Text(failure.scenario.rstrip())
    yield _heading("A regression test")
    yield Text(failure.test.rstrip())
    yield _heading("Again")
    yield Text("\n".join(failure.commands))


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _facts(failure: Failure) -> Table:
    small, decided = failure.examination.shrunk, failure.decided
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("  broken", Text(f"{stamp(failure.violation.time_us, 3)} {failure.violation.message}", style="red"))
    table.add_row("  guilty", Text(failure.guilty, style="bold"))
    if decided is not None:
        table.add_row("  decided", Text(f"{stamp(decided.time, 3)} {decided.text}"))
    table.add_row("  deviations", Text(failure.size))
    table.add_row("  seed", Text(f"{small.tape.seed}{' (nothing is left to chance)' if small.tape.seed == -1 else ''}"))
    for label, value in small.tape.deviations.items():
        table.add_row("  unusual", Text(f"{label} = {value:,}"))
    return table


def _story(failure: Failure) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    decided, told = failure.decided, False
    for line in failure.told():
        if line.time > failure.violation.time_us and not told:
            table.add_row(*_violation(failure))
            told = True
        style = "yellow" if line is decided else "" if line.weight is Weight.KEY else "dim"
        table.add_row(f"  {stamp(line.time, 3)}", Text(line.text + ("  ← decided" if line is decided else ""), style=style))
    if not told:
        table.add_row(*_violation(failure))
    return table


def _violation(failure: Failure) -> tuple[str, Text]:
    return f"  {stamp(failure.violation.time_us, 3)}", Text(f"✗ {failure.violation.message}", style="bold red")


def _curve(failure: Failure) -> Text:
    """P(broken | prefix) as blocks, a prefix each."""
    points = failure.examination.decisive.points
    rows = []
    for words, shares in (("without later faults", [p.unplanned for p in points]), ("with them", [p.planned for p in points])):
        bars = "".join(BLOCKS[round(share.value * (len(BLOCKS) - 1))] for share in shares)
        rows.append(f"  {words:>20}  {bars}")
    ends = f"  {'':>20}  nothing … {stamp(points[-1].time, 3)}" if points else ""
    return Text("\n".join([*rows, ends]))


def _suspects(failure: Failure) -> Iterator[Text]:
    for one in failure.examination.shrunk.suspects:
        words = "guilty" if one.guilty else "not guilty"
        yield Text(
            f"  {words}: {one.words} (broken with it: {one.present} seeds; without it: {one.absent})", style="red" if one.guilty else ""
        )


def _passing(failure: Failure) -> Iterator[RenderableType]:
    passing, difference = failure.examination.passing, failure.difference
    if passing is None or difference is None:
        yield Text("  No run nearby keeps the promise: not without any single fault, and not with other luck.")
        return
    yield Text(f"  The nearest run that keeps the promise: {passing.words}. Until {stamp(passing.same_until, 3)} both are the same.")
    first = difference["first_difference"]
    for side, words, style in (("a", "broken", "red"), ("b", "kept", "green")) if first else ():
        said = first[side]
        text = f"{stamp(round(said['at_s'] * 1e6), 3)} {said['text']}" if said else "the story is over"
        yield Text(f"  {words:>8}  {text}", style=style)
    for row in difference["consequences"][:12]:
        yield Text(f"  {row['what']}: {brief(row['a'])} / {brief(row['b'])}", style="dim")
