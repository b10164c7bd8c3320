"""What a sweep's result looks like in a notebook: a table that stands alone, every number with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from sim.sweep.columns import shown_columns
from sim.sweep.load import spelled

if TYPE_CHECKING:
    from sim.sweep.result import SweepResult

MOST_ROWS: Final = 40


def page(result: SweepResult) -> str:
    """The table of cells as HTML."""
    plan = result.plan
    columns = shown_columns(plan.columns, ())
    found = {(one.cell, one.column): one for one in result.estimates(columns)}
    rows = []
    for number, cell in enumerate(plan.cells[:MOST_ROWS]):
        runs = sum(run.cell == number for run in result.runs)
        rows.append(_row("td", [*map(spelled, cell.values), str(runs), *(str(found[number, column]) for column in columns)]))
    title = escape(plan.name) + (f": {escape(plan.title)}" if plan.title else "")
    more = f"<p>and {len(plan.cells) - MOST_ROWS:,} more cells</p>" if len(plan.cells) > MOST_ROWS else ""
    head = _row("th", [*plan.axes, "runs", *columns])
    note = "<p>means over runs, with their 95 % intervals</p>"
    table = f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<h4>{title}</h4><div style="overflow-x: auto">{table}</div>{more}{note}'


def _row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
