"""`session-sim list`: what there is."""

from __future__ import annotations

import textwrap
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sim.cli import places
from sim.cli.exits import guarded
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_user


class What(StrEnum):
    SCENARIOS = "scenarios"
    SWEEPS = "sweeps"
    PROPERTIES = "properties"
    FAULTS = "faults"
    MOMENTS = "moments"


INTRODUCTIONS = {
    What.SCENARIOS: "Scenarios: a cluster, a workload and faults. `session-sim run NAME --seed 1` runs one.",
    What.SWEEPS: "Sweeps: a scenario for many values of its keys. `session-sim sweep NAME --out STORE` runs one.",
    What.PROPERTIES: "Properties: promises about sessions. Every run is watched for all of them; "
    "the last ones, demands and duties of workflow code, are judged when they are named.",
    What.FAULTS: "Faults: what a scenario can do to a cluster, in [[faults]] tables.",
    What.MOMENTS: "Moments: points of the protocol at which a fault can happen, besides a time or a rate.",
}


@guarded
def command(
    what: Annotated[What | None, typer.Argument(help="Only these; moments are listed only when asked for.")] = None,
    as_json: AsJson = False,
) -> None:
    """List scenarios, sweeps, properties and kinds of faults. `session-sim describe NAME` says more about one.

    Example: session-sim list faults
    """
    wanted = [what] if what is not None else [What.SCENARIOS, What.SWEEPS, What.PROPERTIES, What.FAULTS]
    found = {kind.value: ROWS[kind]() for kind in wanted}
    if as_json:
        print_json(found)
        return
    console = to_user()
    for number, kind in enumerate(wanted):
        if number:
            console.print()
        show(console, kind, found[kind.value])
    if what is None:
        console.print(
            "\n`session-sim describe NAME` says more about any of these; `session-sim list moments` shows the moments.", style="dim"
        )


def scenarios() -> list[dict[str, Any]]:
    """Scenarios that ship, and those of the current directory."""
    rows = [{"name": path.stem, "what": _title(path), "file": str(path), "ships": True} for path in places.shipped()]
    return rows + [{"name": str(path), "what": _title(path), "file": str(path), "ships": False} for path in places.here()]


def sweeps() -> list[dict[str, Any]]:
    """Sweeps that ship."""
    return [{"name": path.stem, "what": _title(path), "file": str(path), "ships": True} for path in places.shipped_sweeps()]


def _title(path: Path) -> str:
    """A scenario's title, or what is wrong with the file: a list does not fail because one of its rows does."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return f"(cannot be read: {error})"
    return str(content.get("title") or content.get("description") or "")


def properties() -> list[dict[str, Any]]:
    """All properties, with the sentence each stands for, and whether it is a promise, a demand or a duty."""
    from sim.properties import ALL, DEMANDS, DUTIES, OF_VARIANTS

    own = [(f"promise of {variant}", properties) for variant, properties in OF_VARIANTS.items()]
    groups = [("promise", ALL), *own, ("demand", DEMANDS), ("duty", DUTIES)]
    return [
        {"name": name, "what": one.sentence, "source": one.source, "history_decides": one.history_decides, "group": group}
        for group, properties in groups
        for name, one in properties.items()
    ]


def faults() -> list[dict[str, Any]]:
    """All kinds of faults."""
    from sim.faults import KINDS

    return [
        {
            "name": kind.name,
            "what": f"{_whose(kind.target)}{kind.sentence}" + (f" (with `for`: then {kind.undone})" if kind.undone else ""),
            "target": kind.target,
            "needs": list(kind.needs),
            "takes": list(kind.takes),
            "undone": kind.undone,
        }
        for kind in KINDS.values()
    ]


def _whose(target: str) -> str:
    return {"process": "a worker process: ", "workflow": "a workflow: "}.get(target, "")


def moments() -> list[dict[str, Any]]:
    """All named moments."""
    from sim.scenario.moments import MOMENTS, fields_of

    return [{"name": name, "what": MOMENTS[name].sentence, "where": fields_of(MOMENTS[name])} for name in MOMENTS.names]


ROWS = {What.SCENARIOS: scenarios, What.SWEEPS: sweeps, What.PROPERTIES: properties, What.FAULTS: faults, What.MOMENTS: moments}


def show(console: Console, kind: What, rows: list[dict[str, Any]]) -> None:
    console.print(INTRODUCTIONS[kind], style="bold", markup=False)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2), pad_edge=True)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(row["name"], textwrap.shorten(row["what"], 400))
    console.print(table if rows else "  none")
