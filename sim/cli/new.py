"""`session-sim new`: a project to start from."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import typer

from sim.cli.exits import WrongInput, check_writable, guarded
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_user

FILES: Final = ("scenario.toml", "workflows.py", "README.md")


@guarded
def command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A directory that does not exist yet, or is empty.")],
    as_json: AsJson = False,
) -> None:
    """Make a small working project: a scenario, its workflow in Python, and what to try next.

    Example: session-sim new my-sessions
    """
    if os.path.isdir(directory) and any(directory.iterdir()):
        raise WrongInput(f"{directory}: is not empty; expected a directory that does not exist yet, or an empty one")
    if os.path.exists(directory) and not os.path.isdir(directory):
        raise WrongInput(f"{directory}: is a file; expected a directory that does not exist yet")
    check_writable(directory)
    templates = resources.files("sim.cli").joinpath("starter")
    for name in FILES:
        (directory / name).write_text(templates.joinpath(f"{name}.txt").read_text("utf-8"), "utf-8")
    if as_json:
        print_json({"directory": str(directory), "files": [str(directory / name) for name in FILES]})
        return
    console = to_user()
    console.print(f"Made {directory}: {', '.join(FILES)}.", markup=False, soft_wrap=True)
    console.print(
        f"\nNow try\n\n  session-sim run {directory / FILES[0]} --seed 1 --out {directory / 'out'}\n", markup=False, soft_wrap=True
    )
