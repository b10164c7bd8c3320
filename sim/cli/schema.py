"""`session-sim schema`: the JSON schema of scenarios."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.exits import guarded
from sim.cli.output import print_json


@guarded
def command(
    as_json: Annotated[bool, typer.Option("--json", help="For symmetry: the schema is JSON anyway.")] = False,
) -> None:
    """Print the JSON schema of scenarios, for editors that check TOML files and complete keys.

    Example: session-sim schema > scenario.schema.json
    """
    from sim.scenario.load import json_schema

    print_json(json_schema())
